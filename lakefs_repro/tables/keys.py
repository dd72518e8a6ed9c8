"""Keys that must be unique, across all files in the scope of the check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakefs_repro.model.table_report import MAX_EXAMPLES, Severity, Violation
from lakefs_repro.tables.profile import EXAMPLE_LENGTH, FILES_WITH_EXAMPLES, cut
from lakefs_repro.tables.relation import Layout, relation
from lakefs_repro.tables.session import Session, literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lakefs_repro.model.contract import ContractTable
    from lakefs_repro.model.contract_base import Scope
    from lakefs_repro.model.contract_check import Check

_TABLE = "duplicated_keys"


@dataclass(frozen=True)
class Key:
    """Columns (by number) whose values together must not repeat, or, with a ``check``, not too often."""

    columns: tuple[int, ...]
    scope: Scope
    check: Check | None = None
    severity: Severity = "error"


def keys(table: ContractTable) -> tuple[Key, ...]:
    """The unique columns, the primary key and the ``duplicateValues`` checks of ``table``, each key once."""
    found = [*_declared(table), *_checked(table)]
    return tuple(dict.fromkeys(found))


def _declared(table: ContractTable) -> Iterator[Key]:
    number = {column.column: i for i, column in enumerate(table.properties)}
    if table.key:
        scopes = [column.effective_scope for column in table.key if column.effective_scope]
        yield Key(tuple(number[column.column] for column in table.key), scopes[0] if scopes else "all")
    for i, column in enumerate(table.properties):
        if column.unique:
            yield Key((i,), column.effective_scope or "all")


def _checked(table: ContractTable) -> Iterator[Key]:
    number = {name: i for i, column in enumerate(table.properties) for name in (column.name, column.column)}
    for i, column in enumerate(table.properties):
        for check in column.quality:
            if check.executable and check.measure == "duplicateValues":
                yield _of_check((i,), check, check.effective_scope or column.effective_scope)
    for check in table.quality:
        if check.executable and check.measure == "duplicateValues" and check.arguments:
            names = check.arguments.properties or ()
            yield _of_check(tuple(number[name] for name in names), check, check.effective_scope)


def _of_check(columns: tuple[int, ...], check: Check, scope: Scope | None) -> Key:
    return Key(columns, scope or "all", check, "warning" if check.warns_only else "error")


def key_violations(
    session: Session, table: ContractTable, layouts: Sequence[Layout], key: Key, *, new: int
) -> Iterator[Violation]:
    """Violations of ``key`` by the files of ``layouts``; rows with a null in the key are left out.

    Args:
        session: the connection; its files before number ``new`` are the new ones.
        table: the table.
        layouts: the files in the scope of the check.
        key: the key.
        new: how many files are new. A key that repeats among older files alone is not their fault.
    """
    names = [table.properties[i].name for i in key.columns]
    usable = [layout for layout in layouts if not layout.missing.intersection(_columns(table, key))]
    if not any(number < new for layout in usable for number in layout.numbers):
        return
    source = " UNION ALL ".join(_keys_of(session, layout, key) for layout in usable)
    each = key.check is None or key.check.tolerates_none
    session.run(_collect(source, key, new if each else None))
    try:
        if each:
            yield from _by_file(session, table, key, source, names, new)
        elif key.check is not None:
            yield from _by_threshold(session, table, key.check, source, names)
    finally:
        session.run(f"DROP TABLE {_TABLE}")


def _columns(table: ContractTable, key: Key) -> set[str]:
    return {table.properties[i].column for i in key.columns}


def _parts(key: Key) -> str:
    return ", ".join(f"k{place}" for place in range(len(key.columns)))


def _keys_of(session: Session, layout: Layout, key: Key) -> str:
    columns = ", ".join(f"t{i} AS k{place}" for place, i in enumerate(key.columns))
    filled = " AND ".join(f"t{i} IS NOT NULL" for i in key.columns)
    return f"SELECT f, {columns} FROM ({relation(session, layout, layout.numbers, key.columns)}) WHERE {filled}"  # noqa: S608 (text is quoted)


def _collect(source: str, key: Key, new: int | None) -> str:
    fresh = "" if new is None else f" AND min(f) < {new}"
    return (
        f"CREATE TEMP TABLE {_TABLE} AS SELECT {_parts(key)}, count(*) AS c, min(f) AS a, max(f) AS b "  # noqa: S608
        f"FROM ({source}) GROUP BY {_parts(key)} HAVING count(*) > 1{fresh}"
    )


def _by_file(
    session: Session, table: ContractTable, key: Key, source: str, names: Sequence[str], new: int
) -> Iterator[Violation]:
    if not session.rows(f"SELECT 1 FROM {_TABLE} LIMIT 1"):  # noqa: S608
        return
    joined = f"({source}) AS rows JOIN {_TABLE} USING ({_parts(key)})"
    found = session.rows(
        "SELECT rows.f, count(*), min(CASE WHEN a <> rows.f THEN a WHEN b <> rows.f THEN b END) "  # noqa: S608
        f"FROM {joined} WHERE rows.f < {new} GROUP BY rows.f ORDER BY rows.f"
    )
    shown = _examples(session, table, key, joined, [number for number, _, _ in found[:FILES_WITH_EXAMPLES]])
    for number, rows, other in found:
        also = f" (also in {session.files[other].path})" if other is not None else ""
        yield Violation(
            table.name,
            session.files[number].path,
            ", ".join(names),
            "unique",
            rows,
            shown.get(number, ()),
            f"a key occurs more than once{also}",
            key.severity,
        )


def _examples(
    session: Session, table: ContractTable, key: Key, joined: str, numbers: Sequence[int]
) -> dict[int, tuple[str, ...]]:
    if any(table.properties[i].withheld for i in key.columns):
        return {}
    single = len(key.columns) == 1
    parts = [
        f"CAST(k{place} AS VARCHAR)" if single else f"{literal(table.properties[i].name + '=')} || k{place}"
        for place, i in enumerate(key.columns)
    ]
    label = f"left(concat_ws(', ', {', '.join(parts)}), {EXAMPLE_LENGTH + 1})"
    members = ", ".join(map(str, numbers))
    found: dict[int, list[str]] = {}
    for number, text in session.rows(
        f"SELECT f, label FROM (SELECT DISTINCT rows.f AS f, {label} AS label FROM {joined} "  # noqa: S608
        f"WHERE rows.f IN ({members})) "
        f"QUALIFY row_number() OVER (PARTITION BY f ORDER BY label) <= {MAX_EXAMPLES} ORDER BY f, label"
    ):
        found.setdefault(number, []).append(cut(text))
    return {number: tuple(texts) for number, texts in found.items()}


def _by_threshold(
    session: Session, table: ContractTable, check: Check, source: str, names: Sequence[str]
) -> Iterator[Violation]:
    ((surplus,),) = session.rows(f"SELECT coalesce(sum(c) - count(*), 0) FROM {_TABLE}")  # noqa: S608
    measured = float(surplus)
    if check.unit == "percent":
        ((total,),) = session.rows(f"SELECT count(*) FROM ({source})")  # noqa: S608
        measured = 100 * surplus / total if total else 0.0
    if not check.holds(measured):
        unit = " %" if check.unit == "percent" else ""
        message = f"{measured:,.6g}{unit} duplicates; {check.demand()}"
        severity: Severity = "warning" if check.warns_only else "error"
        yield Violation(table.name, "", ", ".join(names), "unique", int(surplus), (), message, severity)
