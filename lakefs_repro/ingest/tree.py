"""The tree of a snapshot that others wrote: put together on a branch aside by deletions alone, and looked over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lakefs_repro.errors import AlreadyExistsError
from lakefs_repro.ingest.publish import drop_branch
from lakefs_repro.ingest.settle import settle
from lakefs_repro.ingest.write import Draft, unconfirmed
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.names import SIDECAR, dataset_prefix, sidecar_prefix, tree_branch
from lakefs_repro.snapshot.context import Context

ACTIONS: Final = "_lakefs_actions/"


def tree_branch_of(draft: Draft) -> str:
    """The branch aside of an ingest."""
    return tree_branch(draft.ulid)


def put_together(draft: Draft, source: Commit, dropped: Iterable[str]) -> Draft:
    """A branch at ``source``, of which everything is deleted that is not the dataset's; nothing is committed yet.

    Args:
        draft: the ingest branch.
        source: the commit that holds the data.
        dropped: whole paths under the dataset's prefix that are no data.
    """
    ctx, name = draft.ctx, tree_branch_of(draft)
    start_tree(ctx, name, source.id)
    delete = ctx.repository.objects.delete
    delete(name, _outside(ctx, source.id, draft.line.dataset))
    delete(name, dropped)
    return Draft(ctx, draft.line, draft.ulid, fresh=False, aside=name)


def start_tree(ctx: Context, name: str, commit: str) -> None:
    """Make the branch aside at a commit, in place of one that an interrupted run has left."""

    def act() -> str:
        return ctx.repository.branches.create(name, commit, hidden=True)

    try:
        settle(act, lambda: None)
    except AlreadyExistsError:
        drop_branch(ctx, name)  # an interrupted run's: it holds deletions, which cost nothing
        settle(act, lambda: None)


def _outside(ctx: Context, commit: str, dataset: str) -> Iterator[str]:
    """The paths of a commit that are no part of a dataset: a folder that is wanted whole costs nothing."""
    listed = ctx.repository.objects.list
    for folder in ("", SIDECAR):
        for found in listed(commit, folder, delimiter="/"):
            if found.path in (dataset_prefix(dataset), SIDECAR, sidecar_prefix(dataset), ACTIONS):
                continue
            if found.is_prefix:
                yield from (info.path for info in listed(commit, found.path))
            else:
                yield found.path


def require_tree(draft: Draft, made: Commit) -> None:
    """See that an ingest commit differs from the line's head in nothing but the dataset, its sidecar and hooks.

    Raises:
        IntegrityError: somebody wrote something else to the branch.
    """
    dataset = draft.line.dataset
    diff = draft.ctx.repository.commits.diff
    own = (dataset_prefix(dataset), SIDECAR, sidecar_prefix(dataset), ACTIONS)
    for folder in ("", SIDECAR):
        for change in diff(draft.line.head.id, made.id, prefix=folder, delimiter="/"):
            if change.path not in own:
                raise unconfirmed(draft, f"{change.path} is not as it was")
