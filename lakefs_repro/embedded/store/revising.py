"""Revert, cherry-pick and hard reset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import ApiError, bad_request, conflict, prefixed
from lakefs_repro.embedded.store import commits, expressions, protection, refs, staging
from lakefs_repro.embedded.store.advance import Draft, advance, existing
from lakefs_repro.embedded.store.engine import COMMITTER
from lakefs_repro.embedded.store.merging import MergeConflictError, Sides, merged, require_clean

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from lakefs_repro.embedded.store.advance import Approval, NewTree
    from lakefs_repro.embedded.store.commits import Commit
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.refs import Branch
    from lakefs_repro.embedded.store.repositories import Repository


@dataclass(frozen=True)
class Revision:
    """A commit to undo or to repeat; ``parent_number`` says against which of its parents, 0 for its only one."""

    ref: str
    parent_number: int = 0
    allow_empty: bool = False
    message: str | None = None
    metadata: Mapping[str, str] | None = None


def revert(
    engine: Engine, repository: Repository, branch_name: str, revision: Revision, approval: Approval | None = None
) -> Commit:
    """A new commit that takes back what one commit did."""
    with engine.database.snapshot() as connection:
        undone = _named(connection, repository, revision.ref)
        number = revision.parent_number
        if len(undone.parents) > 1 and not number:
            raise conflict("must specify 1-based parent number for reverting merge commit")
        if number > len(undone.parents):
            raise bad_request(f"given commit does not have the given parent number: parent {number}")
        before = _parent_tree(connection, repository, undone, number or 1)
    message = revision.message or f"Revert {revision.ref}"

    def prepare(connection: sqlite3.Connection, branch: Branch, head: Commit) -> Draft:
        require_clean(engine, connection, branch, head)
        tree = _applied(engine, head, undone.metarange_id, before)
        if tree.metarange_id == head.metarange_id and not revision.allow_empty:
            raise _no_changes()
        return _draft(engine, repository, (connection, branch, head), tree, message, revision.metadata or {})

    return advance(engine, repository, branch_name, prepare, approval)


def cherry_pick(
    engine: Engine, repository: Repository, branch_name: str, revision: Revision, approval: Approval | None = None
) -> Commit:
    """A new commit that does again what one commit did."""
    with engine.database.snapshot() as connection:
        picked = _named(connection, repository, revision.ref)
        number = revision.parent_number or 1
        if len(picked.parents) > 1 and not revision.parent_number:
            raise bad_request("must specify 1-based parent number for cherry-picking merge commit")
        if number > len(picked.parents):
            raise bad_request(f"parent {number}: given commit does not have the given parent number")
        before = _parent_tree(connection, repository, picked, number)
    origin = {"cherry-pick-origin": picked.id, "cherry-pick-committer": picked.committer}
    metadata = {**(picked.metadata if revision.metadata is None else revision.metadata), **origin}
    message = revision.message or picked.message

    def prepare(connection: sqlite3.Connection, branch: Branch, head: Commit) -> Draft:
        require_clean(engine, connection, branch, head)
        if before == picked.metarange_id:  # a commit that did something, but nothing new here, is picked all the same
            raise _no_changes()
        tree = _applied(engine, head, before, picked.metarange_id)
        return _draft(engine, repository, (connection, branch, head), tree, message, metadata)

    return advance(engine, repository, branch_name, prepare, approval)


def hard_reset(engine: Engine, repository: Repository, branch_name: str, ref: str) -> None:
    """Point a branch at any commit. What is staged stays staged, as in lakeFS."""

    def land(connection: sqlite3.Connection) -> None:
        branch = refs.branch(connection, repository, branch_name)
        protection.require_allowed(connection, repository, branch_name, protection.HARD_RESET)
        with prefixed(f"hard-reset {branch_name} to {ref}: "):
            target = expressions.resolve_commit(connection, repository, ref)
        connection.execute("UPDATE branches SET commit_id = ? WHERE id = ?", (target.id, branch.id))

    with engine.moving(repository.id, branch_name):
        engine.writer.submit(land)


def _named(connection: sqlite3.Connection, repository: Repository, ref: str) -> Commit:
    with prefixed(f"get commit from ref {ref}: "):
        return expressions.resolve_commit(connection, repository, ref)


def _parent_tree(connection: sqlite3.Connection, repository: Repository, commit: Commit, number: int) -> str:
    """The tree's id of a parent, counted from 1; that of a repository's first commit stands on nothing."""
    if not commit.parents:
        return ""
    parent = commits.find(connection, repository, commit.parents[number - 1])
    if parent is None:
        raise ApiError(500, "the commit's parent is missing from the store")
    return parent.metarange_id


def _no_changes() -> ApiError:
    return bad_request("update branch: no changes")


def _applied(engine: Engine, head: Commit, before: str, after: str) -> NewTree:
    """The head's tree with what leads from one tree to the other."""
    sides = Sides(*(engine.trees.metarange(each) for each in (before, after, head.metarange_id)))
    try:
        tree = merged(engine, sides)
    except MergeConflictError:
        raise conflict("update branch: conflict found") from None
    return tree if tree.changed else existing(head.metarange_id)


def _draft(
    engine: Engine,
    repository: Repository,
    destination: tuple[sqlite3.Connection, Branch, Commit],
    tree: NewTree,
    message: str,
    metadata: Mapping[str, str],
) -> Draft:
    connection, branch, head = destination
    made = commits.make(
        repository,
        (head,),
        committer=COMMITTER,
        message=message,
        creation_date=engine.moment(),
        metarange_id=tree.metarange_id,
        metadata=metadata,
    )
    return Draft(made, tree, staged_up_to=staging.last_sequence(connection, branch.id))  # see merge
