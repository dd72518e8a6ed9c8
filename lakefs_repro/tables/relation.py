"""SQL that reads files of one layout as typed rows.

For column number ``i`` of a contract's table the relation has ``x{i}`` (the text as written, for examples),
``n{i}`` (whether it is null) and ``t{i}`` (its typed value; null also where the text is not of the type);
``f`` is the file's number, ``ok`` whether the row is one at all, ``known`` whether all of its keys are
known (the last two say something for JSON Lines only).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakefs_repro.model.contract_types import strftime_format
from lakefs_repro.tables.arrow_types import fits
from lakefs_repro.tables.files import HIVE_NULL
from lakefs_repro.tables.session import Session, literal, one_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lakefs_repro.model.contract import ContractProperty, ContractTable
    from lakefs_repro.tables.head import Head

NULL_MARKERS = ("NA", "N/A", "n/a", "<NA>", "NULL", "null", "None", "NaN", "nan", "\\N")
"""What stands for null in a CSV column that is not text. In a text column only the empty field does: NA is
the country code of Namibia."""

SQL_TYPES = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "time": "TIME",
    "object": "VARCHAR",
    "array": "VARCHAR",
}
# The buffer is per thread; by default it would be 32 MB, a good part of all the memory that may be taken.
_READ_CSV = (
    "buffer_size = 8388608, auto_detect = false, quote = '\"', escape = '\"', "
    "compression = {compression}, delim = {delimiter}"
)


@dataclass(frozen=True)
class Layout:
    """Files of one table that one query can read together, with their heads by number."""

    table: ContractTable
    heads: Mapping[int, Head]
    missing: frozenset[str] = frozenset()
    """Promised columns that neither the files nor their folders have."""

    @property
    def head(self) -> Head:
        return next(iter(self.heads.values()))

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(self.heads)

    def place(self, column: ContractProperty) -> int | None:
        """The position of ``column`` in the files, or None."""
        return self.head.columns.index(column.column) if column.column in self.head.columns else None

    def is_binary(self, column: ContractProperty) -> bool:
        """Whether it is a Parquet column of bytes that are no text."""
        place = self.place(column)
        return self.head.format == "parquet" and place is not None and "binary" in self.head.physical[place]

    def mistyped(self, column: ContractProperty) -> str | None:
        """The logical type of a Parquet column where it is not the promised one."""
        place = self.place(column)
        if self.head.format != "parquet" or place is None:
            return None
        found = self.head.logical[place]
        return None if fits(column.logical_type, found) else found


def relation(session: Session, layout: Layout, numbers: Sequence[int], wanted: Iterable[int]) -> str:
    """A SELECT with the typed rows of the files ``numbers``, holding the ``wanted`` columns."""
    indices = sorted(set(wanted))
    build = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}[layout.head.format]
    return build(session, layout, numbers, indices)


def partition_column(session: Session, layout: Layout, numbers: Sequence[int], column: ContractProperty) -> str | None:
    """SQL for the value that the folders of each file give to ``column``; None when they name none."""
    values = {number: session.files[number].folders.get(column.column) for number in numbers}
    if layout.place(column) is not None or all(value is None for value in values.values()):
        return None
    # A list with a place for each number: DuckDB makes a join of a long IN, and then rows lose their order.
    first = min(values)
    listed: list[str | None] = [None] * (max(values) - first + 1)
    for number, value in values.items():
        listed[number - first] = None if value == HIVE_NULL else value
    texts = ", ".join("NULL" if value is None else literal(value) for value in listed)
    return f"([{texts}]::VARCHAR[])[f - {first - 1}]"


def _csv(session: Session, layout: Layout, numbers: Sequence[int], indices: Sequence[int]) -> str:
    head = layout.head
    names = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(max(1, len(head.columns))))
    options = _READ_CSV.format(
        compression=literal("gzip" if head.gzipped else "none"), delimiter=literal(head.delimiter)
    )
    source = (
        f"read_csv({session.links(numbers)}, {options}, header = {str(head.header).lower()}, "
        f"columns = {{{names}}}, filename = 'fn')"
    )
    raw, typed = [], []
    markers = layout.table.null_markers
    for i in indices:
        column = layout.table.properties[i]
        place = layout.place(column)
        text = f"c{place}" if place is not None else partition_column(session, layout, numbers, column)
        raw.append(f"{text or 'CAST(NULL AS VARCHAR)'} AS x{i}")
        own = markers if markers is not None else (() if column.logical_type in (None, "string") else NULL_MARKERS)
        null = f"(x{i} IS NULL OR {one_of(f'x{i}', own)})" if own else f"(x{i} IS NULL)"
        typed.append(f"x{i}, {null} AS n{i}, CASE WHEN {null} THEN NULL ELSE {from_text(column, f'x{i}')} END AS t{i}")
    inner = f"SELECT *, {session.number_of('fn')} AS f FROM {source}"  # noqa: S608 (paths are quoted)
    return _rows(inner, raw, typed)


def _jsonl(session: Session, layout: Layout, numbers: Sequence[int], indices: Sequence[int]) -> str:
    pointers, raw, typed = [], [], []
    for i in indices:
        column = layout.table.properties[i]
        folder = partition_column(session, layout, numbers, column)
        pointers.append(literal("/" + column.column.replace("~", "~0").replace("/", "~1")))
        found = f"v[{len(pointers)}]"
        if folder is not None:
            found = f"coalesce({found}, to_json({folder}))"
        raw.append(f"{found} AS j{i}")
        text = (
            f"CASE WHEN json_type(j{i}) = 'VARCHAR' THEN json_extract_string(j{i}, '$') ELSE CAST(j{i} AS VARCHAR) END"
        )
        null = f"(j{i} IS NULL OR json_type(j{i}) = 'NULL')"
        value = from_json(column, f"j{i}", from_folder=folder is not None)
        typed.append(f"j{i}, {text} AS x{i}, {null} AS n{i}, CASE WHEN {null} THEN NULL ELSE {value} END AS t{i}")
    known = ", ".join(literal(column.column) for column in layout.table.properties)
    inner = (
        f"SELECT {session.number_of('filename')} AS f, json_type(json) = 'OBJECT' AS ok, "  # noqa: S608 (text is quoted)
        f"list_has_all([{known}]::VARCHAR[], coalesce(json_keys(json), []::VARCHAR[])) AS known, "
        f"json_extract(json, [{', '.join(pointers)}]::VARCHAR[]) AS v "
        f"FROM read_ndjson_objects({session.links(numbers)}, filename = true)"
    )
    return _rows(inner, [*raw, "ok", "known"], [*typed, "ok", "known"])


def _parquet(session: Session, layout: Layout, numbers: Sequence[int], indices: Sequence[int]) -> str:
    head = layout.head
    aliases = ", ".join([*(f"c{place}" for place in range(len(head.columns))), "fn"])
    source = (
        f"read_parquet({session.links(numbers)}, hive_partitioning = false, union_by_name = false, "
        f"filename = '__lakefs_repro_file__') AS source({aliases})"
    )
    raw, typed = [], []
    for i in indices:
        column = layout.table.properties[i]
        place = layout.place(column)
        if place is not None:
            raw.append(f"c{place} AS p{i}")
            value = _from_parquet(column, f"p{i}", head.logical[place], fitting=layout.mistyped(column) is None)
        else:
            folder = partition_column(session, layout, numbers, column)
            raw.append(f"{folder or 'CAST(NULL AS VARCHAR)'} AS p{i}")
            value = from_text(column, f"p{i}")
        typed.append(f"CAST(p{i} AS VARCHAR) AS x{i}, p{i} IS NULL AS n{i}, {value} AS t{i}")
    inner = f"SELECT *, {session.number_of('fn')} AS f FROM {source}"  # noqa: S608 (paths are quoted)
    return _rows(inner, raw, typed)


def _rows(inner: str, raw: Sequence[str], typed: Sequence[str]) -> str:
    return f"SELECT {', '.join(['f', *typed])} FROM (SELECT {', '.join(['f', *raw])} FROM ({inner}))"  # noqa: S608 (names are numbers, text is quoted)


def from_text(column: ContractProperty, text: str) -> str:
    """SQL for the typed value of ``text``; null where it is not of the column's type."""
    kind = column.logical_type or "string"
    pattern = column.logical_type_options.format
    if pattern and kind in ("date", "timestamp", "time"):
        moment = f"make_timestamp(epoch_us(try_strptime({text}, {literal(strftime_format(pattern))})))"
        return f"CAST({moment} AS {SQL_TYPES[kind]})"
    return {
        "string": text,
        # 517.0 is an integer (pandas writes it so beside missing values), 3.7 is not; a plain cast would round it.
        "integer": (
            f"CASE WHEN TRY_CAST({text} AS BIGINT) = TRY_CAST({text} AS DOUBLE) THEN TRY_CAST({text} AS BIGINT) END"
        ),
        "number": f"TRY_CAST({text} AS DOUBLE)",
        "boolean": (
            f"CASE WHEN lower({text}) IN ('true', 't') THEN true WHEN lower({text}) IN ('false', 'f') THEN false END"
        ),
        "date": f"CASE WHEN NOT contains({text}, ':') THEN TRY_CAST({text} AS DATE) END",
        # A plain TIMESTAMP would drop the offset that the text has.
        "timestamp": f"make_timestamp(epoch_us(TRY_CAST({text} AS TIMESTAMPTZ)))",
        "time": f"TRY_CAST({text} AS TIME)",
        "object": f"CASE WHEN json_valid({text}) THEN CASE WHEN json_type({text}) = 'OBJECT' THEN {text} END END",
        "array": f"CASE WHEN json_valid({text}) THEN CASE WHEN json_type({text}) = 'ARRAY' THEN {text} END END",
    }[kind]


