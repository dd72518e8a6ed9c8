"""Holding files to a contract.

Files are read twice at most: once for everything that can be said of a row by itself, and again, together
with the older files, for what concerns a whole dataset (keys, row counts, queries).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.table import ColumnStatistics, FileStatistics, TableSchema
from lakefs_repro.model.table_report import Severity, ValidationReport, Violation
from lakefs_repro.tables import lazy
from lakefs_repro.tables.delta import DeltaTables
from lakefs_repro.tables.faults import about_content
from lakefs_repro.tables.files import TableFile, partition_of
from lakefs_repro.tables.head import UnreadableError, read_head
from lakefs_repro.tables.keys import Key, key_violations, keys
from lakefs_repro.tables.layouts import TableLayouts, column_violations, schema_of, sort_by_layout, unexpected
from lakefs_repro.tables.predicates import Predicate, predicates
from lakefs_repro.tables.profile import Profiles, examples, profile
from lakefs_repro.tables.queries import make_views, queries, query_violations, refuse_unsafe
from lakefs_repro.tables.relation import Layout, unknown_keys
from lakefs_repro.tables.session import MEMORY_LIMIT, Session, literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lakefs_repro.model.contract import Contract, ContractTable
    from lakefs_repro.model.contract_base import Scope
    from lakefs_repro.model.contract_check import Check
    from lakefs_repro.tables.measure import FileProfile


def no_files() -> Sequence[TableFile]:
    """What ``rest`` is where a dataset has no older files."""
    return ()


def validate(
    contract: Contract,
    new_files: Sequence[TableFile],
    *,
    rest: Callable[[], Sequence[TableFile]] = no_files,
    rest_rows: Mapping[str, int] | None = None,
    delta: DeltaTables | None = None,
    spill_dir: Path,
    memory_limit: str = MEMORY_LIMIT,
    threads: int = 2,
) -> ValidationReport:
    """Hold new and changed files to ``contract``.

    Args:
        contract: what is promised; its SQL is treated as untrusted.
        new_files: the files to look at; those that are no tables are passed over.
        rest: gives the unchanged files of the dataset; called at most once, and only when a check looks
            beyond the new files.
        rest_rows: rows by path of every unchanged table file, where known: row counts then need no file.
        delta: the Delta tables of the dataset; found among ``new_files`` when None.
        spill_dir: where work that does not fit in memory goes; nothing is left there.
        memory_limit: what DuckDB may hold, such as ``1GB``; the process takes some 100 MB more.
        threads: of DuckDB.

    Returns:
        The violations, and statistics and schemas of the new files. A file that can't be read is a
        violation, too.

    Raises:
        InvalidError: the contract itself can't be run (a pattern or query that is not valid, or that
            reads what it may not).
    """
    run = _Run(contract, rest_rows, DeltaTables.among(new_files) if delta is None else delta)
    run.violations += run.delta.violations(contract)
    files = run.tables_among(new_files)
    limits = {"spill_dir": spill_dir, "memory_limit": memory_limit, "threads": threads}
    with Session(files, **limits) as session:  # type: ignore[arg-type]
        run.refuse_bad_contract(session)
        run.look_at_new(session)
        older = run.tables_among(rest()) if run.needs_rest() else []
        if not older:
            run.look_at_all(session)
    if older:
        with Session([*files, *older], **limits) as session:  # type: ignore[arg-type]
            run.look_at_all(session)
    return ValidationReport.of(run.violations, run.statistics, run.schemas)


def statistics(
    contract: Contract,
    files: Sequence[TableFile],
    *,
    delta: DeltaTables | None = None,
    spill_dir: Path | None = None,
    memory_limit: str = MEMORY_LIMIT,
    threads: int = 2,
) -> tuple[FileStatistics, ...]:
    """Rows, nulls, minimum and maximum by file, without holding anything to the contract.

    Files that can't be read, and those of no table, are left out.
    """
    run = _Run(contract, None, DeltaTables.among(files) if delta is None else delta, checked=False)
    members = run.tables_among(files)
    with Session(members, spill_dir=spill_dir, memory_limit=memory_limit, threads=threads) as session:
        run.look_at_new(session)
    return tuple(run.statistics)


@dataclass
class _Tally:
    """Failing rows and rows looked at, of a check with a threshold."""

    bad: int = 0
    rows: int = 0
    worst: tuple[int, str] = (0, "")

    def add(self, path: str, bad: int, rows: int) -> None:
        self.bad += bad
        self.rows += rows
        self.worst = max(self.worst, (bad, path))


@dataclass
class _Run:
    """One validation under way."""

    contract: Contract
    rest_rows: Mapping[str, int] | None
    delta: DeltaTables
    checked: bool = True
    violations: list[Violation] = field(default_factory=list)
    statistics: list[FileStatistics] = field(default_factory=list)
    schemas: list[TableSchema] = field(default_factory=list)
    _layouts: dict[str, TableLayouts] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)
    _new: int = 0
    _partitions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _tallies: dict[tuple[str, int], _Tally] = field(default_factory=lambda: defaultdict(_Tally))

    def tables_among(self, files: Iterable[TableFile]) -> list[TableFile]:
        return [file for file in self.delta.rows(files) if not self.contract.ignores(file.path)]

    def refuse_bad_contract(self, session: Session) -> None:
        """Raise for patterns and queries that can't be run, whatever the files are."""
        for table in self.contract.tables:
            for query in queries(table):
                refuse_unsafe(session, table, query)
            for column in table.properties:
                patterns = [column.logical_type_options.pattern]
                patterns += [check.arguments.pattern for check in column.quality if check.arguments]
                for pattern in filter(None, patterns):
                    _refuse_bad_pattern(session, table, column.name, pattern)

    def look_at_new(self, session: Session) -> None:
        self._new = len(session.files)
        for table, numbers in self._by_table(session, range(self._new)):
            self._look_at_table(session, table, sort_by_layout(session, table, numbers))

    def _by_table(self, session: Session, numbers: Iterable[int]) -> list[tuple[ContractTable, list[int]]]:
        found: dict[str, list[int]] = {table.name: [] for table in self.contract.tables}
        for number in numbers:
            table = self.contract.table_for(session.files[number].path)
            if table is not None:
                found[table.name].append(number)
                self._note_partition(table, session.files[number].path, number)
            elif self.checked:
                self.violations.append(_of_no_table(session.files[number]))
        return [(table, found[table.name]) for table in self.contract.tables if found[table.name]]

    def _note_partition(self, table: ContractTable, path: str, number: int) -> None:
        if number < self._new:
            self._partitions[table.name].add(partition_of(path))

    def _look_at_table(self, session: Session, table: ContractTable, layouts: TableLayouts) -> None:
        known = dict(enumerate(predicates(table))) if self.checked else {}
        for layout in layouts.layouts:
            profiles = profile(session, layout, known)
            layouts = layouts.without(profiles.unreadable)
            self._keep_statistics(session, layout, profiles)
            if self.checked:
                self.violations += self._of_layout(session, layout, profiles, known)
        self._layouts[table.name] = layouts
        if self.checked:
            self.violations += _unreadable(session, table, layouts.unreadable)
            self._judge(table, {n: p for n, p in known.items() if p.scope == "new"})
        if layouts.layouts:
            self.schemas.append(schema_of(layouts))

    def _keep_statistics(self, session: Session, layout: Layout, profiles: Profiles) -> None:
        table = layout.table
        for number, found in profiles.files.items():
            path = session.files[number].path
            self._rows[path] = found.rows
            self.statistics.append(FileStatistics(path, table.name, found.rows, _columns(table, found)))

    def _of_layout(
        self, session: Session, layout: Layout, profiles: Profiles, looked_for: Mapping[int, Predicate]
    ) -> Iterator[Violation]:
        rows = {number: found.rows for number, found in profiles.files.items()}
        yield from column_violations(session, layout, rows)
        yield from self._of_json(session, layout, profiles)
        for key, predicate in looked_for.items():
            bad = {number: found.bad.get(key, 0) for number, found in profiles.files.items()}
            if not predicate.each_row:
                for number, count in bad.items():
                    self._tallies[layout.table.name, key].add(session.files[number].path, count, rows[number])
                continue
            failing = [number for number, count in bad.items() if count]
            if failing:
                yield from _of_rows(session, layout, predicate, {number: bad[number] for number in failing})

    def _of_json(self, session: Session, layout: Layout, profiles: Profiles) -> Iterator[Violation]:
        for number, found in profiles.files.items():
            if found.not_rows:
                message = "lines that are not JSON objects"
                path = session.files[number].path
                yield Violation(layout.table.name, path, "", "readable", found.not_rows, (), message)
        strange = [number for number, found in profiles.files.items() if found.unknown_keys]
        if strange and not layout.table.allows_additional_columns:
            for number, name, rows in session.rows(unknown_keys(session, layout, strange)):
                yield unexpected(layout.table, session.files[number].path, name, rows)

    def _judge(self, table: ContractTable, looked_for: Mapping[int, Predicate]) -> None:
        """Compare the tallies of checks with a threshold with what they must be."""
        for key, predicate in looked_for.items():
            tally = self._tallies.get((table.name, key))
            if predicate.check is None or predicate.each_row or tally is None:
                continue
            percent = predicate.check.unit == "percent"
            measured = (100 * tally.bad / tally.rows if tally.rows else 0.0) if percent else tally.bad
            if not predicate.check.holds(measured):
                shown = f"{measured:,.4g} %" if percent else f"{measured:,}"
                message = f"{shown} of {tally.rows:,} rows: {predicate.message}; the number {predicate.check.demand()}"
                name = table.properties[predicate.column].name
                worst = tally.worst[1] if tally.bad else ""
                self.violations.append(
                    Violation(table.name, worst, name, predicate.rule, tally.bad, (), message, predicate.severity)
                )

    def needs_rest(self) -> bool:
        """Whether a check looks beyond the new files."""
        return any(self._needs_rest(table) for table in self.contract.tables)

    def _needs_rest(self, table: ContractTable) -> bool:
        touched = table.name in self._layouts
        wide_rows = any(predicate.scope != "new" for predicate in predicates(table))
        wide_keys = any(key.scope != "new" for key in keys(table))
        return (
            (touched and (wide_rows or wide_keys))
            or any(self._is_wide(query.scope) for query in queries(table))
            or (self.rest_rows is None and any(scope != "new" for _, scope in _row_counts(table)))
        )

    def _is_wide(self, scope: Scope) -> bool:
        """A query may name other tables, so that only in a contract of one table it can be about new rows."""
        return scope != "new" or len(self.contract.tables) > 1

    def look_at_all(self, session: Session) -> None:
        """Checks that look beyond single rows, and row-wise ones whose scope is wider than the new files."""
        older = range(self._new, len(session.files))
        for table, numbers in self._by_table(session, older):
            self._look_at_older(session, table, sort_by_layout(session, table, numbers))
        for table in self.contract.tables:
            self._judge(table, {n: p for n, p in enumerate(predicates(table)) if p.scope != "new"})
            for key in keys(table):
                self._readable_only(session, [table], lambda t=table, k=key: self._of_key(session, t, k))  # type: ignore[misc]
            self._count_rows(session, table)
        self._readable_only(session, self.contract.tables, lambda: self._of_queries(session))

    def _readable_only(
        self, session: Session, tables: Sequence[ContractTable], look: Callable[[], Iterable[Violation]]
    ) -> None:
        """Add what ``look`` finds; where files turn out to be unreadable, name them and look at the others."""
        try:
            self.violations += list(look())
        except lazy.duckdb().Error as error:
            if not about_content(error):
                raise
            for table in tables:
                self._set_aside(session, table)
            self.violations += list(look())

    def _set_aside(self, session: Session, table: ContractTable) -> None:
        known = self._layouts.get(table.name)
        for layout in known.layouts if known else ():
            found = profile(session, layout, {}, footers=False).unreadable
            self.violations += _unreadable(session, table, found)
            self._layouts[table.name] = self._layouts[table.name].without(found)

    def _of_key(self, session: Session, table: ContractTable, key: Key) -> Iterator[Violation]:
        if table.name in self._layouts:
            yield from key_violations(session, table, self._in_scope(session, table, key.scope), key, new=self._new)

    def _look_at_older(self, session: Session, table: ContractTable, older: TableLayouts) -> None:
        self.violations += _unreadable(session, table, older.unreadable)
        wide = {n: p for n, p in enumerate(predicates(table)) if p.scope != "new"}
        readable = older
        for layout in older.layouts:
            for scope in ("partition", "all"):
                looked_for = {n: p for n, p in wide.items() if p.scope == scope}
                members = self._members(session, layout, scope)
                if looked_for and members is not None and table.name in self._layouts:
                    profiles = profile(session, members, looked_for, statistics=False)
                    readable = readable.without(profiles.unreadable)
                    self.violations += _unreadable(session, table, profiles.unreadable)
                    self.violations += self._of_layout(session, members, profiles, looked_for)
                    self._rows |= {session.files[n].path: found.rows for n, found in profiles.files.items()}
        mine = self._layouts.get(table.name)
        self._layouts[table.name] = TableLayouts(
            table, [*(mine.layouts if mine else ()), *readable.layouts], mine.unreadable if mine else {}
        )

    def _members(self, session: Session, layout: Layout, scope: Scope) -> Layout | None:
        """The part of ``layout`` that lies in ``scope``."""
        if scope == "all":
            return layout
        touched = self._partitions[layout.table.name]
        heads = {
            number: head
            for number, head in layout.heads.items()
            if number < self._new or (scope == "partition" and partition_of(session.files[number].path) in touched)
        }
        return Layout(layout.table, heads, layout.missing) if heads else None

    def _in_scope(self, session: Session, table: ContractTable, scope: Scope) -> list[Layout]:
        layouts = self._layouts[table.name].layouts if table.name in self._layouts else []
        parts = [self._members(session, layout, scope) for layout in layouts]
        return [part for part in parts if part is not None]

    def _count_rows(self, session: Session, table: ContractTable) -> None:
        for check, scope in _row_counts(table):
            total = self._rows_in(session, table, scope)
            if not check.holds(total):
                severity: Severity = "warning" if check.warns_only else "error"
                message = f"{total:,} rows; the number {check.demand()}"
                self.violations.append(Violation(table.name, "", "", "row-count", total, (), message, severity))

    def _rows_in(self, session: Session, table: ContractTable, scope: Scope) -> int:
        new = sum(file.rows for file in self.statistics if file.table == table.name)
        if scope == "new":
            return new
        if self.rest_rows is not None:
            return new + sum(
                rows
                for path, rows in self.rest_rows.items()
                if self.contract.table_for(path) == table
                and self.delta.is_row_file(path)
                and not self.contract.ignores(path)
                and (scope == "all" or partition_of(path) in self._partitions[table.name])
            )
        for layout in self._in_scope(session, table, scope):
            self._count_layout(session, layout)
        paths = [
            session.files[number].path for part in self._in_scope(session, table, scope) for number in part.numbers
        ]
        return sum(self._rows[path] for path in paths)

    def _count_layout(self, session: Session, layout: Layout) -> None:
        unknown = {n: head for n, head in layout.heads.items() if session.files[n].path not in self._rows}
        if unknown:
            found = profile(session, Layout(layout.table, unknown, layout.missing), {}, statistics=False)
            self._rows |= {session.files[number].path: one.rows for number, one in found.files.items()}
            self._rows |= {session.files[number].path: 0 for number in found.unreadable}

    def _of_queries(self, session: Session) -> Iterator[Violation]:
        tables = {table.name: table for table in self.contract.tables}
        if not any(queries(table) for table in tables.values()):
            return
        make_views(session, tables, {name: self._in_scope(session, table, "all") for name, table in tables.items()})
        for name, table in tables.items():
            for query in queries(table):
                suffix = "" if query.scope == "all" else f" ({query.scope})"
                if suffix:
                    make_views(session, {name: table}, {name: self._in_scope(session, table, query.scope)}, suffix)
                yield from query_violations(session, table, query, name + suffix)


