"""Three-way merges, and what stands on them: merge, revert, cherry-pick."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import ApiError, bad_request, prefixed
from lakefs_repro.embedded.store import commits, expressions, staging
from lakefs_repro.embedded.store.advance import Draft, advance, edited, existing
from lakefs_repro.embedded.store.compare import compare
from lakefs_repro.embedded.store.engine import COMMITTER
from lakefs_repro.embedded.store.entry import same_content
from lakefs_repro.embedded.store.history import History
from lakefs_repro.embedded.store.metaranges import EMPTY
from lakefs_repro.embedded.store.view import View

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from lakefs_repro.embedded.store.advance import Approval, NewTree
    from lakefs_repro.embedded.store.commits import Commit
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.entry import Change
    from lakefs_repro.embedded.store.metaranges import Metarange
    from lakefs_repro.embedded.store.rebuild import Edit
    from lakefs_repro.embedded.store.refs import Branch
    from lakefs_repro.embedded.store.repositories import Repository
    from lakefs_repro.embedded.store.trees import Trees

STRATEGIES = ("", "source-wins", "dest-wins")


@dataclass(frozen=True)
class MergeRequest:
    source: str
    message: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    strategy: str = ""
    squash: bool = False
    allow_empty: bool = False


@dataclass(frozen=True)
class Sides:
    """The trees of a three-way merge."""

    base: Metarange
    source: Metarange
    destination: Metarange


class MergeConflictError(Exception):
    """Both sides changed ``path``, and not in the same way."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def changes_of_source(trees: Trees, sides: Sides, start: str = "") -> Iterator[tuple[Change, Change | None]]:
    """What the source changed since the base, beside what the destination made of the same path.

    Where both sides agree, nothing is given: there is nothing left to do.
    """
    ours = compare(trees, sides.base, sides.destination, start)
    other = next(ours, None)
    for change in compare(trees, sides.base, sides.source, start):
        while other is not None and other.path < change.path:
            other = next(ours, None)
        if other is None or other.path != change.path:
            yield change, None
        elif not same_content(other.right, change.right):
            yield change, other


def _edits(trees: Trees, sides: Sides, strategy: str) -> Iterator[Edit]:
    for change, other in changes_of_source(trees, sides):
        if other is None or strategy == "source-wins":
            yield change.path, change.right
        elif not strategy:
            raise MergeConflictError(change.path)


def merged(engine: Engine, sides: Sides, strategy: str = "") -> NewTree:
    """The destination's tree with the source's changes; raises MergeConflictError without a strategy."""
    return edited(engine, sides.destination, _edits(engine.trees, sides, strategy))


def require_clean(engine: Engine, connection: sqlite3.Connection, branch: Branch, head: Commit) -> None:
    tree = engine.trees.metarange(head.metarange_id)
    if View(engine.trees, connection, tree, branch.id).is_dirty():
        raise bad_request("uncommitted changes (dirty branch)")


def merge(
    engine: Engine, repository: Repository, destination: str, request: MergeRequest, approval: Approval | None = None
) -> Commit:
    """Merge a ref into a branch; always a new commit, its second parent the source unless squashed."""
    if request.strategy not in STRATEGIES:
        raise bad_request("argument strategy: invalid value: validation error")

    def prepare(connection: sqlite3.Connection, branch: Branch, head: Commit) -> Draft:
        require_clean(engine, connection, branch, head)
        with prefixed(f"update branch {destination}: get commit by ref {request.source}: "):
            source = expressions.merge_side(connection, repository, request.source)
        base = History(connection, repository).merge_base(head, source)
        tree = _merged_tree(engine, destination, (base, source, head), request)
        made = commits.make(
            repository,
            (head,) if request.squash else (head, source),
            committer=COMMITTER,
            message=request.message or f"Merge '{request.source}' into '{destination}'",
            creation_date=engine.moment(),
            metarange_id=tree.metarange_id,
            metadata={".lakefs.merge.strategy": request.strategy or "default", **request.metadata},
        )
        if request.squash:  # as measured: it counts as younger than both sides all the same
            made = replace(made, generation=1 + max(head.generation, source.generation))
        # What is staged here says nothing new. It goes, as in lakeFS, or it would undo what comes in.
        return Draft(made, tree, staged_up_to=staging.last_sequence(connection, branch.id), source=source)

    return advance(engine, repository, destination, prepare, approval)


def _merged_tree(
    engine: Engine, destination: str, points: tuple[Commit | None, Commit, Commit], request: MergeRequest
) -> NewTree:
    trees = engine.trees
    base, source, head = points
    # An initial commit has no tree at all, which to lakeFS is another one than a tree that became empty.
    if base is not None and base.metarange_id == source.metarange_id and not request.allow_empty:
        raise bad_request(f"update branch {destination}: no changes")
    sides = Sides(
        base=trees.metarange(base.metarange_id) if base else EMPTY,
        source=trees.metarange(source.metarange_id),
        destination=trees.metarange(head.metarange_id),
    )
    try:
        tree = merged(engine, sides, request.strategy)
    except MergeConflictError as error:
        raise ApiError(409, f"conflict at {error.path}", body={"reference": ""}) from None
    return tree if tree.changed else existing(head.metarange_id)
