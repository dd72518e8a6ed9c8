"""What a table looks like: its schema, and the numbers that describe its rows.

Statistics are facts about a column, never rows: those of a column marked ``pii`` are withheld, and long
text is cut. Everything here turns into JSON and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Value = bool | int | float | str
"""A minimum or maximum; dates and times are ISO 8601 text."""

MAX_TEXT = 100
"""Characters of a text minimum or maximum that are kept."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it lies in the files."""

    name: str
    logical_type: str
    physical_type: str
    nullable: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "logical_type": self.logical_type,
            "physical_type": self.physical_type,
            "nullable": self.nullable,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Column:
        return cls(data["name"], data["logical_type"], data["physical_type"], data["nullable"])


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The columns of a table in their order."""

    table: str
    columns: tuple[Column, ...]

    def to_json(self) -> dict[str, Any]:
        return {"table": self.table, "columns": [column.to_json() for column in self.columns]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableSchema:
        return cls(data["table"], tuple(Column.from_json(column) for column in data["columns"]))


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """Nulls, minimum and maximum of a column; ``withheld`` says that the column is ``pii``."""

    name: str
    nulls: int
    minimum: Value | None = None
    maximum: Value | None = None
    withheld: bool = False

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"name": self.name, "nulls": self.nulls}
        if self.withheld:
            return {**data, "withheld": True}
        if self.minimum is not None:
            data["min"] = self.minimum
        if self.maximum is not None:
            data["max"] = self.maximum
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ColumnStatistics:
        return cls(data["name"], data["nulls"], data.get("min"), data.get("max"), data.get("withheld", False))


@dataclass(frozen=True, slots=True)
class FileStatistics:
    """One file of a table: what is kept of it, so that a later version need not read it again."""

    path: str
    table: str
    rows: int
    columns: tuple[ColumnStatistics, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "table": self.table,
            "rows": self.rows,
            "columns": [column.to_json() for column in self.columns],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FileStatistics:
        return cls(data["path"], data["table"], data["rows"], _columns(data))


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """All files of a table together."""

    table: str
    rows: int
    files: int
    columns: tuple[ColumnStatistics, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "rows": self.rows,
            "files": self.files,
            "columns": [column.to_json() for column in self.columns],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TableStatistics:
        return cls(data["table"], data["rows"], data["files"], _columns(data))


def _columns(data: Mapping[str, Any]) -> tuple[ColumnStatistics, ...]:
    return tuple(ColumnStatistics.from_json(column) for column in data["columns"])


def shorten(value: Value | None) -> Value | None:
    """``value``, its text cut to ``MAX_TEXT`` characters and marked as cut."""
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return value[: MAX_TEXT - 1] + "…"
    return value


def merge_statistics(files: Iterable[FileStatistics]) -> tuple[TableStatistics, ...]:
    """The statistics of each table in ``files``, in the order in which the tables first appear.

    A column that a file lacks counts as null in each of its rows.
    """
    tables: dict[str, list[FileStatistics]] = {}
    for file in files:
        tables.setdefault(file.table, []).append(file)
    return tuple(_merge_table(table, members) for table, members in tables.items())


def _merge_table(table: str, files: Sequence[FileStatistics]) -> TableStatistics:
    rows = sum(file.rows for file in files)
    columns: dict[str, _Merged] = {}
    for file in files:
        for column in file.columns:
            columns.setdefault(column.name, _Merged()).add(column, file.rows)
    merged = tuple(found.result(name, rows) for name, found in columns.items())
    return TableStatistics(table, rows, len(files), merged)


class _Merged:
    """Column statistics under construction."""

    def __init__(self) -> None:
        self.seen = self.nulls = 0
        self.minimum: Value | None = None
        self.maximum: Value | None = None
        self.withheld = False

    def add(self, column: ColumnStatistics, rows: int) -> None:
        self.seen += rows
        self.nulls += column.nulls
        self.withheld = self.withheld or column.withheld
        self.minimum = _extreme(self.minimum, column.minimum, smaller=True)
        self.maximum = _extreme(self.maximum, column.maximum, smaller=False)

    def result(self, name: str, rows: int) -> ColumnStatistics:
        nulls = self.nulls + rows - self.seen
        if self.withheld:
            return ColumnStatistics(name, nulls, withheld=True)
        return ColumnStatistics(name, nulls, self.minimum, self.maximum)


def _extreme(left: Value | None, right: Value | None, *, smaller: bool) -> Value | None:
    if left is None or right is None:
        return right if left is None else left
    if isinstance(left, str) != isinstance(right, str):
        # A column that was text in one file and a number in another has no order.
        left, right = str(left), str(right)
    if isinstance(left, str) and isinstance(right, str):
        return min(left, right) if smaller else max(left, right)
    return min(left, right) if smaller else max(left, right)
