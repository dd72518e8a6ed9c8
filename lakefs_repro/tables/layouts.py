"""Sorting the files of a table by layout, and holding each layout to the contract's columns."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakefs_repro.model.table import Column, TableSchema
from lakefs_repro.model.table_report import Violation
from lakefs_repro.tables.head import Head, UnreadableError, read_heads
from lakefs_repro.tables.relation import SQL_TYPES, Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lakefs_repro.model.contract import ContractProperty, ContractTable
    from lakefs_repro.tables.session import Session


@dataclass
class TableLayouts:
    """The files of one table: those that can be read, by layout, and why the others can't."""

    table: ContractTable
    layouts: list[Layout] = field(default_factory=list)
    unreadable: dict[int, str] = field(default_factory=dict)

    def without(self, unreadable: dict[int, str]) -> TableLayouts:
        """The same without files that turned out to be unreadable."""
        kept = []
        for layout in self.layouts:
            heads = {number: head for number, head in layout.heads.items() if number not in unreadable}
            if heads:
                kept.append(Layout(layout.table, heads, layout.missing))
        return TableLayouts(self.table, kept, {**self.unreadable, **unreadable})

    @property
    def numbers(self) -> list[int]:
        return sorted(number for layout in self.layouts for number in layout.numbers)


def sort_by_layout(session: Session, table: ContractTable, numbers: Sequence[int]) -> TableLayouts:
    """Read the head of each file and put files of the same layout together."""
    result = TableLayouts(table)
    groups: dict[Any, dict[int, Head]] = {}
    heads = read_heads(session.files, numbers, delimiter=table.csv_delimiter, header=table.csv_header, whole=True)
    for number, found in heads:
        if isinstance(found, UnreadableError):
            result.unreadable[number] = str(found)
            continue
        head = _named_by_contract(table, found)
        folders = session.files[number].folders
        missing = frozenset(
            column.column
            for column in table.properties
            if head.format != "jsonl" and column.column not in head.columns and column.column not in folders
        )
        groups.setdefault((*head.layout, missing), {})[number] = head
    result.layouts = [Layout(table, heads, key[-1]) for key, heads in groups.items()]
    return result


def _named_by_contract(table: ContractTable, head: Head) -> Head:
    """Columns of a CSV file without a header take their names from the contract, in its order."""
    if head.format != "csv" or head.header:
        return head
    names = [column.column for column in table.properties if not column.partitioned]
    width = len(head.columns) or len(names)
    columns = (*names[:width], *(f"column{number}" for number in range(len(names), width)))
    return Head("csv", columns, delimiter=head.delimiter, header=False, gzipped=head.gzipped)


def column_violations(session: Session, layout: Layout, rows: dict[int, int]) -> Iterator[Violation]:
    """Columns that are missing from, or unexpected in, each file of ``layout``."""
    table = layout.table
    missing = [] if table.allows_missing_columns else [c for c in table.properties if c.column in layout.missing]
    names = {column.column for column in table.properties}
    extra = [] if table.allows_additional_columns else [name for name in layout.head.columns if name not in names]
    for number in layout.numbers:
        path = session.files[number].path
        for column in missing:
            yield Violation(
                table.name, path, column.name, "missing-column", rows.get(number, 0), (), _missing(column, extra)
            )
        for name in extra:
            yield unexpected(table, path, name, rows.get(number, 0))


def unexpected(table: ContractTable, path: str, name: str, rows: int) -> Violation:
    return Violation(table.name, path, name, "unexpected-column", rows, (), "the contract has no such column")


def _missing(column: ContractProperty, extra: Sequence[str]) -> str:
    near = difflib.get_close_matches(column.column, extra, 1, 0.6)
    return "the column is missing" + (f"; is it the one now called {near[0]!r}?" if near else "")


def schema_of(layouts: TableLayouts) -> TableSchema:
    """The columns as they lie in the files, in the contract's order, unexpected ones at the end."""
    table = layouts.table
    columns = [_column(layouts, column) for column in table.properties]
    known = {column.column for column in table.properties}
    for layout in layouts.layouts:
        for place, name in enumerate(layout.head.columns):
            if name not in known:
                known.add(name)
                columns.append(_extra(layout.head, place, name))
    return TableSchema(table.name, tuple(columns))


def _column(layouts: TableLayouts, column: ContractProperty) -> Column:
    kind = column.logical_type or "string"
    for layout in layouts.layouts:
        place = layout.place(column)
        if layout.head.format == "parquet" and place is not None:
            head = layout.head
            return Column(column.column, head.logical[place] or kind, head.physical[place], head.nullable[place])
    # Text files have no types of their own: what they are read as is what counts.
    return Column(column.column, kind, column.physical_type or SQL_TYPES[kind].lower(), not column.must_have_value)


def _extra(head: Head, place: int, name: str) -> Column:
    if head.format == "parquet":
        return Column(name, head.logical[place] or "string", head.physical[place], head.nullable[place])
    return Column(name, "string", "varchar")
