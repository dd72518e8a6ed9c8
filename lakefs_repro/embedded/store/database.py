"""The metadata database: one SQLite file in WAL mode, one writing connection, a reading one per thread."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT_VERSION = 1
_MAX_IDLE_LOG = 64 * 1024 * 1024

_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE namespaces (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE repositories (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, namespace TEXT NOT NULL,
    default_branch TEXT NOT NULL, creation_date INTEGER NOT NULL, read_only INTEGER NOT NULL,
    metadata TEXT NOT NULL DEFAULT '{}', protection TEXT NOT NULL DEFAULT '[]', gc_rules TEXT
);
CREATE TABLE branches (
    id INTEGER PRIMARY KEY AUTOINCREMENT, repository INTEGER NOT NULL, name TEXT NOT NULL,
    commit_id TEXT NOT NULL, hidden INTEGER NOT NULL, UNIQUE (repository, name)
);
CREATE TABLE tags (
    repository INTEGER NOT NULL, name TEXT NOT NULL, commit_id TEXT NOT NULL, PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE TABLE commits (
    repository INTEGER NOT NULL, id TEXT NOT NULL, parents TEXT NOT NULL, committer TEXT NOT NULL,
    message TEXT NOT NULL, creation_date INTEGER NOT NULL, metarange TEXT NOT NULL, metadata TEXT NOT NULL,
    generation INTEGER NOT NULL, PRIMARY KEY (repository, id)
) WITHOUT ROWID;
CREATE TABLE staged (
    branch INTEGER NOT NULL, path TEXT NOT NULL, sequence INTEGER NOT NULL, checksum TEXT, size INTEGER,
    mtime INTEGER, address TEXT, content_type TEXT, metadata TEXT, PRIMARY KEY (branch, path)
) WITHOUT ROWID;
CREATE TABLE blocks (id BLOB PRIMARY KEY, size INTEGER NOT NULL, pack INTEGER, start INTEGER) WITHOUT ROWID;
CREATE TABLE ranges (id TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE metaranges (id TEXT PRIMARY KEY, data BLOB NOT NULL);
"""


class Database:
    """Opens (and at first creates) ``path``; refuses a format that is newer than this program."""

    def __init__(self, path: Path, *, now: int) -> None:
        self._path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self.writer = self._connect()
        self.writer.execute("PRAGMA synchronous = FULL")
        self.writer.execute("PRAGMA wal_autocheckpoint = 4000")
        self.writer.execute(f"PRAGMA journal_size_limit = {_MAX_IDLE_LOG}")
        self._prepare(now)

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
        if version == 0:
            self.writer.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {FORMAT_VERSION};")
            self.writer.executemany(
                "INSERT INTO settings VALUES (?, ?)",
                [("root_id", secrets.token_hex(16)), ("created", str(now))],
            )
            self.writer.execute("COMMIT")

    def reader(self) -> sqlite3.Connection:
        """This thread's reading connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only = 1")
            connection.execute("PRAGMA cache_size = -1024")
            self._local.connection = connection
        return connection

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
