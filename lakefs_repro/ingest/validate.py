"""The gate: the contract that a snapshot is held to, its checks, and the statistics kept with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lakefs_repro.errors import NotFoundError, RejectedError, UnavailableError
from lakefs_repro.ingest.plan import IngestPlan
from lakefs_repro.ingest.planned_tables import PlannedTables
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.ingest.source import Source
from lakefs_repro.model.contract import Contract
from lakefs_repro.model.table import FileStatistics, TableSchema, merge_statistics
from lakefs_repro.model.table_report import ValidationReport
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, sidecar_of
from lakefs_repro.tables import DeltaTable, DeltaTables, infer_contract, validate

STATISTICS_FORMAT: Final = 1
CHECKED_AT_ONCE: Final = 4
"""Threads of a check: each holds a row group's column in memory."""


class ContractViolatedError(RejectedError):
    """The data breaks its contract; ``report`` holds every violation, with examples for people."""

    default_kind = "contract-violated"

    def __init__(self, dataset: str, report: ValidationReport) -> None:
        count = len(report.violations) + report.omitted
        super().__init__(
            f"{dataset} breaks its contract in {count} place{'s' if count != 1 else ''}:\n{report.render()}",
            hint="mend the data, or hand a new contract with --contract; nothing was changed",
        )
        self.report = report


@dataclass(frozen=True)
class Validated:
    """A snapshot that passed: its contract, its statistics as they are stored, and its rows."""

    contract: Contract
    statistics: bytes
    rows: int


def captured_contract(ctx: Context, line: Line) -> Contract | None:
    """The contract that the latest version was held to."""
    return sidecar_of(ctx, line).contract() if line.begun else None


def validate_plan(
    ctx: Context, request: IngestRequest, line: Line, plan: IngestPlan, source: Source, spill: Path
) -> Validated:
    """Hold what would become the snapshot to its contract.

    New files are read where the source has them. They stand for the objects in the commit because the source confirms
    the commit before anything is merged.

    Args:
        ctx: the repository.
        request: what was asked.
        line: where the dataset stands.
        plan: what would change.
        source: what is ingested.
        spill: a private folder for what must be downloaded or does not fit in memory.

    Raises:
        ContractViolatedError: it breaks the contract.
        InvalidError: the contract can't be run.
    """
    captured = captured_contract(ctx, line)
    before = _stored(ctx, line)
    tables = PlannedTables(ctx, line, plan, source, spill, had_delta=bool(before.get("delta")))
    contract = (
        request.contract or captured or infer_contract(request.dataset, tables.new, delta=tables.delta, spill_dir=spill)
    )
    unchanged = captured is not None and captured.hash == contract.hash
    stored = before if unchanged else {}
    gone = {*plan.remove, *(entry.path for entry in plan.new)}
    kept = [f for f in map(FileStatistics.from_json, stored.get("files", ())) if _stays(f.path, gone, tables.delta)]
    known = {f.path for f in kept}
    files = [*tables.new, *(tables.revived(known) if unchanged else tables.rest())]
    validated = {file.path for file in files}

    def check(threads: int) -> ValidationReport:
        return validate(
            contract,
            files,
            rest=lambda: [file for file in tables.rest() if file.path not in validated] if unchanged else [],
            rest_rows={f.path: f.rows for f in kept} if stored else None,
            delta=tables.delta,
            spill_dir=spill,
            threads=threads,
        )

    report = _within_memory(check, min(CHECKED_AT_ONCE, ctx.threads))
    if not report.ok:
        raise ContractViolatedError(request.dataset, report)
    for violation in report.violations:
        ctx.progress.note(violation.message)
    statistics = (*kept, *report.statistics)
    schemas = {s.table: s for s in map(TableSchema.from_json, stored.get("schemas", ()))}
    schemas |= {s.table: s for s in report.schemas}
    there = {f.table for f in statistics}
    shown = [schemas[name] for name in sorted(schemas) if name in there]
    encoded = encode_statistics(shown, statistics, tables.delta.tables)
    return Validated(contract, encoded, sum(f.rows for f in statistics))


def _within_memory(check: Callable[[int], ValidationReport], threads: int) -> ValidationReport:
    """What ``check`` finds; on one thread where several, each with a row group of its own, need too much memory."""
    try:
        return check(threads)
    except UnavailableError as error:
        if error.kind != "memory-limit" or threads == 1:
            raise
        return check(1)


def encode_statistics(
    schemas: Sequence[TableSchema], files: Sequence[FileStatistics], delta: Sequence[DeltaTable] = ()
) -> bytes:
    """``statistics.json``: schema and totals of each table, the statistics of each file, and which Delta tables."""
    ordered = sorted(files, key=lambda f: f.path)
    value = {
        "format": STATISTICS_FORMAT,
        "schemas": [schema.to_json() for schema in schemas],
        "tables": [table.to_json() for table in merge_statistics(ordered)],
        "files": [file.to_json() for file in ordered],
    }
    if delta:
        value["delta"] = [{"folder": table.folder, "version": table.version} for table in delta]
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _stored(ctx: Context, line: Line) -> dict[str, Any]:
    if not line.begun:
        return {}
    try:
        value = json.loads(sidecar_of(ctx, line).statistics())
    except NotFoundError:
        return {}
    return value if isinstance(value, dict) else {}


def _stays(path: str, gone: Collection[str], delta: DeltaTables) -> bool:
    """Whether what is known of a file goes on to be true: it is there, and holds rows."""
    return path not in gone and delta.is_row_file(path)
