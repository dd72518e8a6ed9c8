"""A branch that others write to, frozen: one commit of it, and what must hold of that commit.

From here on a writer that goes on changes nothing in the version: everything is read at the commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lakefs_repro.errors import ConflictError, LakefsReproError, NotFoundError, RejectedError
from lakefs_repro.ingest.branch.excludes import Excludes
from lakefs_repro.ingest.settle import NOTHING_TO_DO, settle
from lakefs_repro.lake.values import Commit, Difference
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line

_BRANCH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_NAMED: Final = 5

FROM: Final = "repro.from"
FROM_COMMIT: Final = "repro.from_commit"
"""Keys of the annotation: the branch or ref that the data was on, and the commit of it that was taken."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """One commit of what others wrote.

    Attributes:
        dataset: whose data it is.
        ref: as somebody named it.
        branch: the branch, empty when ``ref`` is a commit, a tag or an expression, on which nothing can be staged.
        commit: what was its head.
    """

    dataset: str
    ref: str
    branch: str
    commit: Commit


def freeze(
    ctx: Context, dataset: str, ref: str, *, excludes: Excludes, commit_staged: bool = False, message: str = ""
) -> Frozen:
    """Take the head of a branch, or the commit that a ref stands for.

    Args:
        ctx: the repository.
        dataset: whose data is on it.
        ref: a branch, a commit id, a tag, ``branch~1``.
        excludes: what is no data.
        commit_staged: commit what is staged on the branch first, when all of it lies under the dataset's prefix.
        message: of that commit.

    Raises:
        NotFoundError: there is no such ref.
        RejectedError: something is staged there (kind ``branch-uncommitted``), half-written (``branch-unfinished``),
            or not of this dataset (``branch-touches-others``).
    """
    branch = branch_or_empty(ctx, ref)
    if not branch:
        return Frozen(dataset, ref, "", commit_of(ctx, ref))
    if commit_staged:
        _commit_staged(ctx, dataset, branch, excludes, message or f"What was staged on {branch}")
    # The head first: what is staged and committed between the two looks is left for the next version.
    head = ctx.repository.branches.get(branch).commit
    require_nothing_staged(ctx, dataset, branch)
    return Frozen(dataset, ref, branch, ctx.repository.commits.get(head))


def branch_or_empty(ctx: Context, ref: str) -> str:
    """The branch of this name, or an empty text when ``ref`` is something else."""
    if not _BRANCH.fullmatch(ref):
        return ""
    try:
        return ctx.repository.branches.get(ref).name
    except NotFoundError:
        return ""


def commit_of(ctx: Context, ref: str) -> Commit:
    """The commit that a branch, tag, commit id or expression stands for.

    Raises:
        NotFoundError: there is none (kind ``branch-not-found``).
    """
    try:
        return ctx.repository.commits.resolve(ref)
    except NotFoundError as error:
        raise NotFoundError(
            f"There is no branch, tag or commit {ref!r} in {ctx.repository.name}.",
            hint="`lakefs-repro branch list` names the branches that were handed out; a finished one is deleted",
            kind="branch-not-found",
        ) from error


def require_nothing_staged(ctx: Context, dataset: str, branch: str) -> None:
    """Refuse a branch with objects that nobody has committed.

    Raises:
        RejectedError: it names some of them.
    """
    staged = list(islice(ctx.repository.branches.staged(branch, most=_NAMED), _NAMED))
    if not staged:
        return
    raise RejectedError(
        f"{branch} has objects that nobody has committed, such as {named(staged)}: its writer may still be at work.",
        hint=f"let the writer finish; then `lakectl commit lakefs://{ctx.repository.name}/{branch} -m ...`, or "
        f"--commit-staged, which commits what lies under {dataset_prefix(dataset)}",
        kind="branch-uncommitted",
    )


def _commit_staged(ctx: Context, dataset: str, branch: str, excludes: Excludes, message: str) -> None:
    prefix = dataset_prefix(dataset)
    count = 0
    for change in ctx.repository.branches.staged(branch):
        count += 1
        if not change.path.startswith(prefix):
            raise RejectedError(
                f"{change.path} is staged on {branch}, outside of {prefix}; nothing was committed.",
                hint="commit it or undo it by hand: only what is of the dataset is committed for you",
                kind="branch-touches-others",
            )
        path = change.path.removeprefix(prefix)
        if change.type != "removed" and excludes.unfinished(path):
            raise unfinished(branch, [change.path])
    if not count:
        return
    before = ctx.repository.branches.get(branch).commit

    def look() -> Commit | None:
        head = ctx.repository.branches.get(branch).commit
        return ctx.repository.commits.get(head) if head != before else None

    settle(lambda: ctx.repository.commits.create(branch, message), look, doubtful=NOTHING_TO_DO)


def require_from_line(ctx: Context, frozen: Frozen, line: Line) -> None:
    """See that nobody made a version since the branch began: what it lacks would be removed.

    A branch that the latest version was itself taken from may go on to the next one.

    Raises:
        ConflictError: it does not hold the line's head.
    """
    said = line.annotation.extra.get(FROM_COMMIT, "") if line.annotation else ""
    if _contains(ctx, frozen.commit.id, line.head.id) or (said and _contains(ctx, frozen.commit.id, said)):
        return
    latest = f"{line.dataset}@{line.annotation.version}" if line.annotation else "the dataset"
    raise ConflictError(
        f"{latest} was made after {frozen.ref} had begun, and is not in it.",
        hint=f"merge it (`lakectl merge lakefs://{ctx.repository.name}/{ctx.main} "
        f"lakefs://{ctx.repository.name}/{frozen.branch or 'BRANCH'}`), or write to a new branch "
        f"(`lakefs-repro branch open {line.dataset}`)",
        kind="branch-behind",
    )


def _contains(ctx: Context, ref: str, commit: str) -> bool:
    try:
        return ctx.repository.commits.contains(ref, commit)
    except LakefsReproError as error:
        if error.kind == "not-found":
            return False
        raise


def require_own_changes(ctx: Context, frozen: Frozen, line: Line) -> None:
    """See that the branch changed nothing but the dataset: whatever else it did would be lost without a word.

    Raises:
        RejectedError: it names some of what it changed.
    """
    others = list(islice(_outside(ctx, frozen, line), _NAMED))
    if not others:
        return
    raise RejectedError(
        f"{frozen.ref} also changes what is not under {dataset_prefix(line.dataset)}, such as {named(others)}.",
        hint="ingest one dataset at a time: write each on a branch of its own, or undo those changes and commit",
        kind="branch-touches-others",
    )


def _outside(ctx: Context, frozen: Frozen, line: Line) -> Iterator[Difference]:
    """What the branch changed outside of the dataset's prefix, since it left ``main``; big folders cost one line."""
    diff = ctx.repository.commits.diff
    prefix = dataset_prefix(line.dataset)
    for change in diff(line.main, frozen.commit.id, kind="three_dot", delimiter="/"):
        if change.path == prefix:
            continue
        if change.type != "prefix_changed":
            yield change
        else:
            yield from diff(line.main, frozen.commit.id, kind="three_dot", prefix=change.path, most=_NAMED)


