"""Checks of who else wrote: changes of other clients under a dataset's prefix, and annotations that are not true."""

from __future__ import annotations

from collections.abc import Iterator

from lakefs_repro.doctor.finding import Finding
from lakefs_repro.doctor.survey import Survey
from lakefs_repro.errors import LakefsReproError
from lakefs_repro.lake.values import Commit, Difference
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, foreign_changes, read_line


def check_foreign(ctx: Context, survey: Survey, dataset: str) -> Iterator[Finding]:
    """What other clients did to one dataset in ``main``."""
    yield from (_untrue(ctx, strange.commit, strange.committer, strange.why)
                for strange in survey.strange if strange.dataset == dataset)  # fmt: skip
    try:
        line = read_line(ctx, dataset)
    except LakefsReproError as error:
        yield Finding("foreign-change", "problem", error.message, error.hint)
        return
    if any(strange.commit == line.head.id for strange in survey.strange):
        return  # a comparison with an untrue annotation proves nothing
    changes = foreign_changes(ctx, line)
    if not changes:
        yield Finding("foreign-change", "ok", f"{dataset}: {ctx.main} holds exactly what was validated.")
        return
    yield from _named(ctx, line, changes)


def check_untrue_annotations(ctx: Context, survey: Survey) -> Iterator[Finding]:
    """Annotations on ``main`` that belong to no dataset that could be named."""
    for strange in survey.strange:
        if not strange.dataset:
            yield _untrue(ctx, strange.commit, strange.committer, strange.why)


def _untrue(ctx: Context, commit: str, committer: str, why: str) -> Finding:
    return Finding(
        "annotation",
        "problem",
        f"Commit {commit[:12]} on {ctx.main}, by {committer!r}, says that it is a version, but no ingest made it: "
        f"{why}.",
        f"see what it changed (`lakectl show commit lakefs://{ctx.repository.name}/{commit[:12]}`) and revert it",
    )


def _named(ctx: Context, line: Line, changes: list[Difference]) -> Iterator[Finding]:
    """One finding for each commit that changed one of the first few paths."""
    by_commit: dict[str, tuple[Commit | None, list[Difference]]] = {}
    for change in changes:
        commit = next(iter(ctx.repository.commits.log(line.main, objects=(change.path,), most=1)), None)
        by_commit.setdefault(commit.id if commit else "", (commit, []))[1].append(change)
    for commit, changed in by_commit.values():
        first = changed[0]
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        who = f" by commit {commit.id[:12]} of {commit.committer!r} ({commit.message!r})" if commit else ""
        revert = commit.id[:12] if commit else "COMMIT"
        yield Finding(
            "foreign-change",
            "problem",
            f"{first.path}{more} was {first.type} in {ctx.main} by another client{who}: "
            f"{ctx.main} no longer holds what was validated for {line.dataset}.",
            f"undo it: `lakectl branch revert lakefs://{ctx.repository.name}/{ctx.main} {revert}`; versions that were "
            "made before are as they were",
        )
