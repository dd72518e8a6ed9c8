"""Check of what was taken from a bucket and never became a version."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from lakefs_repro.doctor.finding import Finding, Repair
from lakefs_repro.model.names import COPIES, dataset_prefix, parse_copy_branch
from lakefs_repro.snapshot.context import Context

FORGOTTEN: Final = timedelta(days=30)


def check_copies(ctx: Context, now: datetime, dataset: str | None) -> Iterator[Finding]:
    """Each branch with objects of a bucket: an ingest is at work, was refused, or was forgotten."""
    for branch in ctx.repository.branches.list(COPIES):
        owner = parse_copy_branch(branch.name)
        if owner is None or (dataset and owner != dataset):
            continue
        last: datetime | None = None
        for info in ctx.repository.objects.list(branch.name, dataset_prefix(owner)):
            last = max(last or info.modified, info.modified)
        message = f"{branch.name} holds objects of a bucket that are no version of {owner} yet"
        if last is None or now - last < FORGOTTEN:
            yield Finding("copies", "ok", f"{message}: the same ingest goes on from there.")
            continue
        yield Finding(
            "copies",
            "warning",
            f"{message}; the last was taken {(now - last).days} days ago.",
            "type the ingest again, or let `lakefs-repro doctor --repair` delete the branch: the bucket has its own",
            Repair("drop-branch", f"delete {branch.name}", branch=branch.name, dataset=owner),
        )
