"""A contract for files that came without one: their schema as it is, and no further promise.

What is inferred must not refuse ordinary new data: so there are no ranges, no required columns and no keys.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakefs_repro.model.contract import Contract, ContractProperty, ContractTable
from lakefs_repro.model.contract_types import TypeOptions
from lakefs_repro.tables.column_types import TextColumn, text_columns
from lakefs_repro.tables.delta import DeltaTables
from lakefs_repro.tables.faults import about_content
from lakefs_repro.tables.files import HIVE_NULL, TableFile, table_suffix
from lakefs_repro.tables.grouping import Group, group_files
from lakefs_repro.tables.head import Head, read_head, read_heads
from lakefs_repro.tables.profile import FILES_PER_QUERY
from lakefs_repro.tables.relation import Layout
from lakefs_repro.tables.session import MEMORY_LIMIT, Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from lakefs_repro.model.contract_base import Json
    from lakefs_repro.model.contract_types import LogicalType

MAX_COLUMNS = 5000
"""Columns that an inferred table lists; JSON files with more distinct keys than that may have any key."""
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def infer_contract(
    dataset: str,
    files: Sequence[TableFile],
    *,
    delta: DeltaTables | None = None,
    spill_dir: Path | None = None,
    budget: int = 4 << 30,
    memory_limit: str = MEMORY_LIMIT,
    threads: int = 2,
) -> Contract:
    """The contract that ``files`` keep: tables, columns and their types.

    Args:
        dataset: the name of the dataset; becomes the contract's id.
        files: files of the dataset; those that are no tables, or can't be read, are passed over.
        delta: the Delta tables of the dataset; found among ``files`` when None. One that can't be followed
            gets no table.
        spill_dir: where work that does not fit in memory goes.
        budget: how many bytes of text files are read to find types. Beyond it, evenly chosen files
            speak for the others, whose values may then turn out to be of another type.
        memory_limit: what DuckDB may hold.
        threads: of DuckDB.

    Returns:
        A contract that the files it was inferred from satisfy (up to ``budget``); without any table
        when there is no table file.
    """
    members = (DeltaTables.among(files) if delta is None else delta).rows(files)
    with Session(members, spill_dir=spill_dir, memory_limit=memory_limit, threads=threads) as session:
        heads = _heads(session, _within(session, budget))
        roots = {number: file.root for number, file in enumerate(members) if file.root is not None}
        columns = {number: head.columns for number, head in heads.items()}
        groups = group_files(dataset, [file.path for file in members], columns, roots)
        tables = [_table(session, group, heads, _within(session, budget)) for group in groups]
    return Contract(id=dataset, name=dataset, schema=tuple(tables))


def _within(session: Session, budget: int) -> frozenset[int]:
    """Evenly chosen files of at most ``budget`` bytes altogether."""
    sizes = {number: file.size for number, file in enumerate(session.files)}
    total = sum(sizes.values())
    if total <= budget:
        return frozenset(sizes)
    step = max(1, round(total / max(budget, 1)))
    chosen: set[int] = set()
    spent = 0
    for number in sorted(sizes, key=lambda number: session.files[number].path)[::step]:
        if chosen and spent + sizes[number] > budget:
            break
        chosen.add(number)
        spent += sizes[number]
    return frozenset(chosen)


def _heads(session: Session, chosen: frozenset[int]) -> dict[int, Head]:
    everything = read_heads(session.files, range(len(session.files)), header=None)
    heads = {number: head for number, head in everything if isinstance(head, Head)}
    _settle_headers(heads, session)
    _note_keys(session, heads, chosen)
    return heads


def _settle_headers(heads: dict[int, Head], session: Session) -> None:
    """A guess made for the first file of a folder holds for all: one odd first line must not split a table."""
    first: dict[tuple[str, str], bool] = {}
    for number, head in heads.items():
        if head.format != "csv":
            continue
        path = session.files[number].path
        folder = (path.rpartition("/")[0], table_suffix(path))
        if first.setdefault(folder, head.header) and not head.header:
            heads[number] = read_head(session.files[number], header=True)


def _note_keys(session: Session, heads: dict[int, Head], chosen: frozenset[int]) -> None:
    """Give JSON Lines files the keys of their objects as columns."""
    for gzipped in (False, True):
        wanted = [n for n, head in heads.items() if head.format == "jsonl" and head.gzipped == gzipped]
        keys: dict[int, list[str]] = {number: [] for number in wanted}
        readable = [number for number in wanted if number in chosen]
        for start in range(0, len(readable), FILES_PER_QUERY):
            _read_keys(session, readable[start : start + FILES_PER_QUERY], keys)
        common = Counter(key for found in keys.values() for key in found)
        kept = {key for key, _ in common.most_common(MAX_COLUMNS)}
        for number, found in keys.items():
            heads[number] = Head("jsonl", tuple(key for key in found if key in kept), gzipped=gzipped)


def _read_keys(session: Session, numbers: Sequence[int], keys: dict[int, list[str]]) -> None:
    try:
        rows = session.rows(
            "SELECT f, key FROM (SELECT f, key, count(*) AS c, min(place) AS p FROM ("  # noqa: S608 (paths are quoted)
            f"SELECT {session.number_of('filename')} AS f, unnest(json_keys(json)) AS key, "
            f"generate_subscripts(json_keys(json), 1) AS place "
            f"FROM read_ndjson_objects({session.links(numbers)}, filename = true)"
            ") GROUP BY f, key) ORDER BY f, p, c DESC, key"
        )
    except Exception as error:
        if not about_content(error):
            raise
        if len(numbers) > 1:
            half = len(numbers) // 2
            _read_keys(session, numbers[:half], keys)
            _read_keys(session, numbers[half:], keys)
        return
    for number, key in rows:
        keys[number].append(key)


@dataclass
class _Settings:
    """Custom properties of a table under construction."""

    entries: dict[str, Any] = field(default_factory=dict)

    def to_odcs(self) -> Json:
        entries: list[Json] = [{"property": name, "value": value} for name, value in self.entries.items()]
        return entries or None


def _table(session: Session, group: Group, heads: Mapping[int, Head], chosen: frozenset[int]) -> ContractTable:
    members = {number: heads[number] for number in group.numbers if number in heads}
    names = list(dict.fromkeys(name for head in members.values() for name in head.columns))
    settings = _Settings()
    first = next(iter(members.values()))
    if first.format == "parquet":
        columns = [_parquet_column(name, members.values()) for name in names]
    else:
        sample = {number: head for number, head in members.items() if number in chosen} or members
        columns = _text_columns(session, names, sample, settings)
    columns += _partitions(session, members, names)
    _note_settings(settings, session.files[group.numbers[0]].path, members, len(names))
    return ContractTable(
        name=group.name,
        physical_name=group.glob,
        properties=tuple(columns),
        custom_properties=settings.to_odcs(),
    )


def _note_settings(settings: _Settings, path: str, members: Mapping[int, Head], width: int) -> None:
    first = next(iter(members.values()))
    if first.format == "csv" and not first.header:
        settings.entries["csvHeader"] = False
    if first.format == "csv" and first.delimiter != ("\t" if table_suffix(path) == ".tsv" else ","):
        settings.entries["csvDelimiter"] = first.delimiter
    if first.format == "jsonl" and width >= MAX_COLUMNS:
        settings.entries["additionalColumns"] = "allowed"
    differing = {frozenset(head.columns) for head in members.values()}
    if first.format != "jsonl" and len(differing) > 1:
        settings.entries["missingColumns"] = "allowed"


def _parquet_column(name: str, heads: Iterable[Head]) -> ContractProperty:
    logical: set[str | None] = set()
    physical: set[str] = set()
    zoned = False
    for head in heads:
        if name in head.columns:
            place = head.columns.index(name)
            logical.add(head.logical[place])
            physical.add(head.physical[place])
            zoned = zoned or "tz=" in head.physical[place]
    kinds = logical - {None}
    kind: Any = "number" if kinds == {"integer", "number"} else kinds.pop() if len(kinds) == 1 else None
    return ContractProperty(
        name=name,
        logical_type=kind,
        logical_type_options=TypeOptions(timezone=True) if zoned and kind == "timestamp" else TypeOptions(),
        physical_type=physical.pop() if len(physical) == 1 else None,
    )


def _text_columns(
    session: Session, names: Sequence[str], heads: Mapping[int, Head], settings: _Settings
) -> list[ContractProperty]:
    untyped = ContractTable(
        name="inferred", properties=tuple(ContractProperty(name=name) for name in names), custom_properties=None
    )
    found: dict[str, TextColumn] = {name: TextColumn() for name in names}
    layouts: dict[Any, dict[int, Head]] = {}
    for number, head in heads.items():
        key = (head.format, head.gzipped) if head.format == "jsonl" else head.layout
        layouts.setdefault(key, {})[number] = head
    for members in layouts.values():
        layout = Layout(untyped, members)
        for name, column in text_columns(session, layout).items():
            found[name].add(column)
    # A table that writes NA for its missing numbers means the same by NA in its texts.
    markers = sorted({m for column in found.values() if column.kind not in (None, "string") for m in column.markers})
    if markers and any(set(markers) & column.markers for column in found.values() if column.kind == "string"):
        settings.entries["nullMarkers"] = markers
    is_json = next(iter(heads.values())).format == "jsonl"
    return [_text_column(name, column, is_json=is_json) for name, column in found.items()]


def _text_column(name: str, column: TextColumn, *, is_json: bool) -> ContractProperty:
    kind = column.kind
    if kind is None and not is_json:
        kind = "string"
    options = TypeOptions(timezone=True) if kind == "timestamp" and column.zoned else TypeOptions()
    return ContractProperty(name=name, logical_type=kind, logical_type_options=options)


def _partitions(session: Session, members: Mapping[int, Head], names: Sequence[str]) -> list[ContractProperty]:
    values: dict[str, set[str]] = {}
    for number in members:
        for key, value in session.files[number].folders.items():
            values.setdefault(key, set()).add(value)
    columns = []
    for position, (key, found) in enumerate(values.items(), start=1):
        if key not in names:
            columns.append(
                ContractProperty(
                    name=key,
                    logical_type=_partition_type(found - {HIVE_NULL}),
                    partitioned=True,
                    partition_key_position=position,
                )
            )
    return columns


def _partition_type(values: set[str]) -> LogicalType:
    if values and all(_WHOLE.fullmatch(value) for value in values):
        return "integer"
    if values and all(_DATE.fullmatch(value) for value in values):
        return "date"
    return "string"
