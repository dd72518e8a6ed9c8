"""The metadata database: one SQLite file in WAL mode, one writing connection, a reading one per thread."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakefs_repro.embedded.store.formats import FORMAT_VERSION, STEPS
from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAX_IDLE_LOG = 64 * 1024 * 1024


class Database:
    """Opens (and at first creates) ``path``; refuses a format that is newer than this program."""

    def __init__(self, path: Path, *, now: int) -> None:
        self._path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        try:
            self.writer = self._connect()
            self.writer.execute("PRAGMA synchronous = FULL")
            self.writer.execute("PRAGMA wal_autocheckpoint = 4000")
            self.writer.execute(f"PRAGMA journal_size_limit = {_MAX_IDLE_LOG}")
            self._prepare(now)
        except BaseException:
            self.close()  # which undoes what a step has done so far
            raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=256)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA cache_size = -4096")
        with self._guard:
            self._opened.append(connection)
        return connection

    def _prepare(self, now: int) -> None:
        version = self.writer.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT_VERSION:
            raise InvalidError(
                f"{self._path} has on-disk format {version}, and this program knows formats up to {FORMAT_VERSION}.",
                hint="upgrade lakefs-repro, or choose another folder",
                kind="engine-format-newer",
            )
        for number, step in enumerate(STEPS[version:], version + 1):
            self.writer.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number};")
            if number == 1:
                self.writer.executemany(
                    "INSERT INTO settings VALUES (?, ?)",
                    [("root_id", secrets.token_hex(16)), ("created", str(now))],
                )
            self.writer.execute("COMMIT")
        self.writer.execute("INSERT OR IGNORE INTO settings VALUES ('signing_key', ?)", (secrets.token_hex(32),))

    def reader(self) -> sqlite3.Connection:
        """This thread's reading connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only = 1")
            connection.execute("PRAGMA cache_size = -1024")
            self._local.connection = connection
        return connection

    def release(self) -> None:
        """Close this thread's reading connection: for threads that end while the engine goes on."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None or connection is self.writer:
            return
        del self._local.connection
        with self._guard:
            if connection in self._opened:
                self._opened.remove(connection)
                connection.close()

    def write_here(self) -> None:
        """Let this thread read by the writing connection: it sees what it has written and not yet committed."""
        self._local.connection = self.writer

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """This thread's reading connection, seeing one moment for as long as the block lasts."""
        connection = self.reader()
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    def setting(self, name: str) -> str:
        row = self.reader().execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        value: str = row[0]
        return value

    def close(self) -> None:
        with self._guard:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
