"""Branches and tags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import bad_request, conflict, forbidden, not_found
from lakefs_repro.embedded.store.order import above

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.store.repositories import Repository

_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_TAG_CHARACTERS = re.compile(r"[\x00-\x20\x7f:^?*\[\\/]")


@dataclass(frozen=True)
class Branch:
    """A branch as it stands; ``resets`` is how often staged changes were taken back."""

    id: int
    name: str
    commit_id: str
    resets: int


@dataclass(frozen=True)
class Ref:
    """A branch or tag in a listing."""

    name: str
    commit_id: str


def is_branch_name(name: str) -> bool:
    return _BRANCH.fullmatch(name) is not None


def require_branch_name(name: str) -> None:
    if not is_branch_name(name):
        raise bad_request(
            "argument branch: branch id: invalid value: validation error: branch id must consist of letters, digits, "
            "underscores and dashes, and cannot start with a dash"
        )


def require_branch_id(name: str, argument: str = "branch") -> None:
    """Refuse what can't be the name of a branch that there is; lakeFS names the argument."""
    if not is_branch_name(name):
        raise bad_request(f"argument {argument}: branch id: invalid value: validation error")


def require_tag_name(name: str) -> None:
    refused = _TAG_CHARACTERS.search(name) or ".." in name or "@{" in name or name in {"", "@"}
    if refused or name.endswith((".", ".lock")):
        raise bad_request("argument tagID: tag id: invalid value: validation error")


def find_branch(connection: sqlite3.Connection, repository: Repository, name: str) -> Branch | None:
    row = connection.execute(
        "SELECT id, name, commit_id, resets FROM branches WHERE repository = ? AND name = ?", (repository.id, name)
    ).fetchone()
    return None if row is None else Branch(*row)


def branch(connection: sqlite3.Connection, repository: Repository, name: str) -> Branch:
    found = find_branch(connection, repository, name)
    if found is None:
        require_branch_id(name)
        raise not_found("branch not found")
    return found


def find_tag(connection: sqlite3.Connection, repository: Repository, name: str) -> str | None:
    row = connection.execute(
        "SELECT commit_id FROM tags WHERE repository = ? AND name = ?", (repository.id, name)
    ).fetchone()
    return None if row is None else row[0]


def require_free_branch_name(connection: sqlite3.Connection, repository: Repository, name: str) -> None:
    """Refuse the name of a tag or a commit; lakeFS does so before it looks at what the branch comes from."""
    if find_tag(connection, repository, name) is not None:
        raise conflict(f"tag ID {name}: conflict found")
    _require_not_a_commit(connection, repository, name)


def require_free_tag_name(connection: sqlite3.Connection, repository: Repository, name: str) -> None:
    """Refuse the name of a branch or a commit; lakeFS does so before it looks at what the tag is for."""
    if find_branch(connection, repository, name) is not None:
        raise conflict(f"branch name {name}: conflict found")
    _require_not_a_commit(connection, repository, name)


def _require_not_a_commit(connection: sqlite3.Connection, repository: Repository, name: str) -> None:
    query = "SELECT 1 FROM commits WHERE repository = ? AND id = ?"
    if connection.execute(query, (repository.id, name)).fetchone():
        raise conflict(f"commit ID {name}: conflict found")


def require_new_branch(connection: sqlite3.Connection, repository: Repository, name: str) -> None:
    if find_branch(connection, repository, name) is not None:
        raise conflict("branch already exists: not unique")
    require_free_branch_name(connection, repository, name)


def create_branch(
    connection: sqlite3.Connection, repository: Repository, name: str, commit_id: str, *, hidden: bool
) -> None:
    require_new_branch(connection, repository, name)
    connection.execute(
        "INSERT INTO branches (repository, name, commit_id, hidden) VALUES (?, ?, ?, ?)",
        (repository.id, name, commit_id, int(hidden)),
    )


def require_deletable(connection: sqlite3.Connection, repository: Repository, name: str) -> Branch:
    if name == repository.default_branch:
        raise forbidden("cannot delete repository default branch")
    require_branch_id(name, "name")
    return branch(connection, repository, name)


def delete_branch(connection: sqlite3.Connection, repository: Repository, name: str) -> None:
    """Delete a branch and what is staged on it."""
    found = require_deletable(connection, repository, name)
    connection.execute("DELETE FROM staged WHERE branch = ?", (found.id,))
    connection.execute("DELETE FROM branches WHERE id = ?", (found.id,))


def require_new_tag(connection: sqlite3.Connection, repository: Repository, name: str) -> None:
    if find_tag(connection, repository, name) is not None:
        raise conflict("tag already exists: not unique")
    require_free_tag_name(connection, repository, name)


def create_tag(connection: sqlite3.Connection, repository: Repository, name: str, commit_id: str) -> None:
    require_new_tag(connection, repository, name)
    connection.execute("INSERT INTO tags VALUES (?, ?, ?)", (repository.id, name, commit_id))


def delete_tag(connection: sqlite3.Connection, repository: Repository, name: str) -> None:
    gone = connection.execute("DELETE FROM tags WHERE repository = ? AND name = ?", (repository.id, name))
    if gone.rowcount == 0:
        raise not_found("tag not found")


def listing(
    connection: sqlite3.Connection,
    repository: Repository,
    table: str,
    *,
    prefix: str,
    after: str,
    limit: int,
    show_hidden: bool = False,
) -> list[Ref]:
    """The refs of ``table`` (``branches`` or ``tags``) in the order of their names."""
    visible = " AND NOT hidden" if table == "branches" and not show_hidden else ""
    rows = connection.execute(
        f"SELECT name, commit_id FROM {table} WHERE repository = ? AND name > ? AND name >= ?"  # noqa: S608  fixed names
        f" AND name < ?{visible} ORDER BY name LIMIT ?",
        (repository.id, after, prefix, above(prefix), limit),
    )
    return [Ref(*row) for row in rows]
