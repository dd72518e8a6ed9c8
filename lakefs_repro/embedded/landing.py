"""A stream into a file of its own: hashed while it comes, on disk before it gets its name. Memory stays bounded."""

from __future__ import annotations

import asyncio
import hashlib
import os
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.store.folders import sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from pathlib import Path

_BUFFER = 1024 * 1024
_SYNC_EVERY = 32 * 1024 * 1024


class Landing:
    """Feed it, then ``settle``, give the file ``temporary`` its name, and ``abandon`` in any case."""

    def __init__(self, temporary: Path, pool: Executor) -> None:
        self.temporary = temporary
        self._pool = pool
        self._file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._buffer = bytearray()
        self._md5 = hashlib.md5()
        self._working: asyncio.Future[None] | None = None
        self._syncing: asyncio.Future[None] | None = None
        self._unsynced = 0

    async def feed(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) >= _BUFFER:
            await self._hand_over()

    async def _hand_over(self) -> None:
        """Let a thread write and hash the buffer while the next one fills; the one before must be done."""
        chunk, self._buffer = self._buffer, bytearray()
        if self._working is not None:
            await self._working
        self._working = self._start(self._write, chunk)
        self._unsynced += len(chunk)
        if self._unsynced >= _SYNC_EVERY and (self._syncing is None or self._syncing.done()):
            self._syncing, self._unsynced = self._start(os.fdatasync, self._file), 0

    async def settle(self) -> bytes:
        """Bring everything to disk; the MD5 of it."""
        await self._hand_over()
        for pending in (self._working, self._syncing):
            if pending is not None:
                await pending
        await self._start(os.fsync, self._file)
        return self._md5.digest()

    def _start(self, work: Callable[..., None], *arguments: Any) -> asyncio.Future[None]:
        return asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    def _write(self, chunk: bytearray) -> None:
        with memoryview(chunk) as view:
            done = 0
            while done < len(view):
                done += os.write(self._file, view[done:])
        self._md5.update(chunk)

    async def abandon(self) -> None:
        """Leave nothing behind; fine after the file was renamed too."""
        pending = [future for future in (self._working, self._syncing) if future is not None]
        await asyncio.gather(*pending, return_exceptions=True)
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self.temporary.unlink(missing_ok=True)


def publish(temporary: Path, target: Path, *, only_new: bool = False) -> None:
    """Give a complete, synced file its name, durably.

    Raises:
        FileExistsError: with ``only_new``, when the name is taken.
    """
    if only_new:
        os.link(temporary, target)
        temporary.unlink()
    else:
        temporary.rename(target)
    sync_folder(target.parent)
