"""The SQL checks of a contract: one SELECT, from nobody we know, that may only look at the tables."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.table_report import Severity, Violation
from lakefs_repro.tables import lazy
from lakefs_repro.tables.faults import about_content
from lakefs_repro.tables.relation import SQL_TYPES, Layout, relation
from lakefs_repro.tables.session import Session, identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lakefs_repro.model.contract import ContractProperty, ContractTable
    from lakefs_repro.model.contract_base import Scope
    from lakefs_repro.model.contract_check import Check

SECONDS = 600.0
"""How long one query may run."""

_PLACEHOLDER = re.compile(r"\$?\{(object|table|property|column)\}")
# Functions in FROM that only make rows. All others read files, settings or memory, or run text as SQL.
_ROW_MAKERS = frozenset({"unnest", "range", "generate_series", "json_each", "json_tree", "repeat"})


@dataclass(frozen=True)
class Query:
    """An SQL check of a table, or of one of its columns."""

    check: Check
    scope: Scope
    column: ContractProperty | None = None

    @property
    def label(self) -> str:
        return self.check.name or self.check.id or self.check.description or "the query"


def queries(table: ContractTable) -> tuple[Query, ...]:
    """Every SQL check of ``table``."""
    found = [Query(check, check.effective_scope or "all") for check in table.quality if check.type == "sql"]
    for column in table.properties:
        scope = column.effective_scope or "all"
        found += [Query(c, c.effective_scope or scope, column) for c in column.quality if c.type == "sql"]
    return tuple(found)


def refuse_unsafe(session: Session, table: ContractTable, query: Query) -> None:
    """Raise unless the query is a single SELECT that reads nothing but tables.

    Raises:
        InvalidError: another statement, several statements, a syntax error, or a function that reads
            something other than its arguments.
    """
    sql = _fill(query, identifier(table.name))
    ((text,),) = session.rows("SELECT json_serialize_sql(?)", [sql])
    tree = json.loads(text)
    if tree.get("error"):
        reason = str(tree.get("error_message", "it is not SQL")).partition("\n")[0]
        raise _invalid(table, query, f"is not a single SELECT: {reason}")
    if len(tree.get("statements", ())) != 1:
        raise _invalid(table, query, "must be one statement")
    for name in _table_functions(tree):
        if name not in _ROW_MAKERS:
            raise _invalid(table, query, f"calls {name}(), which is not allowed in a check")


def make_views(
    session: Session, tables: Mapping[str, ContractTable], layouts: Mapping[str, Sequence[Layout]], suffix: str = ""
) -> None:
    """A view for each table, under its name and ``suffix``, with the rows of ``layouts``."""
    for name, table in tables.items():
        rows = " UNION ALL ".join(_select(session, table, layout) for layout in layouts.get(name, ()))
        view = identifier(name + suffix)
        session.run(f"CREATE OR REPLACE TEMP VIEW {view} AS {rows or _nothing(table)}")


def query_violations(session: Session, table: ContractTable, query: Query, view: str) -> Iterator[Violation]:
    """Run ``query`` with ``view`` in the place of the table.

    Raises:
        InvalidError: the query names what does not exist, or answers with something other than one
            number or boolean.
    """
    try:
        with session.time_limit(SECONDS):
            rows = session.rows(_fill(query, identifier(view)), limit=2)
    except lazy.duckdb().Error as error:
        if session.named_in(str(error)) is not None and about_content(error):
            raise  # a file is broken, not the query
        yield _failed(table, query, error)
        return
    value = _single(table, query, rows)
    if value is None:
        yield _violation(table, query, 0, f"{query.label}: the query answered null; {query.check.demand()}")
    elif not query.check.holds(value):
        shown = str(value).lower() if isinstance(value, bool) else f"{value:,}"
        bad = int(value) if _counts_faults(query.check) and not isinstance(value, bool) else 0
        yield _violation(table, query, bad, f"{query.label}: the query answered {shown}; {query.check.demand()}")


def _fill(query: Query, view: str) -> str:
    def replace(found: re.Match[str]) -> str:
        if found.group(1) in ("object", "table"):
            return view
        return identifier(query.column.column) if query.column else found.group(0)

    return _PLACEHOLDER.sub(replace, query.check.query or "")


def _table_functions(tree: Any) -> Iterator[str]:
    pending = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if node.get("type") == "TABLE_FUNCTION":
                function = node.get("function")
                yield str(function.get("function_name", "?")).lower() if isinstance(function, dict) else "?"
            pending += node.values()
        elif isinstance(node, list):
            pending += node


def _select(session: Session, table: ContractTable, layout: Layout) -> str:
    source = relation(session, layout, layout.numbers, range(len(table.properties)))
    columns = [
        f"CAST(t{i} AS {SQL_TYPES[column.logical_type or 'string']}) AS {identifier(column.column or f'column{i}')}"
        for i, column in enumerate(table.properties)
    ]
    return f"SELECT {', '.join(columns) or 'f'} FROM ({source})"  # noqa: S608 (names are quoted)


def _nothing(table: ContractTable) -> str:
    columns = [
        f"CAST(NULL AS {SQL_TYPES[column.logical_type or 'string']}) AS {identifier(column.column or f'column{i}')}"
        for i, column in enumerate(table.properties)
    ]
    return f"SELECT {', '.join(columns) or '1'} WHERE false"


def _single(table: ContractTable, query: Query, rows: list[tuple[Any, ...]]) -> bool | int | float | None:
    if len(rows) != 1 or len(rows[0]) != 1:
        raise _invalid(table, query, "must answer one row with one column")
    value = rows[0][0]
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    if value is not None and not isinstance(value, bool | int | float):
        raise _invalid(table, query, f"must answer a number or a boolean, not {type(value).__name__}")
    return value


def _failed(table: ContractTable, query: Query, error: Exception) -> Violation:
    duckdb = lazy.duckdb()
    if isinstance(error, duckdb.OutOfMemoryException):
        raise error
    if isinstance(error, duckdb.InterruptException):
        return _violation(table, query, 0, f"{query.label}: the query ran for more than {SECONDS:.0f} s")
    reason = str(error).partition("\n")[0]
    if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
        # Its text quotes a value of a row.
        return _violation(table, query, 0, f"{query.label}: the query failed on a value that it could not convert")
    raise _invalid(table, query, f"can't be run: {reason}") from error


def _invalid(table: ContractTable, query: Query, what: str) -> InvalidError:
    column = f", column {query.column.name!r}" if query.column else ""
    return InvalidError(
        f"contract, table {table.name!r}{column}: the SQL check {query.label!r} {what}",
        hint="write one SELECT over {object} that answers one number, as SELECT count(*) FROM {object} WHERE …",
        kind="bad-contract",
    )


def _counts_faults(check: Check) -> bool:
    return check.tolerates_none or check.must_be_less_than is not None or check.must_be_less_or_equal_to is not None


def _violation(table: ContractTable, query: Query, rows: int, message: str) -> Violation:
    severity: Severity = "warning" if query.check.warns_only else "error"
    column = query.column.name if query.column else ""
    return Violation(table.name, "", column, "sql", rows, (), message, severity)
