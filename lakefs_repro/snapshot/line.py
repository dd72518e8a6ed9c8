"""Where a dataset's line stands: the ingest commit that ``main`` holds, and whether ``main`` still equals it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from lakefs_repro.errors import ConflictError, IntegrityError
from lakefs_repro.lake.values import Commit, Difference
from lakefs_repro.model.annotation import Annotation, is_annotation
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.sidecar import Sidecar, SidecarPaths

_NAMED = 5


@dataclass(frozen=True)
class Line:
    """A dataset's line as seen from one head of ``main``.

    ``head`` is the newest ingest commit in ``main``, or the repository's first commit before the first ingest;
    ``annotation`` is what that commit says, ``None`` before the first ingest.
    """

    dataset: str
    main: str
    head: Commit
    annotation: Annotation | None

    @property
    def begun(self) -> bool:
        """Whether there has been an ingest."""
        return self.annotation is not None


def read_line(ctx: Context, dataset: str) -> Line:
    """The state of a dataset's line now.

    Raises:
        ConflictError: another client wrote the dataset's sidecar into ``main``.
    """
    main = ctx.repository.branches.get(ctx.main).commit
    return line_at(ctx, dataset, main)


def line_at(ctx: Context, dataset: str, commit: str) -> Line:
    """The state of a dataset's line in the history of any commit of ``main`` or of the line itself.

    The history is walked by first parents, whose order is exact: lakeFS' log by object goes by whole seconds, and of
    two ingests in one second it may name the older first.

    Raises:
        IntegrityError: an annotation names a commit that is not its ingest commit.
    """
    last: Commit | None = None
    for seen in ctx.repository.commits.log(commit, first_parent=True):
        if is_annotation(seen.metadata) and seen.metadata.get("repro.dataset") == dataset:
            return Line(dataset, commit, *_ingest_commit(ctx, seen))
        last = seen
    return Line(dataset, commit, last or ctx.repository.commits.get(commit), None)


def _ingest_commit(ctx: Context, annotated: Commit) -> tuple[Commit, Annotation]:
    """The ingest commit of an annotated commit: the one that a merge names, or the commit itself."""
    said = Annotation.decode(annotated.metadata)
    if not said.commit:
        return annotated, said
    made = ctx.repository.commits.get(said.commit)
    if not is_annotation(made.metadata) or Annotation.decode(made.metadata).ingest != said.ingest:
        raise IntegrityError(
            f"Commit {annotated.id[:12]} names {made.id[:12]} as its ingest commit, which it is not.",
            hint="somebody wrote this annotation by hand; `lakefs-repro doctor` looks further",
            kind="bad-annotation",
        )
    return made, Annotation.decode(made.metadata)


def first_commit(ctx: Context, ref: str) -> Commit:
    """The first commit of the repository."""
    last: Commit | None = None
    for commit in ctx.repository.commits.log(ref, first_parent=True):
        last = commit
    return last or ctx.repository.commits.get(ref)


def foreign_changes(
    ctx: Context, line: Line, ref: str | None = None, *, sidecar_only: bool = False
) -> list[Difference]:
    """What differs between the line's head and ``main`` under the dataset's prefix: the first few paths."""
    found: list[Difference] = []
    prefixes = (dataset_prefix(line.dataset), SidecarPaths(line.dataset).root)
    for prefix in prefixes[1:] if sidecar_only else prefixes:
        changes = ctx.repository.commits.diff(line.head.id, ref or line.main, prefix=prefix, most=_NAMED)
        found.extend(islice(changes, _NAMED))
    return found


def require_clean(ctx: Context, line: Line, ref: str | None = None, *, sidecar_only: bool = False) -> None:
    """Stop when another client changed the dataset in ``main``, or what lies beside it.

    Raises:
        ConflictError: it did; path, commit and committer are named.
    """
    changes = foreign_changes(ctx, line, ref, sidecar_only=sidecar_only)
    if not changes:
        return
    first = changes[0]
    by = next(iter(ctx.repository.commits.log(ref or line.main, objects=(first.path,), most=1)), None)
    who = f" by commit {by.id[:12]} of {by.committer!r} ({by.message!r})" if by else ""
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    raise ConflictError(
        f"{first.path}{more} was {first.type} in {ctx.main} by another client{who}: "
        f"{ctx.main} no longer holds what was validated for {line.dataset}.",
        hint=f"undo it there (`lakectl branch revert lakefs://{ctx.repository.name}/{ctx.main} "
        f"{by.id[:12] if by else 'COMMIT'}`) and type the command "
        f"again; or make it a version: `lakefs-repro ingest --adopt {ctx.main} --dataset {line.dataset}`",
        kind="foreign-change",
    )


def sidecar_of(ctx: Context, line: Line) -> Sidecar:
    """The sidecar at the line's head."""
    return Sidecar(ctx.repository.objects, line.dataset, line.head.id)


def merge_of(ctx: Context, ingest_commit: str, *, since: str | None = None) -> Commit | None:
    """The commit on ``main`` that merged an ingest commit, or ``None``; ``since`` bounds the search."""
    for commit in ctx.repository.commits.log(ctx.main, first_parent=True, stop_at=since):
        if len(commit.parents) > 1 and ingest_commit in commit.parents[1:]:
            return commit
    return None
