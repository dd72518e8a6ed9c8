"""One pass over the rows of many files: statistics, and how many rows fail each predicate, by file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakefs_repro.model.table_report import MAX_EXAMPLES
from lakefs_repro.tables import lazy
from lakefs_repro.tables.faults import about_content, explain
from lakefs_repro.tables.footer import from_footer
from lakefs_repro.tables.measure import FileProfile, to_value
from lakefs_repro.tables.relation import Layout, relation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lakefs_repro.model.table import Value
    from lakefs_repro.tables.predicates import Predicate
    from lakefs_repro.tables.session import Session

FILES_PER_QUERY = 1000
COLUMNS_PER_QUERY = 50
"""Bounds memory: DuckDB holds a few vectors of 2048 values for each expression and thread."""
FILES_WITH_EXAMPLES = 50
EXAMPLE_LENGTH = 80
_NAMED_AT_MOST = 5


@dataclass
class Profiles:
    """Profiles by file number, and why files could not be read."""

    files: dict[int, FileProfile] = field(default_factory=dict)
    unreadable: dict[int, str] = field(default_factory=dict)


def profile(
    session: Session,
    layout: Layout,
    predicates: Mapping[int, Predicate],
    *,
    statistics: bool = True,
    footers: bool = True,
) -> Profiles:
    """Look at every file of ``layout``, reading rows only where a footer can't answer.

    Args:
        session: the connection and its files.
        layout: which files.
        predicates: by the number under which ``FileProfile.bad`` counts them.
        statistics: whether nulls, minimum and maximum of each column are wanted.
        footers: whether to believe the footers of Parquet files; else their rows are read in any case.
    """
    result = Profiles()
    active = {number: predicate for number, predicate in predicates.items() if _applies(layout, predicate)}
    to_read: list[int] = []
    for number in layout.numbers:
        known = from_footer(session, layout, number, active) if footers else None
        result.files[number] = known or FileProfile()
        if known is None:
            to_read.append(number)
    for start in range(0, len(to_read), FILES_PER_QUERY):
        _scan(session, layout, to_read[start : start + FILES_PER_QUERY], active, result, statistics=statistics)
    return result


def _applies(layout: Layout, predicate: Predicate) -> bool:
    """False where the column itself is missing or of another type, which is reported by itself."""
    column = layout.table.properties[predicate.column]
    if layout.mistyped(column):
        return predicate.rule == "type"
    return layout.table.allows_missing_columns or column.column not in layout.missing


def _scan(
    session: Session,
    layout: Layout,
    numbers: Sequence[int],
    predicates: Mapping[int, Predicate],
    result: Profiles,
    *,
    statistics: bool,
) -> None:
    width = len(layout.table.properties)
    for start in range(0, max(width, 1), COLUMNS_PER_QUERY):
        columns = range(start, min(start + COLUMNS_PER_QUERY, width))
        aggregates = list(_aggregates(layout, columns, predicates, statistics=statistics))
        wanted = columns if statistics else {p.column for p in predicates.values() if p.column in columns}
        numbers = _scan_chunk(session, layout, numbers, aggregates, wanted, result)


@dataclass(frozen=True)
class _Aggregate:
    """An SQL aggregate and where its value goes."""

    sql: str
    store: Callable[[FileProfile, Any], None]


def _aggregates(
    layout: Layout, columns: range, predicates: Mapping[int, Predicate], *, statistics: bool
) -> Iterator[_Aggregate]:
    yield _Aggregate("count(*)", lambda found, value: setattr(found, "rows", value))
    if layout.head.format == "jsonl":
        yield _Aggregate("count(*) FILTER (NOT ok)", lambda found, value: setattr(found, "not_rows", value))
        yield _Aggregate(
            "count(*) FILTER (ok AND NOT known)", lambda found, value: setattr(found, "unknown_keys", value > 0)
        )
    if statistics:
        for i in columns:
            yield from _statistics(i, layout)
    for number, predicate in predicates.items():
        if predicate.column in columns:
            sql = f"count(*) FILTER ({predicate.condition})"
            yield _Aggregate(sql, lambda found, value, number=number: found.bad.update({number: value}))  # type: ignore[misc]


def _statistics(i: int, layout: Layout) -> Iterator[_Aggregate]:
    column = layout.table.properties[i]
    yield _Aggregate(f"count(*) FILTER (n{i})", lambda found, value: found.nulls.update({i: value}))
    if column.withheld or column.logical_type in ("object", "array") or layout.is_binary(column):
        return
    only = f" FILTER (isfinite(t{i}))" if column.logical_type == "number" else ""

    def keep(bounds: dict[int, Value], value: Any) -> None:
        found = to_value(value, column)
        if found is not None:
            bounds[i] = found

    yield _Aggregate(f"min(t{i}){only}", lambda found, value: keep(found.minimum, value))
    yield _Aggregate(f"max(t{i}){only}", lambda found, value: keep(found.maximum, value))


def _scan_chunk(
    session: Session,
    layout: Layout,
    numbers: Sequence[int],
    aggregates: Sequence[_Aggregate],
    wanted: Any,
    result: Profiles,
) -> list[int]:
    """Read ``numbers`` in one query, or in as many as it takes to set the unreadable ones apart."""
    readable = list(numbers)
    pending = [readable]
    named = 0
    readable = []
    while pending:
        members = pending.pop()
        if not members:
            continue
        try:
            _aggregate(session, layout, members, aggregates, wanted, result)
            readable += members
            continue
        except lazy.duckdb().Error as error:
            culprit = _culprit(session, members, error)
            if culprit is not None and (named < _NAMED_AT_MOST or len(members) == 1):
                named += 1
                result.unreadable[culprit] = explain(error, session.files[culprit])
                result.files.pop(culprit, None)
                pending.append([number for number in members if number != culprit])
            else:
                half = len(members) // 2
                pending += [members[half:], members[:half]]
    return sorted(readable)


def _culprit(session: Session, members: Sequence[int], error: Exception) -> int | None:
    """The file that ``error`` is about, None where that takes a closer look; other errors are raised."""
    if not about_content(error):
        raise error
    named = session.named_in(str(error))
    if named in members:
        return named
    return members[0] if len(members) == 1 else None


def _aggregate(
    session: Session,
    layout: Layout,
    numbers: Sequence[int],
    aggregates: Sequence[_Aggregate],
    wanted: Any,
    result: Profiles,
) -> None:
    source = relation(session, layout, numbers, wanted)
    select = ", ".join(aggregate.sql for aggregate in aggregates)
    for number, *values in session.rows(f"SELECT f, {select} FROM ({source}) GROUP BY f"):  # noqa: S608 (text is quoted)
        found = result.files[number]
        for aggregate, value in zip(aggregates, values, strict=True):
            aggregate.store(found, value)


def examples(
    session: Session, layout: Layout, predicate: Predicate, numbers: Sequence[int]
) -> dict[int, tuple[str, ...]]:
    """Up to five values of failing rows, the most frequent first, of each of the first files in ``numbers``."""
    column = layout.table.properties[predicate.column]
    members = list(numbers)[:FILES_WITH_EXAMPLES]
    if column.withheld or predicate.footing == "nulls" or not members:
        return {}
    source = relation(session, layout, members, [predicate.column])
    rows = session.rows(
        f"SELECT f, x FROM (SELECT f, left(x{predicate.column}, {EXAMPLE_LENGTH + 1}) AS x, count(*) AS c "  # noqa: S608
        f"FROM ({source}) WHERE ({predicate.condition}) AND x{predicate.column} IS NOT NULL GROUP BY ALL) "
        f"QUALIFY row_number() OVER (PARTITION BY f ORDER BY c DESC, x) <= {MAX_EXAMPLES} ORDER BY f, c DESC, x"
    )
    found: dict[int, list[str]] = {}
    for number, text in rows:
        found.setdefault(number, []).append(cut(text))
    return {number: tuple(texts) for number, texts in found.items()}


def cut(text: str) -> str:
    return text if len(text) <= EXAMPLE_LENGTH else text[: EXAMPLE_LENGTH - 1] + "…"