def require_still(ctx: Context, frozen: Frozen) -> None:
    """See that nobody wrote to the branch while its objects were hashed: then it was not finished.

    Raises:
        ConflictError: somebody did.
    """
    if not frozen.branch:
        return
    head = ctx.repository.branches.get(frozen.branch).commit
    staged = list(islice(ctx.repository.branches.staged(frozen.branch, most=_NAMED), _NAMED))
    if head == frozen.commit.id and not staged:
        return
    what = f"staged {named(staged)}" if staged else f"committed {head[:12]}"
    raise ConflictError(
        f"Somebody is writing to {frozen.branch}: {what} since its head was taken.",
        hint=f"wait for the writer; or take the commit as it is: --from-branch {frozen.commit.id[:16]} "
        f"--dataset {frozen.dataset}",
        kind="writer-at-work",
    )


def unfinished(ref: str, paths: list[str]) -> RejectedError:
    """Somebody has not finished writing."""
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return RejectedError(
        f"{ref} holds what a writer leaves while it is at work, or when it dies: {', '.join(paths[:_NAMED])}{more}.",
        hint="let the job finish, or remove what a dead one left, and commit; --exclude GLOB says that it is no data",
        kind="branch-unfinished",
    )


def named(changes: list[Difference]) -> str:
    """A few paths, for a message."""
    return ", ".join(change.path for change in changes)
