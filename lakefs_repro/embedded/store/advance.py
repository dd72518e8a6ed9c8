"""Moving a branch's head to a new commit: worked out on a snapshot, landed in one short transaction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import conflict
from lakefs_repro.embedded.store import commits, metaranges, protection, refs, repositories, staging
from lakefs_repro.embedded.store.entry import same_content
from lakefs_repro.embedded.store.rebuild import Rebuild

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from lakefs_repro.embedded.store.commits import Commit
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.metaranges import Metarange
    from lakefs_repro.embedded.store.rebuild import Edit
    from lakefs_repro.embedded.store.refs import Branch
    from lakefs_repro.embedded.store.repositories import Repository

_ATTEMPTS = 20
_FLUSHED_RANGES = 64


@dataclass(frozen=True)
class NewTree:
    """A tree that was worked out, with the ranges of it that are not stored yet.

    ``claimed`` is one that a client named: it need not be there.
    """

    metarange_id: str
    stored: bytes | None
    ranges: list[tuple[str, bytes]] = field(default_factory=list)
    changed: int = 0
    claimed: bool = False


@dataclass(frozen=True)
class Draft:
    """A commit that is ready to land.

    ``staged_up_to`` is the newest staged write that it took in, ``source`` what a merge merges.
    """

    commit: Commit
    tree: NewTree
    staged_up_to: int | None = None
    refusal: str | None = None
    source: Commit | None = None


@dataclass(frozen=True)
class Approval:
    """Somebody to ask before a draft lands.

    Who may take long, or come back to the branch, is asked without ``holding`` it: others then go first.
    """

    ask: Callable[[Draft], None]
    holding: bool


class _BranchChangedError(Exception):
    """Somebody else's commit landed first, or somebody has reset what is staged."""


def advance(
    engine: Engine,
    repository: Repository,
    branch_name: str,
    prepare: Callable[[sqlite3.Connection, Branch, Commit], Draft],
    approval: Approval | None = None,
) -> Commit:
    """Land what ``prepare`` makes of the branch and its head.

    It runs again when the head has moved meanwhile, or staged changes were taken back. ``approval`` is asked before a
    draft lands, and stops it by raising.
    """
    held = approval is None or approval.holding
    with engine.moving(repository.id, branch_name) if held else nullcontext():
        for _ in range(_ATTEMPTS):
            with engine.database.snapshot() as connection:
                branch = refs.branch(connection, repository, branch_name)
                head = commits.find(connection, repository, branch.commit_id)
                if head is None:
                    raise conflict(f"branch {branch_name} has lost its commit")
                draft = prepare(connection, branch, head)
            if approval is not None:
                approval.ask(draft)
            try:
                return engine.writer.submit(_landing(repository, branch, draft))
            except _BranchChangedError:
                continue
    raise conflict(f"branch {branch_name} is moved by others faster than this request can follow")


def _landing(repository: Repository, expected: Branch, draft: Draft) -> Callable[[sqlite3.Connection], Commit]:
    def land(connection: sqlite3.Connection) -> Commit:
        if refs.branch(connection, repository, expected.name) != expected:
            raise _BranchChangedError
        if draft.refusal is not None:
            protection.require_allowed(connection, repository, expected.name, draft.refusal)
        _save(connection, repository, draft)
        connection.execute("UPDATE branches SET commit_id = ? WHERE id = ?", (draft.commit.id, expected.id))
        if draft.staged_up_to is not None:
            staging.clear(connection, expected.id, up_to=draft.staged_up_to)
        return draft.commit

    return land


def _save(connection: sqlite3.Connection, repository: Repository, draft: Draft) -> None:
    save_ranges(connection, draft.tree.ranges)
    if draft.tree.stored is not None:
        row = (draft.tree.metarange_id, draft.tree.stored)
        connection.execute("INSERT OR IGNORE INTO metaranges VALUES (?, ?)", row)
    if draft.tree.claimed:
        connection.execute(
            "INSERT OR IGNORE INTO claimed_trees SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM metaranges WHERE id = ?1)",
            (draft.tree.metarange_id,),
        )
    commits.insert(connection, repository, draft.commit)


def make_readable(engine: Engine, repository: Repository, draft: Draft) -> None:
    """Store a draft's commit before it lands: hooks may read it, and one that is refused stays, referred to by none."""

    def save(connection: sqlite3.Connection) -> None:
        if repositories.exists(connection, repository):
            _save(connection, repository, draft)

    engine.writer.submit(save)


def save_ranges(connection: sqlite3.Connection, ranges: list[tuple[str, bytes]]) -> None:
    connection.executemany("INSERT OR IGNORE INTO ranges VALUES (?, ?)", ranges)


def edited(
    engine: Engine,
    base: Metarange,
    edits: Iterable[Edit],
    *,
    same: Callable[[Entry | None, Entry | None], bool] = same_content,
) -> NewTree:
    """``base`` with ``edits``, an entry that is the ``same`` staying as it is.

    Many new ranges are stored on the way, so that memory stays bounded.
    """
    waiting: list[tuple[str, bytes]] = []

    def keep(range_id: str, data: bytes) -> None:
        waiting.append((range_id, data))
        if len(waiting) >= _FLUSHED_RANGES:
            flushed = waiting.copy()
            engine.writer.submit(lambda connection: save_ranges(connection, flushed))
            waiting.clear()

    rebuild = Rebuild(engine.trees, keep, same)
    rebuild.run(base, edits)
    metarange_id, stored = metaranges.encode(rebuild.ranges)
    return NewTree(metarange_id, stored, waiting, rebuild.changed)


def existing(metarange_id: str) -> NewTree:
    """A tree that is stored already."""
    return NewTree(metarange_id, None)


def claimed(metarange_id: str) -> NewTree:
    """A tree that a client names. As in lakeFS nobody looks whether it is there."""
    return NewTree(metarange_id, None, claimed=True)
