"""Commits: immutable, named by the hash of what they say."""

# ruff: noqa: S608  the statements are put together from constants

from __future__ import annotations

import hashlib
import json
import math
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.store.order import above

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from lakefs_repro.embedded.store.repositories import Repository

_COLUMNS = "id, parents, committer, message, creation_date, metarange, metadata, generation, nanoseconds"


@dataclass(frozen=True)
class Commit:
    id: str
    parents: tuple[str, ...]
    committer: str
    message: str
    creation_date: int
    metarange_id: str
    metadata: Mapping[str, str]
    generation: int
    nanoseconds: int = 0  # within the second: orders the log, and is not shown


def make(
    repository: Repository,
    parents: tuple[Commit, ...],
    *,
    committer: str,
    message: str,
    creation_date: float,
    metarange_id: str,
    metadata: Mapping[str, str],
) -> Commit:
    """A commit with a new id: two commits that say the same in the same second are still two."""
    second = math.floor(creation_date)
    nanoseconds = int((creation_date - second) * 1_000_000_000)
    generation = 1 + max((parent.generation for parent in parents), default=0)
    parent_ids = tuple(parent.id for parent in parents)
    said = [
        secrets.token_hex(16),
        repository.namespace,
        parent_ids,
        committer,
        message,
        second,
        nanoseconds,
        metarange_id,
        dict(metadata),
    ]
    text = json.dumps(said, separators=(",", ":"), sort_keys=True).encode()
    identifier = hashlib.sha256(b"lakefs-repro commit 1\0" + text).hexdigest()
    return Commit(identifier, parent_ids, committer, message, second, metarange_id, metadata, generation, nanoseconds)


def _of(row: tuple[Any, ...]) -> Commit:
    return Commit(row[0], tuple(json.loads(row[1])), row[2], row[3], row[4], row[5], json.loads(row[6]), *row[7:])


def insert(connection: sqlite3.Connection, repository: Repository, commit: Commit) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO commits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            repository.id,
            commit.id,
            json.dumps(commit.parents),
            commit.committer,
            commit.message,
            commit.creation_date,
            commit.metarange_id,
            json.dumps(dict(commit.metadata), sort_keys=True),
            commit.generation,
            commit.nanoseconds,
        ),
    )


def find(connection: sqlite3.Connection, repository: Repository, commit_id: str) -> Commit | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM commits WHERE repository = ? AND id = ?", (repository.id, commit_id)
    ).fetchone()
    return None if row is None else _of(row)


def find_by_prefix(connection: sqlite3.Connection, repository: Repository, prefix: str) -> Commit | None:
    """The one commit whose id begins so; None when there is none, or more than one."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM commits WHERE repository = ? AND id >= ? AND id < ? LIMIT 2",
        (repository.id, prefix, above(prefix)),
    ).fetchall()
    return _of(rows[0]) if len(rows) == 1 else None