def _row_counts(table: ContractTable) -> list[tuple[Check, Scope]]:
    return [
        (check, check.effective_scope or "all")
        for check in table.quality
        if check.executable and check.measure == "rowCount"
    ]


def _columns(table: ContractTable, found: FileProfile) -> tuple[ColumnStatistics, ...]:
    return tuple(
        ColumnStatistics(
            column.column, found.nulls.get(i, 0), found.minimum.get(i), found.maximum.get(i), withheld=column.withheld
        )
        for i, column in enumerate(table.properties)
    )


def _of_rows(session: Session, layout: Layout, predicate: Predicate, failing: Mapping[int, int]) -> Iterator[Violation]:
    column = layout.table.properties[predicate.column]
    shown = examples(session, layout, predicate, list(failing))
    found = layout.mistyped(column)
    message = f"{predicate.message}; the file's column is of type {found}" if found else predicate.message
    for number, rows in failing.items():
        path = session.files[number].path
        yield Violation(
            layout.table.name,
            path,
            column.name,
            predicate.rule,
            rows,
            shown.get(number, ()),
            message,
            predicate.severity,
        )


def _unreadable(session: Session, table: ContractTable, reasons: Mapping[int, str]) -> Iterator[Violation]:
    for number, reason in reasons.items():
        yield Violation(table.name, session.files[number].path, "", "readable", 0, (), reason)


def _of_no_table(file: TableFile) -> Violation:
    try:
        read_head(file, header=None)
    except UnreadableError as error:
        return Violation("", file.path, "", "readable", 0, (), str(error))
    message = "the contract has no table for this file (no physicalName matches its path)"
    return Violation("", file.path, "", "unknown-table", 0, (), message)


def _refuse_bad_pattern(session: Session, table: ContractTable, column: str, pattern: str) -> None:
    try:
        session.rows(f"SELECT regexp_matches('', {literal(pattern)})")
    except lazy.duckdb().Error as error:
        reason = str(error).partition("\n")[0].partition(": ")[2]
        raise InvalidError(
            f"contract, table {table.name!r}, column {column!r}: the pattern {pattern!r} can't be used: {reason}",
            hint="patterns are RE2 regular expressions: no look-ahead, look-behind or back references",
            kind="bad-contract",
        ) from error
