"""Finishing, or cleaning up after, an ingest whose process is gone."""

from __future__ import annotations

from typing import Literal

from lakefs_repro.errors import NotFoundError
from lakefs_repro.ingest import journal as journals
from lakefs_repro.ingest.publish import ReservedError, drop_branch, finish, release
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.annotation import Annotation, is_annotation
from lakefs_repro.model.names import ingest_branch, parse_pin_branch, pin_branch, tree_branch
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line

Healed = Literal["finished", "cleaned", "nothing"]


def heal(ctx: Context, dataset: str, ulid: str) -> Healed:
    """Bring a half-done ingest to its end: tag and record it when ``main`` holds it, else remove what is left of it.

    The caller knows that nobody is at work under ``ulid`` any more.
    """
    branch = ingest_branch(dataset, ulid)
    made = _ingest_commit(ctx, dataset, ulid, branch)
    drop_branch(ctx, tree_branch(ulid))
    if made is not None and ctx.repository.commits.contains(ctx.main, made.id):
        finish(ctx, made)
        return "finished"
    if made is not None:
        release(ctx, dataset, Annotation.decode(made.metadata).version, ulid)
    there = made is not None or _exists(ctx, branch)
    drop_branch(ctx, branch)
    return "cleaned" if there else "nothing"


def take_over(ctx: Context, dataset: str, ulid: str) -> bool:
    """Heal an ingest of this machine whose process is gone, holding its journal so that it can't come alive meanwhile.

    Returns:
        Whether it was dead; one that is alive, or of another machine, is left alone.
    """
    journal = journals.seize(ctx.journals, ulid)
    if journal is None:
        return False
    with journal:
        heal(ctx, dataset, ulid)
        journal.forget()
    return True


def finish_latest(ctx: Context, line: Line) -> None:
    """Tag and record the latest version when the process of this machine that merged it died before it could."""
    if line.annotation:
        take_over(ctx, line.dataset, line.annotation.ingest)


def clear_holder(ctx: Context, dataset: str, error: ReservedError) -> bool:
    """Finish, or clean up after, whoever holds a version, if it is of this machine and dead; whether it was."""
    return bool(error.holder) and take_over(ctx, dataset, error.holder)


def _ingest_commit(ctx: Context, dataset: str, ulid: str, branch: str) -> Commit | None:
    """The ingest commit of ``ulid``: at its branch's head, or at a pin when the branch is gone."""
    candidates = []
    if _exists(ctx, branch):
        candidates.append(ctx.repository.branches.get(branch).commit)
    prefix = pin_branch(dataset, "0.0.0").removesuffix("0_0_0")
    for pin in ctx.repository.branches.list(prefix):
        parsed = parse_pin_branch(pin.name)
        if parsed and parsed[0] == dataset:
            candidates.append(pin.commit)
    for candidate in candidates:
        commit = ctx.repository.commits.get(candidate)
        if is_annotation(commit.metadata) and commit.metadata.get("repro.ingest") == ulid:
            return commit
    return None


def _exists(ctx: Context, branch: str) -> bool:
    try:
        ctx.repository.branches.get(branch)
    except NotFoundError:
        return False
    return True
