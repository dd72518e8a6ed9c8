"""Checks of the repository as a whole: is it there, can it be written, is it protected, is its ledger whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Final

from lakefs_repro.doctor.finding import Finding, Repair
from lakefs_repro.doctor.survey import Survey
from lakefs_repro.errors import LakefsReproError, NotFoundError
from lakefs_repro.model.names import LEDGER_BRANCH, new_ulid
from lakefs_repro.snapshot.context import Context

PINS: Final = "pin-*"
_PROBE: Final = "_lakefs_repro/doctor"


def check_repository(ctx: Context) -> Finding:
    """The repository and its main branch are there and take writes."""
    name = ctx.repository.name
    try:
        info = ctx.repository.info()
    except NotFoundError:
        return Finding(
            "repository", "problem", f"There is no repository {name!r} on {ctx.repository.wire.endpoint.url}.",
            "make it with `lakefs-repro init`, or correct `repository` in lakefs-repro.yaml",
        )  # fmt: skip
    if info.read_only:
        return Finding("repository", "problem", f"The repository {name!r} is read-only: nothing can be ingested.")
    try:
        ctx.repository.branches.get(ctx.main)
    except NotFoundError:
        return Finding(
            "repository",
            "problem",
            f"The repository {name!r} has no branch {ctx.main!r}; its default branch is {info.default_branch!r}.",
            "correct `branch` in lakefs-repro.yaml",
        )
    return Finding("repository", "ok", f"Repository {name!r} on {info.storage_namespace}, versions go to {ctx.main!r}.")


def check_writing(ctx: Context) -> Finding:
    """Stage a tiny object on a scratch branch of its own, delete it, and delete the branch."""
    branch = scratch_name(ctx)
    try:
        ctx.repository.branches.create(branch, ctx.main, hidden=True)
        ctx.repository.objects.put(branch, _PROBE, b"doctor")
        ctx.repository.objects.delete(branch, (_PROBE,))
    except LakefsReproError as error:
        return Finding("writing", "problem", f"Nothing can be written here: {error.message}", error.hint)
    finally:
        with contextlib.suppress(LakefsReproError):
            ctx.repository.branches.delete(branch)
    return Finding("writing", "ok", "A scratch object could be written and deleted.")


def scratch_name(ctx: Context) -> str:
    """A name for a branch that lives for a moment."""
    return f"doctor-{new_ulid(int(ctx.now().timestamp() * 1000), os.urandom(10)).lower()}"


def check_protection(ctx: Context) -> Iterator[Finding]:
    """Direct writes to ``main``, pins and the ledger are refused by the server."""
    present = ctx.repository.settings.protected()
    for pattern in present:
        if pattern.count("[") > pattern.count("]"):
            yield Finding(
                "protection",
                "problem",
                f"The branch protection pattern {pattern!r} can't be read by the server: writes fail because of it.",
                "remove it in the repository's settings",
            )
    missing = tuple(wanted for wanted in wanted_protection(ctx) if not _covered(wanted, present))
    if not missing:
        yield Finding("protection", "ok", f"{', '.join(wanted_protection(ctx))} are protected against direct writes.")
        return
    listed = ", ".join(missing)
    yield Finding(
        "protection",
        "warning",
        f"Any client can write to {listed} directly: around validation, and around the versions' promise.",
        "`lakefs-repro doctor --repair` protects them; merges are not hindered",
        Repair("protect", f"protect {listed} against direct writes and commits"),
    )


def wanted_protection(ctx: Context) -> tuple[str, ...]:
    """The patterns that should be protected."""
    return ctx.main, PINS, LEDGER_BRANCH


def _covered(wanted: str, present: tuple[str, ...]) -> bool:
    """Whether a pattern, or one that is plainly wider, is there."""
    fixed = wanted.rstrip("*")
    return any(
        pattern == wanted or (pattern.endswith("*") and not set(pattern[:-1]) & set("*?[{\\")
                              and fixed.startswith(pattern[:-1]))
        for pattern in present
    )  # fmt: skip


def check_main_clean(ctx: Context) -> Finding:
    """Nothing is staged on ``main``: lakeFS merges nothing into a branch where something is."""
    staged = next(iter(ctx.repository.branches.staged(ctx.main, most=1)), None)
    if staged is None:
        return Finding("main-clean", "ok", f"Nothing is staged on {ctx.main}.")
    name = f"lakefs://{ctx.repository.name}/{ctx.main}"
    return Finding(
        "main-clean",
        "problem",
        f"{ctx.main} has changes that nobody committed, such as {staged.path} ({staged.type}): "
        "until they are gone, lakeFS merges nothing, and so nothing can be ingested.",
        f"undo them with `lakectl branch reset {name}`, or ask who made them",
    )


def check_ledger(ctx: Context, survey: Survey) -> Finding:
    """The ledger is there, and holds what ``main`` saw of it."""
    anchor = newest_anchor(survey)
    if not survey.ledger:
        if not survey.merges:
            return Finding("ledger", "ok", "There is no ledger yet; the first ingest makes it.")
        at = f"at {anchor[:12]}, where {ctx.main} saw it last" if anchor else "empty"
        return Finding(
            "ledger",
            "problem",
            f"The ledger (the hidden branch {LEDGER_BRANCH}) is gone, and with it the lineage that outlives data.",
            "`lakefs-repro doctor --repair` makes it again",
            Repair("restore-ledger", f"make {LEDGER_BRANCH} again, {at}", branch=LEDGER_BRANCH, commit=anchor),
        )
    if anchor and anchor != survey.ledger and not ctx.repository.commits.contains(LEDGER_BRANCH, anchor):
        return Finding(
            "ledger",
            "problem",
            f"The ledger was rewritten: {ctx.main} saw it at {anchor[:12]}, which it no longer holds.",
            f"compare: `lakectl diff lakefs://{ctx.repository.name}/{anchor[:12]} "
            f"lakefs://{ctx.repository.name}/{LEDGER_BRANCH}`",
        )
    return Finding("ledger", "ok", f"The ledger has {len(survey.records)} records.")


def newest_anchor(survey: Survey) -> str:
    """The ledger's head as the newest merge in ``main`` saw it, or an empty text."""
    seen = [m for merges in survey.merges.values() for m in merges if m.ledger]
    return min(seen, key=lambda m: m.position).ledger if seen else ""
