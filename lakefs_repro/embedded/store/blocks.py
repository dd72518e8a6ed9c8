"""Blocks: content named by its SHA-256, stored once; small ones in packs, large ones as files of their own."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, NamedTuple

from lakefs_repro.embedded.errors import ApiError, TruncatedError, gone
from lakefs_repro.embedded.store.folders import DurableFolders, sync_folder
from lakefs_repro.embedded.store.packs import Packs

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from lakefs_repro.embedded.store.database import Database

SMALL = 64 * 1024


class Place(NamedTuple):
    """Where a block lies: ``length`` bytes of ``file`` from ``start`` on; ``pack`` is None for a file of its own."""

    file: Path
    start: int
    length: int
    pack: int | None


class Blocks:
    """The bytes of a root. Nothing here is verified on reading, as in lakeFS: only missing and short are noticed."""

    def __init__(self, root: Path, database: Database) -> None:
        self._folder = root / "blocks"
        self._temporary = root / "tmp"
        self._database = database
        pack_folder = root / "packs"
        for folder in (self._folder, self._temporary, pack_folder):
            folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(root)
        self._folders = DurableFolders(self._folder)
        for leftover in self._temporary.iterdir():
            leftover.unlink()
        self.packs = Packs(pack_folder)
        last = database.writer.execute(
            "SELECT pack, MAX(start + size) FROM blocks WHERE pack = (SELECT MAX(pack) FROM blocks)"
        ).fetchone()
        self.packs.open_at(last[0] or 0, last[1] or 0)

    def temporary(self) -> Path:
        """A fresh name on the blocks' own file system."""
        return self._temporary / secrets.token_hex(12)

    def path(self, block: str) -> Path:
        return self._folder / block[:2] / block

    def add_small(self, connection: sqlite3.Connection, block: str, data: bytes) -> None:
        """Inside a write transaction: keep ``data``; a damaged twin is replaced."""
        key = bytes.fromhex(block)
        row = connection.execute("SELECT size, pack, start FROM blocks WHERE id = ?", (key,)).fetchone()
        if row is not None and self._intact(block, row, data):
            return
        pack, start = self.packs.append(data)
        connection.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?)", (key, len(data), pack, start))

    def _intact(self, block: str, row: tuple[int, int | None, int], data: bytes) -> bool:
        size, pack, start = row
        if pack is not None and self.packs.is_waiting(pack, start):
            return True
        try:
            kept = self.path(block).read_bytes() if pack is None else self.packs.read(pack, start, size)
        except (OSError, ApiError):
            return False
        return kept == data

    def settle(self, temporary: Path, block: str) -> None:
        """Give a complete, already synced temporary file its name in the store, durably."""
        target = self.path(block)
        self._folders.make(target.parent)
        temporary.rename(target)
        sync_folder(target.parent)

    @staticmethod
    def add_settled(connection: sqlite3.Connection, block: str, size: int) -> None:
        """Inside a write transaction: note a block that ``settle`` put in place."""
        key = bytes.fromhex(block)
        connection.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, NULL, NULL)", (key, size))

    def place(self, block: str) -> Place:
        """Where ``block`` lies; 410 when the store does not know it."""
        row = (
            self._database.reader()
            .execute("SELECT size, pack, start FROM blocks WHERE id = ?", (bytes.fromhex(block),))
            .fetchone()
        )
        if row is None:
            raise gone()
        size, pack, start = row
        if pack is None:
            return Place(self.path(block), 0, size, None)
        return Place(self.packs.path(pack), start, size, pack)

    def knows(self, connection: sqlite3.Connection, block: str) -> bool:
        query = "SELECT 1 FROM blocks WHERE id = ?"
        return connection.execute(query, (bytes.fromhex(block),)).fetchone() is not None


def open_checked(path: Path, end: int) -> int:
    """Open ``path`` for reading; 410 when it is gone, 500 when it has fewer than ``end`` bytes."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise gone() from None
    size = os.fstat(handle).st_size
    if size < end:
        os.close(handle)
        raise TruncatedError(f"{size} bytes are left and {end} are needed")
    return handle
