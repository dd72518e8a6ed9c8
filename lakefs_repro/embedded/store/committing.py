"""Committing what is staged on a branch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import bad_request
from lakefs_repro.embedded.store import commits, protection, staging
from lakefs_repro.embedded.store.advance import Draft, advance, claimed, edited, existing
from lakefs_repro.embedded.store.engine import COMMITTER
from lakefs_repro.embedded.store.view import View

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from lakefs_repro.embedded.store.advance import Approval, NewTree
    from lakefs_repro.embedded.store.commits import Commit
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.refs import Branch
    from lakefs_repro.embedded.store.repositories import Repository


@dataclass(frozen=True)
class CommitRequest:
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    allow_empty: bool = False
    date: int | None = None
    source_metarange: str | None = None


def commit(
    engine: Engine, repository: Repository, branch_name: str, request: CommitRequest, approval: Approval | None = None
) -> Commit:
    """Make what is staged on the branch, or the tree ``source_metarange``, its new head."""

    def prepare(connection: sqlite3.Connection, branch: Branch, head: Commit) -> Draft:
        protection.require_allowed(connection, repository, branch.name, protection.COMMIT)
        tree = _tree(engine, connection, branch, head, request)
        made = commits.make(
            repository,
            (head,),
            committer=COMMITTER,
            message=request.message,
            creation_date=engine.moment() if request.date is None else request.date,
            metarange_id=tree.metarange_id,
            metadata=request.metadata,
        )
        seen = staging.last_sequence(connection, branch.id)
        return Draft(made, tree, staged_up_to=seen, refusal=protection.COMMIT)

    return advance(engine, repository, branch_name, prepare, approval)


def _tree(
    engine: Engine, connection: sqlite3.Connection, branch: Branch, head: Commit, request: CommitRequest
) -> NewTree:
    base = engine.trees.metarange(head.metarange_id)
    if request.source_metarange is not None:
        if View(engine.trees, connection, base, branch.id).is_dirty():
            raise bad_request("cannot use source MetaRange on a branch with uncommitted changes")
        return claimed(request.source_metarange)
    tree = edited(engine, base, staging.edits(connection, branch.id))
    if tree.changed:
        return tree
    if not request.allow_empty:
        raise bad_request("commit: no changes")
    # As measured: the first commit has no tree, and an empty one upon it has the empty tree.
    return existing(head.metarange_id) if head.metarange_id else tree
