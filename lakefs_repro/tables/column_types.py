"""Which type the texts of a column have, all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from lakefs_repro.model.contract import ContractProperty
from lakefs_repro.model.contract_types import LogicalType
from lakefs_repro.tables.faults import about_content
from lakefs_repro.tables.profile import COLUMNS_PER_QUERY, FILES_PER_QUERY
from lakefs_repro.tables.relation import NULL_MARKERS, Layout, from_json, from_text, relation
from lakefs_repro.tables.session import Session, literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILES_SAMPLED = 20
ROWS_SAMPLED = 20_000

# In the order in which a type is preferred. Each has a stricter shape than what a contract that declares
# the type accepts: F alone is no boolean, 1.0 no integer, 007 no number but a code.
_SHAPES: dict[LogicalType, str] = {
    "boolean": "lower({x}) IN ('true', 'false')",
    "integer": "NOT regexp_matches({x}, '[.eExX_ ]|^[+-]?0[0-9]')",
    "number": (
        "NOT regexp_matches({x}, '[xX_ ]|^[+-]?0[0-9]') "
        "AND NOT (regexp_full_match({x}, '[+-]?[0-9]{{16,}}') AND TRY_CAST({x} AS BIGINT) IS NULL)"
    ),
    "date": "regexp_full_match({x}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')",
    "timestamp": "regexp_matches({x}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ][0-9]')",
    "time": "regexp_matches({x}, '^[0-9]{{2}}:[0-9]{{2}}')",
}
_JSON_SHAPES: dict[LogicalType, str] = {
    "boolean": "true",
    "integer": "NOT regexp_matches({x}, '[.eE]')",
    "number": "true",
    "date": _SHAPES["date"],
    "timestamp": _SHAPES["timestamp"],
    "time": _SHAPES["time"],
    "object": "true",
    "array": "true",
    "string": "true",
}
_ZONED = "regexp_matches({x}, '(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$')"


@dataclass
class TextColumn:
    """What has been seen of a column: how many values, and how many of them each type does not fit."""

    filled: int = 0
    unfit: dict[LogicalType, int] = field(default_factory=dict)
    unzoned: int = 0
    markers: set[str] = field(default_factory=set)

    def add(self, other: TextColumn) -> None:
        self.filled += other.filled
        self.unzoned += other.unzoned
        self.markers |= other.markers
        for kind in get_args(LogicalType):
            self.unfit[kind] = self.unfit.get(kind, 0) + other.unfit.get(kind, other.filled)

    @property
    def kind(self) -> LogicalType | None:
        """The first type that fits every value; None for a column without values, or where none fits."""
        if not self.filled:
            return None
        return next((kind for kind in (*_SHAPES, *_JSON_SHAPES) if not self.unfit.get(kind, self.filled)), None)

    @property
    def zoned(self) -> bool:
        return bool(self.filled) and not self.unzoned


def text_columns(session: Session, layout: Layout) -> dict[str, TextColumn]:
    """Look at every value of the layout's files; files that can't be read are passed over."""
    found = {column.name: TextColumn() for column in layout.table.properties}
    numbers = layout.numbers
    for left in range(0, len(found), COLUMNS_PER_QUERY):
        columns = range(left, min(left + COLUMNS_PER_QUERY, len(found)))
        kinds = _still_possible(session, layout, columns)
        for start in range(0, len(numbers), FILES_PER_QUERY):
            _look(session, layout, numbers[start : start + FILES_PER_QUERY], kinds, found)
    return found


def _still_possible(session: Session, layout: Layout, columns: range) -> dict[int, list[LogicalType]]:
    """The types of each column that the first rows leave possible: the others need not be tried on every row."""
    everything = {i: list(_shapes(layout)) for i in columns}
    first: dict[str, TextColumn] = {column.name: TextColumn() for column in layout.table.properties}
    _look(session, layout, layout.numbers[:FILES_SAMPLED], everything, first, limit=f" LIMIT {ROWS_SAMPLED}")
    return {
        i: [kind for kind in kinds if not first[layout.table.properties[i].name].unfit.get(kind, 0)]
        for i, kinds in everything.items()
    }


def _look(
    session: Session,
    layout: Layout,
    numbers: Sequence[int],
    kinds: Mapping[int, Sequence[LogicalType]],
    found: dict[str, TextColumn],
    *,
    limit: str = "",
) -> None:
    try:
        ((*values,),) = session.rows(_sql(session, layout, numbers, kinds, limit))
    except Exception as error:
        if not about_content(error):
            raise
        if len(numbers) > 1:
            half = len(numbers) // 2
            _look(session, layout, numbers[:half], kinds, found, limit=limit)
            _look(session, layout, numbers[half:], kinds, found, limit=limit)
        return
    for i, tried in kinds.items():
        own, values = values[: 3 + len(tried)], values[3 + len(tried) :]
        filled, unzoned, markers, *unfit = own
        column = TextColumn(filled, dict(zip(tried, unfit, strict=True)), unzoned, _named(markers or 0))
        if layout.head.format == "csv":
            column.unfit["string"] = 0
        found[layout.table.properties[i].name].add(column)


def _named(bits: int) -> set[str]:
    return {marker for place, marker in enumerate(NULL_MARKERS) if bits >> place & 1}


def _shapes(layout: Layout) -> dict[LogicalType, str]:
    return _JSON_SHAPES if layout.head.format == "jsonl" else _SHAPES


def _sql(
    session: Session, layout: Layout, numbers: Sequence[int], kinds: Mapping[int, Sequence[LogicalType]], limit: str
) -> str:
    is_json = layout.head.format == "jsonl"
    markers = ", ".join(literal(marker) for marker in NULL_MARKERS)
    prepared, parts = [], []
    for i, tried in kinds.items():
        text = f"x{i}"
        # The place of the text among the markers, worked out once.
        prepared.append(f"0 AS m{i}" if is_json else f"coalesce(list_position([{markers}], {text}), 0) AS m{i}")
        filled = f"NOT n{i} AND m{i} = 0"
        zoned = _ZONED.format(x=text) if "timestamp" in tried else "true"
        parts += [
            f"count(*) FILTER ({filled})",
            f"count(*) FILTER ({filled} AND NOT {zoned})",
            # One bit for each marker: a list of distinct texts would cost a hash table for each column.
            f"bit_or(CASE WHEN m{i} > 0 THEN 1 << (m{i} - 1) ELSE 0 END)",
        ]
        for kind in tried:
            shape = _shapes(layout)[kind]
            column = ContractProperty(name="", logical_type=kind)
            value = from_json(column, f"j{i}") if is_json else from_text(column, text)
            parts.append(f"count(*) FILTER ({filled} AND NOT ({shape.format(x=text)} AND ({value}) IS NOT NULL))")
    source = relation(session, layout, numbers, kinds)
    wide = ", ".join(["*", *prepared])
    return f"SELECT {', '.join(parts) or 'NULL'} FROM (SELECT {wide} FROM ({source}){limit})"  # noqa: S608 (text is quoted)
