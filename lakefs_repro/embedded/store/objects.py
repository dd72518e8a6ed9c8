"""Writing to a branch's staging area, inside the writer's transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import ApiError, bad_request, not_found
from lakefs_repro.embedded.store import commits, protection, refs, staging
from lakefs_repro.embedded.store.view import View

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.refs import Branch
    from lakefs_repro.embedded.store.repositories import Repository

_MAX_PATH_BYTES = 1024


def require_path(path: str, argument: str = "path") -> None:
    """Refuse a path that no object can have."""
    length = len(path.encode("utf-8", "replace"))
    if not length:
        raise bad_request(f"argument {argument}: missing path: required value: validation error")
    if length > _MAX_PATH_BYTES:
        problem = f"{length} is above maximum length ({_MAX_PATH_BYTES})"
        raise bad_request(f"argument {argument}: invalid value: validation error: {problem}")


def writable_branch(
    engine: Engine,
    connection: sqlite3.Connection,
    repository: Repository,
    name: str,
    *,
    absent: str | None = None,
) -> Branch:
    """The branch to write to; ``absent`` is a path that must not be there yet (412)."""
    branch = refs.find_branch(connection, repository, name)
    if branch is None:
        refs.require_branch_id(name, "name")
        raise not_found(f"branch '{name}' not found")
    protection.require_allowed(connection, repository, name, protection.WRITE)
    if absent is not None and head_view(engine, connection, repository, branch).lookup(absent) is not None:
        raise ApiError(412, "path already exists")
    return branch


def head_view(engine: Engine, connection: sqlite3.Connection, repository: Repository, branch: Branch) -> View:
    """The branch's committed tree with what is staged over it."""
    head = commits.find(connection, repository, branch.commit_id)
    tree = engine.trees.metarange(head.metarange_id if head else "")
    return View(engine.trees, connection, tree, branch.id)


def stage(
    engine: Engine,
    connection: sqlite3.Connection,
    repository: Repository,
    branch_name: str,
    entry: Entry,
    *,
    if_absent: bool = False,
) -> None:
    branch = writable_branch(engine, connection, repository, branch_name, absent=entry.path if if_absent else None)
    engine.staging.put(connection, branch.id, entry)


def remove(
    engine: Engine, connection: sqlite3.Connection, repository: Repository, branch: Branch, paths: list[str]
) -> None:
    """Delete paths. Where something is staged or committed a tombstone says so; elsewhere nothing is left."""
    view = head_view(engine, connection, repository, branch)
    for path in paths:
        staged, _ = staging.find(connection, branch.id, path)
        if staged or engine.trees.lookup(view.tree, path) is not None:
            engine.staging.remove(connection, branch.id, path)


def reset(connection: sqlite3.Connection, repository: Repository, branch_name: str, *, kind: str, path: str) -> None:
    """Forget staged changes: of everything, of one object, or under a prefix.

    A commit that is under way, perhaps waiting for its hooks, sees that and starts anew: it would bring them back.
    """
    branch = refs.branch(connection, repository, branch_name)
    protection.require_allowed(connection, repository, branch_name, protection.WRITE)
    if kind == "reset":
        staging.clear(connection, branch.id)
    elif kind == "object":
        staging.reset_path(connection, branch.id, path)
    else:
        staging.reset_prefix(connection, branch.id, path)
    connection.execute("UPDATE branches SET resets = resets + 1 WHERE id = ?", (branch.id,))
