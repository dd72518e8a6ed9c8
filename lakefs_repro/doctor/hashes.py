"""Check of what workers hashed and nobody published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from lakefs_repro.doctor.finding import Finding, Repair
from lakefs_repro.model.names import HASHES, hashes_branch
from lakefs_repro.snapshot.context import Context

FORGOTTEN: Final = timedelta(days=30)


def check_hashes(ctx: Context, now: datetime, dataset: str | None) -> Iterator[Finding]:
    """Each branch with workers' results: waiting for a version, or forgotten."""
    prefix = hashes_branch(dataset) if dataset else HASHES
    for branch in ctx.repository.branches.list(prefix):
        if dataset and branch.name != prefix:
            continue
        last, parts = None, 0
        for part in ctx.repository.objects.list(branch.name):
            parts += 1
            last = max(last or part.modified, part.modified)
        message = f"{branch.name} has {parts} parts of hashes that workers left for a version to come"
        if last is None or now - last < FORGOTTEN:
            yield Finding("hashes", "ok", f"{message}.")
            continue
        yield Finding(
            "hashes",
            "warning",
            f"{message}, the last of them {(now - last).days} days ago.",
            "`lakefs-repro doctor --repair` deletes them: no data, and objects can be hashed again",
            Repair("drop-branch", f"delete {branch.name}", branch=branch.name, dataset=dataset or ""),
        )