def from_json(column: ContractProperty, value: str, *, from_folder: bool = False) -> str:
    """SQL for the typed value of the JSON ``value``; null where it is not of the column's type."""
    text = f"json_extract_string({value}, '$')"
    kind = column.logical_type
    if kind is None:
        return text
    if from_folder:
        return from_text(column, text)
    found, inside = {
        "integer": (("BIGINT", "UBIGINT", "DOUBLE"), from_text(column, text)),
        "number": (("BIGINT", "UBIGINT", "DOUBLE"), f"TRY_CAST({text} AS DOUBLE)"),
        "boolean": (("BOOLEAN",), f"CAST({text} AS BOOLEAN)"),
        "object": (("OBJECT",), f"CAST({value} AS VARCHAR)"),
        "array": (("ARRAY",), f"CAST({value} AS VARCHAR)"),
    }.get(kind, (("VARCHAR",), from_text(column, text)))
    return f"CASE WHEN json_type({value}) IN ({', '.join(literal(name) for name in found)}) THEN {inside} END"


def _from_parquet(column: ContractProperty, value: str, found: str | None, *, fitting: bool) -> str:
    kind = column.logical_type
    if found is None or not fitting:
        return f"CAST(NULL AS {SQL_TYPES[kind or 'string']})"
    if kind == "timestamp":
        # By way of microseconds since the epoch: a cast would use the time zone of this machine.
        return f"make_timestamp(epoch_us({value}))"
    if kind == "integer":
        return f"CAST({value} AS HUGEINT)"
    if kind in ("object", "array"):
        return f"CAST(to_json({value}) AS VARCHAR)"
    return f"CAST({value} AS {SQL_TYPES[kind or 'string']})"


def unknown_keys(session: Session, layout: Layout, numbers: Sequence[int]) -> str:
    """SQL for file, key and number of rows of each JSON key that the contract does not know."""
    known = json.dumps([column.column for column in layout.table.properties], ensure_ascii=False)
    return (
        "SELECT f, key, count(*) FROM ("  # noqa: S608 (text is quoted)
        f"SELECT {session.number_of('filename')} AS f, unnest(json_keys(json)) AS key "
        f"FROM read_ndjson_objects({session.links(numbers)}, filename = true)"
        f") WHERE key NOT IN (SELECT unnest(from_json({literal(known)}, '[\"VARCHAR\"]'))) GROUP BY ALL ORDER BY ALL"
    )
