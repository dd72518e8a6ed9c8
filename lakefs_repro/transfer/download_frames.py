"""The embedded engine's bulk road for reading: many small objects in one answer.

Each is a frame: the header's length in 4 bytes, big-endian; the header as JSON, ``{"path", "size", "checksum"}`` or
``{"path", "status", "message"}``; and, when it has a size, that many bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import urllib3

from lakefs_repro.errors import LakefsReproError, UnavailableError
from lakefs_repro.lake.objects import Objects
from lakefs_repro.lake.wire_errors import error_for
from lakefs_repro.transfer.download_stream import Wanted, wrong_size

_LONGEST_HEADER: Final = 64 << 10


class _CutOffError(Exception):
    """The answer ended inside a frame."""


def read_frames(
    objects: Objects, ref: str, group: Sequence[Wanted]
) -> Iterator[tuple[Wanted, bytes | LakefsReproError]]:
    """The objects of ``group`` as they come: their bytes, with the right size but not yet hashed, or what is wrong.

    Ends early, without a word, when the connection breaks: whoever asks for what is missing finds out why.
    """
    pending = {wanted.path: wanted for wanted in group}
    response = objects.get_frames(ref, [wanted.path for wanted in group])
    try:
        while pending:
            header = _header(response)
            wanted = pending.pop(str(header.get("path")), None)
            if wanted is None:
                raise _nonsense(f"an object that was not asked for: {header.get('path')!r}")
            yield wanted, _content(response, header, wanted, ref)
    except (_CutOffError, urllib3.exceptions.HTTPError):
        response.close()
    finally:
        if pending:
            response.close()
        response.release_conn()


def _header(response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    length = int.from_bytes(_exactly(response, 4), "big")
    if length > _LONGEST_HEADER:
        raise _nonsense(f"a header of {length} bytes")
    try:
        header = json.loads(_exactly(response, length))
    except ValueError as error:
        raise _nonsense("a header that is not JSON") from error
    if not isinstance(header, dict):
        raise _nonsense("a header that is not an object")
    return header


def _content(
    response: urllib3.BaseHTTPResponse, header: dict[str, Any], wanted: Wanted, ref: str
) -> bytes | LakefsReproError:
    size = header.get("size")
    if not isinstance(size, int):
        status = header.get("status")
        said = json.dumps({"message": str(header.get("message") or "")}).encode()
        return error_for(status if isinstance(status, int) else 500, said, f"read {wanted.path} at {ref}")
    data = _exactly(response, size)
    return data if size == wanted.size else wrong_size(wanted, ref, size)


def _exactly(response: urllib3.BaseHTTPResponse, count: int) -> bytes:
    parts = []
    while count:
        part = response.read(count, decode_content=False)
        if not part:
            raise _CutOffError
        parts.append(part)
        count -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _nonsense(what: str) -> UnavailableError:
    return UnavailableError(
        f"The server's bulk answer holds {what}.",
        hint="client and engine may be of different releases; `lakefs-repro doctor` shows both",
        kind="not-lakefs",
    )
