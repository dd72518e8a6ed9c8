"""One object's bytes as a stream that survives broken connections and knows what it should be."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

import urllib3

from lakefs_repro.errors import IntegrityError
from lakefs_repro.lake.wire import Retry
from lakefs_repro.transfer.hashing import BLOCK

if TYPE_CHECKING:
    from typing_extensions import Buffer

_FRUITLESS: Final = 3
_WHOLE: Final = 256 << 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object and what it must be: its whole path in the repository, bytes, and SHA-256 in lower-case hex."""

    path: str
    size: int
    sha256: str


class Named(Protocol):
    """An object that is to be read: its whole path in the repository, and the bytes that it must have."""

    @property
    def path(self) -> str:
        """Its path."""

    @property
    def size(self) -> int:
        """Its bytes."""


class Opens(Protocol):
    """A road to the bytes: :class:`~lakefs_repro.lake.objects.Objects` is the one through the server."""

    def get(self, ref: str, path: str) -> bytes:
        """A whole small object."""

    def open(self, ref: str, path: str, *, start: int | None = None) -> urllib3.BaseHTTPResponse:
        """An object's content, unread, from byte ``start`` on; the caller calls ``release_conn``."""


def read_whole(objects: Opens, ref: str, wanted: Named) -> bytes:
    """A small object's bytes, unverified but for their number.

    Raises:
        IntegrityError: it is gone, or not of the promised size.
    """
    data = objects.get(ref, wanted.path)
    if len(data) != wanted.size:
        raise wrong_size(wanted, ref, len(data))
    return data


def blocks_of(objects: Opens, ref: str, wanted: Named, retry: Retry, start: int = 0) -> Iterator[bytes]:
    """The bytes of an object from ``start`` on, in blocks of at most 1 MiB, exactly as many as promised.

    A connection that breaks is taken up again by a ranged GET. lakeFS shows an object whose bytes were cut off in the
    store in the same way; so when the server answers but gives nothing more, time and again, that is what it was.

    Raises:
        IntegrityError: the object is gone, truncated, or not of the promised size.
        UnavailableError: the server can't be reached.
    """
    offset, fruitless = start, 0
    while offset < wanted.size:
        response = objects.open(ref, wanted.path, start=offset)
        found = _total(response, offset)
        if found is not None and found != wanted.size:
            response.close()
            raise wrong_size(wanted, ref, found)
        before = offset
        try:
            while offset < wanted.size and (block := response.read(BLOCK, decode_content=False)):
                offset += len(block)
                yield block
        except urllib3.exceptions.HTTPError:
            pass  # what came is good; how much that was decides below
        finally:
            if offset < wanted.size:
                response.close()
            response.release_conn()
        fruitless = 0 if offset > before else fruitless + 1
        if fruitless == _FRUITLESS:
            raise truncated(wanted, ref, offset)
        if offset < wanted.size:
            retry.wait(fruitless, None)


def open_verified(objects: Opens, ref: str, wanted: Wanted, retry: Retry) -> BinaryIO:
    """An object to read; :class:`IntegrityError` comes from ``read`` or ``close`` when it is not what was promised."""
    if wanted.size <= _WHOLE:
        data = read_whole(objects, ref, wanted)
        check_hash(wanted, ref, hashlib.sha256(data).hexdigest())
        return io.BytesIO(data)
    return io.BufferedReader(_Verified(objects, ref, wanted, retry), BLOCK)


class _Verified(io.RawIOBase):
    """Hashes what passes through; the last bytes are given out only when all of them were right."""

    def __init__(self, objects: Opens, ref: str, wanted: Wanted, retry: Retry) -> None:
        super().__init__()
        self._wanted = wanted
        self._ref = ref
        self._blocks = blocks_of(objects, ref, wanted, retry)
        self._sha256 = hashlib.sha256()
        self._left = wanted.size
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        if not self._rest and self._left:
            block = next(self._blocks)
            self._sha256.update(block)
            self._left -= len(block)
            if not self._left:
                check_hash(self._wanted, self._ref, self._sha256.hexdigest())
            self._rest = memoryview(block)
        into = memoryview(buffer).cast("B")
        count = min(len(into), len(self._rest))
        into[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        if not self.closed and hasattr(self._blocks, "close"):
            self._blocks.close()
        super().close()


def check_hash(wanted: Wanted, ref: str, found: str) -> None:
    """Refuse other bytes than the promised ones."""
    if found != wanted.sha256:
        raise IntegrityError(
            f"{wanted.path} at {ref[:12]} has the SHA-256 {found[:12]}…, not {wanted.sha256[:12]}…: "
            "its bytes are not those that were ingested.",
            hint="`lakefs-repro verify --deep` lists everything that is damaged; restore the store from a backup, "
            "or use another version",
            kind="hash-mismatch",
        )


def truncated(wanted: Named, ref: str, offset: int) -> IntegrityError:
    """The server promises more bytes than its store has."""
    return IntegrityError(
        f"{wanted.path} at {ref[:12]} ends after {offset} of {wanted.size} bytes.",
        hint="its object in the store was cut off; restore the store from a backup, or use another version",
        kind="truncated",
    )


def wrong_size(wanted: Named, ref: str, found: int) -> IntegrityError:
    """The object is another one."""
    return IntegrityError(
        f"{wanted.path} at {ref[:12]} has {found} bytes, not {wanted.size}.",
        hint="`lakefs-repro verify` lists everything that is damaged",
        kind="size-mismatch",
    )


def _total(response: urllib3.BaseHTTPResponse, offset: int) -> int | None:
    """The whole object's size as the answer's head tells it, or ``None``."""
    total = response.headers.get("Content-Range", "").rpartition("/")[2]
    if total.isdigit():
        return int(total)
    length = response.headers.get("Content-Length", "")
    return offset + int(length) if length.isdigit() else None
