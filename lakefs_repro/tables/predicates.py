"""The checks of a contract that look at one row at a time, as SQL conditions for rows that fail."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lakefs_repro.tables.session import literal, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakefs_repro.model.contract import ContractProperty, ContractTable
    from lakefs_repro.model.contract_base import Scope
    from lakefs_repro.model.contract_check import Check
    from lakefs_repro.model.contract_types import Bound
    from lakefs_repro.model.table_report import Severity

Footing = Literal["nulls", "range", "rows"]


@dataclass(frozen=True)
class Predicate:
    """A condition that no row may meet, or, with a ``check``, only as many as its operator allows.

    Attributes:
        column: the number of the column in its table.
        rule: the name under which a violation is reported.
        condition: SQL over the columns of ``relation``.
        message: what is wrong with a row that meets it.
        scope: which rows are looked at.
        footing: what decides it: null counts, minimum and maximum, or only the rows themselves.
    """

    column: int
    rule: str
    condition: str
    message: str
    scope: Scope = "new"
    footing: Footing = "rows"
    check: Check | None = None
    severity: Severity = "error"

    @property
    def each_row(self) -> bool:
        """Whether every single row that meets the condition is a fault."""
        return self.check is None or self.check.tolerates_none


def predicates(table: ContractTable) -> tuple[Predicate, ...]:
    """Every row-wise check of ``table``, column by column."""
    return tuple(
        predicate for number, column in enumerate(table.properties) for predicate in _of_column(number, column)
    )


def _of_column(i: int, column: ContractProperty) -> Iterator[Predicate]:
    scope = column.effective_scope or "new"
    # Before the type of a column is known to hold in the new files, nothing else about it is worth saying;
    # and a Parquet file's type is in its footer.
    if column.logical_type is not None:
        yield Predicate(i, "type", f"NOT n{i} AND t{i} IS NULL", f"not {_article(column.logical_type)}", scope)
    if column.must_have_value:
        yield Predicate(i, "required", f"n{i}", "null in a required column", scope, "nulls")
    yield from _of_options(i, column, scope)
    for check in column.quality:
        if check.executable and check.type != "sql" and check.measure != "duplicateValues":
            yield _of_check(i, column, check, check.effective_scope or scope)


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _of_options(i: int, column: ContractProperty, scope: Scope) -> Iterator[Predicate]:
    options = column.logical_type_options
    conditions, words = [], []
    low, above = options.lower
    high, below = options.upper
    if low is not None:
        conditions.append(f"t{i} {'<=' if above else '<'} {_bound(column, low)}")
        words.append(f"{'above' if above else 'at least'} {low}")
    if high is not None:
        conditions.append(f"t{i} {'>=' if below else '>'} {_bound(column, high)}")
        words.append(f"{'below' if below else 'at most'} {high}")
    if conditions:
        # DuckDB orders NaN above every number, so that NaN fails a maximum, but not a minimum alone.
        yield Predicate(i, "range", " OR ".join(conditions), f"must be {' and '.join(words)}", scope, "range")
    if options.multiple_of is not None:
        step = repr(options.multiple_of)
        condition = f"abs(t{i} / {step} - round(t{i} / {step})) > 1e-9"
        yield Predicate(i, "multiple-of", condition, f"must be a multiple of {step}", scope)
    if options.min_length is not None or options.max_length is not None:
        yield _sizes(i, "length", f"length(t{i})", options.min_length, options.max_length, scope)
    if options.min_items is not None or options.max_items is not None:
        size = f"json_array_length(CAST(t{i} AS JSON))"
        yield _sizes(i, "items", size, options.min_items, options.max_items, scope)
    if options.pattern is not None:
        yield Predicate(i, "pattern", _mismatch(i, options.pattern), f"must match {options.pattern}", scope)


def _sizes(i: int, rule: str, size: str, low: int | None, high: int | None, scope: Scope) -> Predicate:
    bounds = [(f"{size} < {low}", f"at least {low}")] if low is not None else []
    bounds += [(f"{size} > {high}", f"at most {high}")] if high is not None else []
    condition = " OR ".join(sql for sql, _ in bounds)
    noun = "characters" if rule == "length" else "items"
    return Predicate(i, rule, condition, f"must have {' and '.join(words for _, words in bounds)} {noun}", scope)


def _bound(column: ContractProperty, bound: Bound) -> str:
    kind = column.logical_type
    if not isinstance(bound, str):
        return repr(bound)
    if kind == "timestamp":
        moment = dt.datetime.fromisoformat(bound.replace("Z", "+00:00"))
        if moment.tzinfo is not None:
            moment = moment.astimezone(dt.timezone.utc).replace(tzinfo=None)
        return f"TIMESTAMP {literal(moment.isoformat(sep=' '))}"
    return f"{str(kind).upper()} {literal(bound)}"


def _mismatch(i: int, pattern: str) -> str:
    return f"NOT regexp_matches(CAST(t{i} AS VARCHAR), {literal(pattern)})"


def _of_check(i: int, column: ContractProperty, check: Check, scope: Scope) -> Predicate:
    severity: Severity = "warning" if check.warns_only else "error"
    arguments = check.arguments
    if check.measure == "nullValues" or arguments is None:
        return Predicate(i, "required", f"n{i}", "null", scope, "nulls", check, severity)
    if check.measure == "missingValues":
        return _missing(i, arguments.missing_values or (), scope, check, severity)
    conditions, words = [], []
    if arguments.valid_values is not None:
        values = [value for value in arguments.valid_values if value is not None]
        conditions.append(f"(t{i} IS NOT NULL AND NOT {_is_one_of(i, column, values)})")
        words.append(f"must be one of {', '.join(str(value) for value in values)}")
    if arguments.pattern is not None:
        conditions.append(_mismatch(i, arguments.pattern))
        words.append(f"must match {arguments.pattern}")
    rule = "pattern" if arguments.valid_values is None else "allowed-values"
    message = _shortened(" and ".join(words))
    return Predicate(i, rule, " OR ".join(conditions), message, scope, "rows", check, severity)


def _missing(i: int, values: tuple[Any, ...], scope: Scope, check: Check, severity: Severity) -> Predicate:
    texts = [_text(value) for value in values if value is not None]
    conditions = [f"n{i}"] if None in values else []
    conditions += [f"(NOT n{i} AND {one_of(f'x{i}', texts)})"] if texts else []
    return Predicate(i, "missing-values", " OR ".join(conditions), "missing", scope, "rows", check, severity)


def _is_one_of(i: int, column: ContractProperty, values: list[Any]) -> str:
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if numeric and column.logical_type in ("integer", "number"):
        return f"(t{i} IN ({', '.join(repr(value) for value in values)}))"
    return f"({one_of(f'CAST(t{i} AS VARCHAR)', [_text(value) for value in values])})"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}…"  # noqa: PLR2004 (a line of a terminal or two)
