"""What is staged on a branch and not yet committed: entries, and tombstones where something was deleted."""

# ruff: noqa: S608  the statements are put together from constants

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.store.entry import Entry
from lakefs_repro.embedded.store.order import above

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_COLUMNS = "path, checksum, size, mtime, address, content_type, metadata"
_UPSERT = "INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Staging:
    """The staged rows. Each write gets a rising sequence number, so that a commit removes just what it has seen."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        last = connection.execute("SELECT MAX(sequence) FROM staged").fetchone()[0]
        self._sequence = itertools.count((last or 0) + 1)

    def put(self, connection: sqlite3.Connection, branch: int, entry: Entry) -> None:
        metadata = json.dumps(dict(entry.metadata), sort_keys=True) if entry.metadata else None
        row = (branch, entry.path, next(self._sequence), *entry[1:6], metadata)
        connection.execute(_UPSERT, row)

    def remove(self, connection: sqlite3.Connection, branch: int, path: str) -> None:
        """Put a tombstone over ``path``."""
        connection.execute(_UPSERT, (branch, path, next(self._sequence), *[None] * 6))


def find(connection: sqlite3.Connection, branch: int, path: str) -> tuple[bool, Entry | None]:
    """Whether anything is staged at ``path``, and the entry unless it is a tombstone."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM staged WHERE branch = ? AND path = ?", (branch, path)).fetchone()
    return (False, None) if row is None else (True, _entry(row))


def edits(
    connection: sqlite3.Connection, branch: int, start: str = "", prefix: str = ""
) -> Iterator[tuple[str, Entry | None]]:
    """What is staged from ``start`` on under ``prefix``, in order; None is a tombstone."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM staged WHERE branch = ? AND path >= ? AND path < ? ORDER BY path",
        (branch, max(start, prefix), above(prefix)),
    )
    for row in rows:
        yield row[0], _entry(row)


def last_sequence(connection: sqlite3.Connection, branch: int) -> int:
    """The number of the newest write; 0 when nothing is staged."""
    row = connection.execute("SELECT MAX(sequence) FROM staged WHERE branch = ?", (branch,)).fetchone()
    return row[0] or 0


def clear(connection: sqlite3.Connection, branch: int, *, up_to: int | None = None) -> None:
    """Forget what is staged; with ``up_to`` only the writes up to that sequence number."""
    if up_to is None:
        connection.execute("DELETE FROM staged WHERE branch = ?", (branch,))
    else:
        connection.execute("DELETE FROM staged WHERE branch = ? AND sequence <= ?", (branch, up_to))


def reset_path(connection: sqlite3.Connection, branch: int, path: str) -> None:
    connection.execute("DELETE FROM staged WHERE branch = ? AND path = ?", (branch, path))


def reset_prefix(connection: sqlite3.Connection, branch: int, prefix: str) -> None:
    connection.execute(
        "DELETE FROM staged WHERE branch = ? AND path >= ? AND path < ?", (branch, prefix, above(prefix))
    )


def _entry(row: tuple[Any, ...]) -> Entry | None:
    if row[4] is None:
        return None
    metadata = json.loads(row[6]) if row[6] else None
    return Entry(row[0], row[1], row[2], row[3], row[4], row[5], metadata)
