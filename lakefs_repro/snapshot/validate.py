"""The gate: the contract that a snapshot is held to, its checks, and the statistics kept with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lakefs_repro.errors import IntegrityError, NotFoundError, RejectedError
from lakefs_repro.lake.wire import Retry
from lakefs_repro.model.contract import Contract
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import iter_entries
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.model.table import FileStatistics, TableSchema, merge_statistics
from lakefs_repro.model.table_report import ValidationReport
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, sidecar_of
from lakefs_repro.snapshot.plan import IngestPlan
from lakefs_repro.snapshot.request import IngestRequest
from lakefs_repro.snapshot.sidecar import Sidecar
from lakefs_repro.snapshot.source import Source
from lakefs_repro.tables import TableFile, infer_contract, table_format, validate
from lakefs_repro.transfer.download_stream import Wanted, blocks_of, check_hash
from lakefs_repro.transfer.hashing import hash_file
from lakefs_repro.transfer.parallel import run_all

STATISTICS_FORMAT: Final = 1


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
    new = _tables(source, (entry.path for entry in plan.new))
    contract = request.contract or captured or infer_contract(request.dataset, new, spill_dir=spill)
    unchanged = captured is not None and captured.hash == contract.hash

    def rest() -> Sequence[TableFile]:
        return [] if not line.begun else _rest(ctx, line, plan, source, spill)

    files = new if unchanged or not line.begun else [*new, *rest()]
    gone = {*plan.remove, *(entry.path for entry in plan.new)}
    stored = _stored(ctx, line) if unchanged else {}
    kept = [f for f in map(FileStatistics.from_json, stored.get("files", ())) if f.path not in gone]
    report = validate(
        contract,
        files,
        rest=rest if unchanged else list,
        rest_rows={f.path: f.rows for f in kept} if stored else None,
        spill_dir=spill,
        threads=ctx.threads,
    )
    if not report.ok:
        raise ContractViolatedError(request.dataset, report)
    for violation in report.violations:
        ctx.progress.note(violation.message)
    statistics = (*kept, *report.statistics)
    schemas = {s.table: s for s in map(TableSchema.from_json, stored.get("schemas", ()))}
    schemas |= {s.table: s for s in report.schemas}
    there = {f.table for f in statistics}
    shown = [schemas[name] for name in sorted(schemas) if name in there]
    return Validated(contract, encode_statistics(shown, statistics), sum(f.rows for f in statistics))


def encode_statistics(schemas: Sequence[TableSchema], files: Sequence[FileStatistics]) -> bytes:
    """``statistics.json``: schema and totals of each table, and the statistics of each file."""
    ordered = sorted(files, key=lambda f: f.path)
    value = {
        "format": STATISTICS_FORMAT,
        "schemas": [schema.to_json() for schema in schemas],
        "tables": [table.to_json() for table in merge_statistics(ordered)],
        "files": [file.to_json() for file in ordered],
    }
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _stored(ctx: Context, line: Line) -> dict[str, Any]:
    if not line.begun:
        return {}
    try:
        value = json.loads(sidecar_of(ctx, line).statistics())
    except NotFoundError:
        return {}
    return value if isinstance(value, dict) else {}


def _tables(source: Source, paths: Iterable[str]) -> list[TableFile]:
    found = (source.table(path) for path in paths if table_format(path))
    return [file for file in found if file is not None]


def _rest(ctx: Context, line: Line, plan: IngestPlan, source: Source, spill: Path) -> list[TableFile]:
    """The table files that stay as they are: from the source where it has them, else downloaded and verified."""
    new = {entry.path for entry in plan.new}
    sidecar = sidecar_of(ctx, line)
    held: list[TableFile] = []
    remote: list[tuple[Entry, Path]] = []
    gone = set(plan.remove)
    root = line.annotation.digest if line.annotation else plan.manifest.root
    for number, entry in enumerate(iter_entries(root, sidecar.chunk)):
        if entry.path in new or entry.path in gone or not table_format(entry.path):
            continue
        file = source.table(entry.path)
        if file is not None:
            held.append(file)
        else:
            remote.append((entry, spill / "rest" / str(number) / "content"))
    for _ in run_all(lambda item: _download(sidecar, *item), remote, threads=ctx.threads):
        pass
    return [*held, *(TableFile(entry.path, target) for entry, target in remote)]


def _download(sidecar: Sidecar, entry: Entry, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    wanted = Wanted(dataset_prefix(sidecar.dataset) + entry.path, entry.size, entry.sha256)
    try:
        with target.open("wb") as file:
            for block in blocks_of(sidecar.objects, sidecar.commit, wanted, Retry()):
                file.write(block)
        check_hash(wanted, sidecar.commit, hash_file(target).sha256)
    except IntegrityError as error:
        raise RejectedError(
            f"{entry.path} at {sidecar.commit[:12]} is not what its manifest promises: {error.message}",
            hint="`lakefs-repro verify --deep` tells what else is damaged",
            kind="stored-data-damaged",
        ) from error
