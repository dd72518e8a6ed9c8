"""Files that are not on this machine, as streams and as files of a DuckDB connection.

DuckDB takes file systems of fsspec. The one here serves the numbered names of one session and nothing else: it
can't be written to, and knows no other name, whatever is asked of it.
"""

from __future__ import annotations

import datetime as dt
import io
import threading
from typing import TYPE_CHECKING, Any, Final

from lakefs_repro.errors import LakefsReproError
from lakefs_repro.tables import lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Buffer

    from lakefs_repro.ports import Ranged

PROTOCOL: Final = "ranged"
_LONG_AGO: Final = dt.datetime(2000, 1, 1, tzinfo=dt.timezone.utc)


class RangedStream(io.RawIOBase):
    """A seekable stream over bytes elsewhere; for one thread."""

    def __init__(self, remote: Ranged) -> None:
        super().__init__()
        self._remote = remote
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._remote.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        into = memoryview(buffer).cast("B")
        length = min(len(into), max(0, self._remote.size - self._position))
        if length:
            into[:length] = self._remote.read(self._position, length)
        self._position += length
        return length


class Failures:
    """The first error that a remote file gave: DuckDB keeps only its text."""

    def __init__(self) -> None:
        self.first: LakefsReproError | None = None

    def note(self, error: LakefsReproError) -> None:
        """Keep ``error`` if it is the first."""
        if self.first is None:
            self.first = error


class SharedHandle:
    """What DuckDB has for one open file, and reads from with several threads at once.

    A read at a place comes as ``seek`` and ``read`` of one thread, between which other threads may do the same; a
    read that goes on from the last one comes as ``read`` alone, from whichever thread. So a place that was sought
    belongs to the thread that sought it, until something is read without seeking.
    """

    def __init__(self, path: str, remote: Ranged, failures: Failures) -> None:
        self.path = path
        self._remote = remote
        self._failures = failures
        self._lock = threading.Lock()
        self._position = 0
        self._sought: dict[int, int] = {}

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with self._lock:
            base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._remote.size}[whence]
            self._position = self._sought[threading.get_ident()] = base + offset
            return base + offset

    def tell(self) -> int:
        with self._lock:
            return self._sought.get(threading.get_ident(), self._position)

    def read(self, length: int = -1) -> bytes:
        with self._lock:
            start = self._sought.pop(threading.get_ident(), None)
            if start is None:
                start = self._position
                self._sought.clear()
            left = max(0, self._remote.size - start)
            length = left if length < 0 else min(length, left)
            self._position = start + length
        try:
            return self._remote.read(start, length) if length else b""
        except LakefsReproError as error:
            self._failures.note(error)
            raise

    def close(self) -> None:
        """Nothing is open."""


def filesystem(files: Mapping[str, Ranged], failures: Failures) -> Any:
    """A file system of fsspec with exactly ``files``, by their names with the protocol, to be read only."""

    class _OnlyThese(lazy.fsspec().AbstractFileSystem):  # type: ignore[misc]
        protocol = PROTOCOL
        cachable = False

        def open(self, path: str, mode: str = "rb", **_: object) -> SharedHandle:
            if mode != "rb":
                raise PermissionError(path)
            return SharedHandle(path, self._file(path), failures)

        def info(self, path: str, **_: object) -> dict[str, Any]:
            return {"name": path, "size": self._file(path).size, "type": "file"}

        def exists(self, path: str, **_: object) -> bool:
            return path in files

        def glob(self, path: str, **_: object) -> list[str]:
            return [path] if path in files else []

        def modified(self, path: str) -> dt.datetime:
            self._file(path)
            return _LONG_AGO

        @staticmethod
        def _file(path: str) -> Ranged:
            if path not in files:
                raise FileNotFoundError(path)
            return files[path]

    return _OnlyThese()
