"""Frames of the bulk road: the header's length (4 bytes, big endian), the header (JSON), the announced bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.call import loads
from lakefs_repro.embedded.errors import bad_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LENGTH = 4
_MAX_HEADER = 64 * 1024
_COMPACT_AT = 1024 * 1024


class FrameReader:
    """Reads frames off a stream of chunks; raises 400 where they end in the middle."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()
        self._start = 0

    async def header(self) -> dict[str, Any] | None:
        """The next frame's header; None at the end of the stream."""
        if not await self._have(1):
            return None
        length = int.from_bytes(await self.body(_LENGTH), "big")
        if length > _MAX_HEADER:
            raise bad_request(f"bulk frame: a header of {length} bytes is too long")
        try:
            header = loads(await self.body(length))
        except (ValueError, RecursionError):
            raise bad_request("bulk frame: the header is not JSON") from None
        if not isinstance(header, dict):
            raise bad_request("bulk frame: the header is not an object")
        return header

    async def body(self, size: int) -> bytes:
        """The next ``size`` bytes at once."""
        if not await self._have(size):
            raise bad_request("bulk frame: the stream ends in the middle of a frame")
        taken = bytes(memoryview(self._buffer)[self._start : self._start + size])
        self._start += size
        return taken

    async def stream(self, size: int) -> AsyncIterator[bytes]:
        """The next ``size`` bytes as they come."""
        left = size
        while left:
            if not await self._have(1):
                raise bad_request("bulk frame: the stream ends in the middle of a frame")
            piece = await self.body(min(left, len(self._buffer) - self._start))
            left -= len(piece)
            yield piece

    async def _have(self, count: int) -> bool:
        while len(self._buffer) - self._start < count:
            if self._start > _COMPACT_AT or self._start == len(self._buffer):
                del self._buffer[: self._start]
                self._start = 0
            chunk = await anext(self._chunks, b"")
            if not chunk:
                return False
            self._buffer += chunk
        return True


def frame_header(header: dict[str, Any]) -> bytes:
    """The first bytes of a frame, up to its body."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return len(text).to_bytes(_LENGTH, "big") + text
