"""Repositories and their settings."""

# ruff: noqa: S608  the statements are put together from constants

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.errors import bad_request, conflict, forbidden, not_found
from lakefs_repro.embedded.store.order import above

if TYPE_CHECKING:
    import sqlite3

_NAMESPACE = re.compile(r"^local://")
_COLUMNS = "id, name, namespace, default_branch, creation_date, read_only"


@dataclass(frozen=True)
class Repository:
    id: int
    name: str
    namespace: str
    default_branch: str
    creation_date: int
    read_only: bool

    def require_writable(self) -> None:
        if self.read_only:
            raise forbidden("read-only repository")

    def physical(self, block: str) -> str:
        """The physical address of a block, as this repository's objects show it."""
        return f"{self.namespace}/data/{block}"


def _of(row: tuple[Any, ...]) -> Repository:
    return Repository(row[0], row[1], row[2].rstrip("/"), row[3], row[4], bool(row[5]))


def find(connection: sqlite3.Connection, name: str) -> Repository:
    row = connection.execute(f"SELECT {_COLUMNS} FROM repositories WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise not_found("repository not found")
    return _of(row)


def exists(connection: sqlite3.Connection, repository: Repository) -> bool:
    """Whether it was not deleted meanwhile: what then comes late must leave nothing behind."""
    return connection.execute("SELECT 1 FROM repositories WHERE id = ?", (repository.id,)).fetchone() is not None


def listing(connection: sqlite3.Connection, *, prefix: str, after: str, search: str, limit: int) -> list[Repository]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM repositories WHERE name > ? AND name >= ? AND name < ?"
        " AND instr(name, ?) > 0 ORDER BY name LIMIT ?",
        (after, prefix, above(prefix), search, limit),
    )
    return [_of(row) for row in rows]


def create(
    connection: sqlite3.Connection,
    name: str,
    *,
    namespace: str,
    default_branch: str,
    read_only: bool,
    now: int,
    storage_id: str = "",
) -> Repository:
    if connection.execute("SELECT 1 FROM repositories WHERE name = ?", (name,)).fetchone():
        raise conflict("error creating repository: not unique")
    if storage_id:  # there is one store, and it has no name
        raise bad_request("storage id: invalid value: validation error")
    if not _NAMESPACE.match(namespace):
        raise bad_request("failed to match required regex ^local://: invalid namespace")
    used = connection.execute("INSERT OR IGNORE INTO namespaces VALUES (?)", (namespace.rstrip("/"),))
    if used.rowcount == 0:
        raise bad_request(
            f"failed to create repository: found lakeFS objects in the storage (:{namespace}) key(_lakefs/dummy): "
            "storage namespace already in use"
        )
    connection.execute(
        "INSERT INTO repositories (name, namespace, default_branch, creation_date, read_only) VALUES (?, ?, ?, ?, ?)",
        (name, namespace, default_branch, now, int(read_only)),
    )
    return find(connection, name)


def delete(connection: sqlite3.Connection, repository: Repository) -> None:
    """Forget a repository. Its namespace stays used and its blocks stay, as in lakeFS."""
    key = (repository.id,)
    connection.execute("DELETE FROM staged WHERE branch IN (SELECT id FROM branches WHERE repository = ?)", key)
    for table in ("branches", "tags", "commits", "runs", "hook_runs", "tasks", "imports", "pulls"):
        connection.execute(f"DELETE FROM {table} WHERE repository = ?", key)
    connection.execute("DELETE FROM repositories WHERE id = ?", key)


def setting(connection: sqlite3.Connection, repository: Repository, column: str) -> Any:
    """The decoded value of ``metadata``, ``protection`` or ``gc_rules``; None when never set."""
    row = connection.execute(
        f"SELECT {column} FROM repositories WHERE id = ?",
        (repository.id,),
    ).fetchone()
    return None if row is None or row[0] is None else json.loads(row[0])


def save_setting(connection: sqlite3.Connection, repository: Repository, column: str, value: object) -> None:
    text = None if value is None else json.dumps(value, sort_keys=True)
    connection.execute(
        f"UPDATE repositories SET {column} = ? WHERE id = ?",
        (text, repository.id),
    )
