"""What the engine and a script's process say to each other: frames of a kind, a number and bytes."""

from __future__ import annotations

import struct
from typing import IO, NamedTuple

# The script's process says:
READY, PRINTED, CALL, DONE = b"r", b"p", b"c", b"d"
# The engine says:
SCRIPT, ANSWER = b"s", b"a"

PASSED, FAILED = 0, 1
MAX_FRAME = 256 * 1024 * 1024
_HEAD = struct.Struct(">cII")


class Frame(NamedTuple):
    """One message; what ``number`` means is the kind's affair."""

    kind: bytes
    number: int
    data: bytes


def send(stream: IO[bytes], kind: bytes, number: int, data: bytes) -> None:
    stream.write(_HEAD.pack(kind, number, len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes], limit: int = MAX_FRAME) -> Frame:
    """The next frame.

    Raises:
        EOFError: the other side is gone, or sends more than ``limit`` bytes at once.
    """
    kind, number, length = _HEAD.unpack(_exactly(stream, _HEAD.size))
    if length > limit:
        raise EOFError(f"a frame of {length} bytes")
    return Frame(kind, number, _exactly(stream, length))


def _exactly(stream: IO[bytes], length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError("the other side is gone")
    return data
