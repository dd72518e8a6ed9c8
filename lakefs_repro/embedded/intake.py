"""Taking bytes in: hashed while they come, kept in memory while small, in a temporary file once they are not."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.store.blocks import SMALL

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from concurrent.futures import Executor
    from pathlib import Path

    from lakefs_repro.embedded.store.blocks import Blocks

_BUFFER = 1024 * 1024
_SYNC_EVERY = 64 * 1024 * 1024


@dataclass(frozen=True)
class Content:
    """Bytes that are ready to be staged: small ones at hand, large ones in the store already."""

    block: str
    checksum: str
    size: int
    data: bytes | None

    def keep(self, blocks: Blocks, connection: sqlite3.Connection) -> None:
        """Inside a write transaction: make the store know these bytes."""
        if self.data is None:
            blocks.add_settled(connection, self.block, self.size)
        else:
            blocks.add_small(connection, self.block, self.data)


def content_of(data: bytes) -> Content:
    return Content(hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest(), len(data), data)


class Intake:
    """Feed it, then ``finish`` or ``abandon``. Memory is bounded by a few megabytes, whatever the size."""

    def __init__(self, blocks: Blocks, pool: Executor) -> None:
        self._blocks = blocks
        self._pool = pool
        self._buffer = bytearray()
        self._spool: _Spool | None = None
        self._writing: asyncio.Future[Any] | None = None

    async def feed(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= _BUFFER:
            await self._hand_over()

    async def _hand_over(self) -> None:
        chunk, self._buffer = bytes(self._buffer), bytearray()
        spool = self._spool = self._spool or _Spool(self._blocks.temporary())
        await self._next(lambda: spool.write(chunk))

    async def _next(self, work: Callable[[], Any]) -> None:
        """Start ``work`` once the chunk before it is done: one is written while the next one is read."""
        if self._writing is not None:
            await self._writing
        self._writing = asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def finish(self) -> Content:
        if self._spool is None and len(self._buffer) <= SMALL:
            return content_of(bytes(self._buffer))
        if self._buffer:
            await self._hand_over()
        spool = self._spool
        if spool is None:
            return content_of(b"")
        await self._next(lambda: spool.settle(self._blocks))
        content: Content = await self._writing if self._writing else content_of(b"")
        self._writing = self._spool = None
        return content

    async def abandon(self) -> None:
        """Leave nothing behind; fine after ``finish`` too."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
            self._writing.exception()
        if self._spool is not None:
            self._spool.discard()


class _Spool:
    """A temporary file and the hashes of what went into it; used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5()
        self._size = self._synced = 0

    def write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            view = view[os.write(self._file, view) :]
        self._sha256.update(chunk)
        self._md5.update(chunk)
        self._size += len(chunk)
        if self._size - self._synced >= _SYNC_EVERY:
            os.fdatasync(self._file)
            self._synced = self._size

    def settle(self, blocks: Blocks) -> Content:
        os.fsync(self._file)
        os.close(self._file)
        self._file = -1
        block = self._sha256.hexdigest()
        blocks.settle(self._path, block)
        return Content(block, self._md5.hexdigest(), self._size, None)

    def discard(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._path.unlink(missing_ok=True)
