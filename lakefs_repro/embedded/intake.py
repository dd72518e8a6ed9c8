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
_SYNC_EVERY = 32 * 1024 * 1024


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
        self._working: list[asyncio.Future[Any]] = []
        self._syncing: asyncio.Future[Any] | None = None

    async def feed(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= _BUFFER:
            await self._hand_over()

    async def _hand_over(self) -> None:
        """Let threads write and hash the buffer while the next one fills; the one before must be done."""
        chunk, self._buffer = self._buffer, bytearray()
        spool = self._spool = self._spool or _Spool(self._blocks.temporary())
        await self._settled()
        self._working = [self._start(spool.write, chunk), self._start(spool.digest, chunk)]
        if spool.wants_sync() and (self._syncing is None or self._syncing.done()):
            self._syncing = self._start(spool.sync)

    def _start(self, work: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    async def _settled(self) -> None:
        working, self._working = self._working, []
        for future in working:
            await future

    async def finish(self) -> Content:
        if self._spool is None and len(self._buffer) <= SMALL:
            return content_of(bytes(self._buffer))
        if self._buffer:
            await self._hand_over()
        await self._settled()
        if self._syncing is not None:
            await self._syncing
        spool = self._spool
        if spool is None:
            return content_of(b"")
        content: Content = await self._start(spool.settle, self._blocks)
        self._spool = None
        return content

    async def abandon(self) -> None:
        """Leave nothing behind; fine after ``finish`` too."""
        pending = [future for future in (*self._working, self._syncing) if future is not None]
        await asyncio.gather(*pending, return_exceptions=True)
        if self._spool is not None:
            self._spool.discard()


class _Spool:
    """A temporary file and the hashes of what went into it; one thread writes while another digests."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5()
        self._size = self._synced = 0

    def write(self, chunk: bytearray) -> None:
        with memoryview(chunk) as view:
            done = 0
            while done < len(view):
                done += os.write(self._file, view[done:])
        self._sha256.update(chunk)
        self._size += len(chunk)

    def digest(self, chunk: bytearray) -> None:
        self._md5.update(chunk)

    def wants_sync(self) -> bool:
        return self._size - self._synced >= _SYNC_EVERY

    def sync(self) -> None:
        """Bring to disk what is written so far, so that little is left to wait for at the end."""
        self._synced = self._size
        os.fdatasync(self._file)

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
