"""Packs: append-only files that hold small blocks one after the other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import TruncatedError, gone
from lakefs_repro.embedded.store.folders import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

_ROLL_OVER = 256 * 1024 * 1024


class Packs:
    """Written by the writer's thread alone; read by any.

    ``append`` only remembers; ``persist`` brings everything remembered to disk with one fsync, and until the
    transaction that names the places has committed, nobody asks for them. What a crash leaves behind the last
    named byte is cut off by ``open_at``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._end = 0
        self._durable_end = 0
        self._waiting: list[bytes] = []
        self._file: int | None = None
        self._readers: dict[int, int] = {}

    def open_at(self, number: int, end: int) -> None:
        """Go on in pack ``number`` behind byte ``end``."""
        file = os.open(self.path(number), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(file).st_size > end:
                os.ftruncate(file, end)
            sync_folder(self._folder)
        except OSError:
            os.close(file)
            raise
        if self._file is not None:
            os.close(self._file)
        self._file = file
        self._number, self._end, self._durable_end = number, end, end

    def path(self, number: int) -> Path:
        return self._folder / f"{number:08d}.pack"

    def append(self, data: bytes) -> tuple[int, int]:
        """Remember ``data``; returns the pack and the byte where it will be."""
        if (self._end and self._end + len(data) > _ROLL_OVER) or (not self._waiting and self._was_deleted()):
            self._roll_over()
        place = self._number, self._end
        self._waiting.append(data)
        self._end += len(data)
        return place

    def _was_deleted(self) -> bool:
        """Whether somebody removed the pack under our hands: what is written to it now would be lost."""
        return self._file is not None and os.fstat(self._file).st_nlink == 0

    def _roll_over(self) -> None:
        self.persist()
        self.open_at(self._number + 1, 0)

    def persist(self) -> None:
        if not self._waiting or self._file is None:
            return
        position, view = self._durable_end, memoryview(b"".join(self._waiting))
        while view:
            written = os.pwrite(self._file, view, position)
            position, view = position + written, view[written:]
        os.fdatasync(self._file)
        self._waiting = []
        self._durable_end = position

    def discard(self) -> None:
        """Forget what was remembered since the last ``persist``."""
        self._waiting = []
        self._end = self._durable_end

    def is_waiting(self, number: int, start: int) -> bool:
        return number == self._number and start >= self._durable_end

    def read(self, number: int, start: int, length: int) -> bytes:
        """Exactly ``length`` bytes, or the error that a damaged store answers."""
        handle = self._reader(number)
        data = os.pread(handle, length, start)
        if len(data) != length:
            raise TruncatedError(f"pack {number} ends before byte {start + length}")
        return data

    def _reader(self, number: int) -> int:
        handle = self._readers.get(number)
        if handle is None or os.fstat(handle).st_nlink == 0:
            try:
                handle = os.open(self.path(number), os.O_RDONLY)
            except FileNotFoundError:
                raise gone() from None
            self._readers[number] = handle
        return handle

    def close(self) -> None:
        for handle in (*self._readers.values(), self._file):
            if handle is not None:
                os.close(handle)
        self._readers, self._file = {}, None
