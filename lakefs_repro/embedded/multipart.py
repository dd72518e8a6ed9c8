"""multipart/form-data, read as it comes: the bytes of the one part that is wanted."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import ApiError, bad_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_MAX_HEADERS = 16 * 1024
_WANTED = "content"
_FIRST_LINE = b"\r\n"


def boundary_of(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_boundary()
    if not boundary:
        raise ApiError(500, "no multipart boundary param in Content-Type")
    return boundary.encode("latin-1")


@dataclass
class Part:
    """What the wanted part's own headers say; filled in by the time its first bytes are given."""

    content_type: str = ""
    found: bool = field(default=False)


async def content(chunks: AsyncIterator[bytes], boundary: bytes, part: Part) -> AsyncIterator[bytes]:
    """The bytes of the part named ``content``; other parts are passed over."""
    delimiter = b"\r\n--" + boundary
    buffer = bytearray(_FIRST_LINE)
    wanted = inside = False
    async for chunk in chunks:
        buffer += chunk
        while True:
            if not inside:
                headers, ended = _headers(buffer, delimiter)
                if headers is None:
                    if ended:
                        buffer.clear()
                    break
                inside, wanted = True, _is_wanted(headers, part)
            end = buffer.find(delimiter)
            kept = max(0, len(buffer) - len(delimiter)) if end < 0 else end
            if wanted and kept:
                yield bytes(buffer[:kept])
            del buffer[:kept]
            if end < 0:
                break
            inside = False
    if inside:
        raise bad_request("multipart upload: unexpected EOF")
    if not part.found:
        empty = buffer == _FIRST_LINE
        problem = (
            "multipart: NextPart: EOF" if empty else f"multipart upload missing key '{_WANTED}': http: no such file"
        )
        raise ApiError(500, problem)


def _headers(buffer: bytearray, delimiter: bytes) -> tuple[bytes | None, bool]:
    """Take a part's headers off the buffer; None while they are not complete, and whether the last part is over."""
    start = buffer.find(delimiter)
    if start < 0:
        return None, False
    after = start + len(delimiter)
    if buffer[after : after + 2] == b"--":
        return None, True
    end = buffer.find(b"\r\n\r\n", after)
    if end < 0:
        if len(buffer) - after > _MAX_HEADERS:
            raise bad_request("multipart upload: part headers are too long")
        return None, False
    headers = bytes(buffer[after:end]).strip()
    del buffer[: end + 4]
    return headers, False


def _is_wanted(raw: bytes, part: Part) -> bool:
    message = Message()
    for line in raw.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        message[name.strip()] = value.strip()
    if part.found or message.get_param("name", header="content-disposition") != _WANTED:
        return False
    part.found, part.content_type = True, message.get("content-type", "")
    return True
