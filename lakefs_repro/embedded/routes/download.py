"""Reading objects: whole, in parts, or their headers alone."""

from __future__ import annotations

import os
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING

from lakefs_repro.embedded.byteranges import ByteRange, UnsatisfiableError, parse
from lakefs_repro.embedded.errors import ApiError, TruncatedError, bad_request
from lakefs_repro.embedded.presigning import object_url
from lakefs_repro.embedded.reply import Reply, encoded, header_value
from lakefs_repro.embedded.routes.listing import entry_at, wants_url
from lakefs_repro.embedded.routes.repositories import found
from lakefs_repro.embedded.store.addresses import place_of
from lakefs_repro.embedded.store.blocks import SMALL, Place, open_checked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Headers
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.entry import Entry

_CHUNK = 1024 * 1024
_INLINE = {
    *("application/javascript", "application/json", "application/pdf", "application/xml", "audio/mpeg", "video/mp4"),
    *(f"image/{kind}" for kind in ("gif", "jpeg", "png", "svg+xml", "webp")),
    *(f"text/{kind}" for kind in ("css", "html", "markdown", "plain", "x-markdown", "xml")),
}
_UNTYPED = "application/octet-stream"


def _common_headers(entry: Entry) -> Headers:
    return [
        (b"etag", header_value(f'"{entry.checksum}"')),
        (b"last-modified", http_date(entry.mtime)),
        (b"cache-control", b"no-store, must-revalidate"),
        (b"expires", b"0"),
        (b"content-type", header_value(entry.content_type or _UNTYPED)),
    ]


def http_date(seconds: int) -> bytes:
    """An HTTP date; that of the epoch for times that no calendar has."""
    try:
        return formatdate(seconds, usegmt=True).encode()
    except (ValueError, OverflowError, OSError):
        return formatdate(0, usegmt=True).encode()


def _download_headers(entry: Entry) -> Headers:
    """With what a browser may show at once, as measured."""
    disposition = b"inline" if entry.content_type in _INLINE else b"attachment"
    return [
        *_common_headers(entry),
        (b"content-disposition", disposition),
        (b"content-security-policy", b"default-src 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"SAMEORIGIN"),
    ]


async def _get(call: Call) -> Reply:
    repository = found(call)
    call.required("path")
    presign = wants_url(call)
    wanted = _range(call)
    entry = entry_at(call, repository)
    if call.header(b"if-none-match") == f'"{entry.checksum}"':
        return Reply(304)
    if presign:
        return Reply(302, headers=[(b"location", object_url(call, entry)[0].encode())])
    return _content(call, entry, wanted)


def _content(call: Call, entry: Entry, wanted: str | None) -> Reply:
    """The bytes that are wanted, or all of them."""
    headers = _download_headers(entry)
    try:
        part = parse(wanted, entry.size) if wanted else None
    except UnsatisfiableError as error:
        return _refused(error, headers, error.content_range)
    piece = part or ByteRange(0, entry.size, entry.size)
    status = 200 if part is None else 206
    sent = headers if part is None else [*headers, (b"content-range", part.content_range.encode())]
    try:
        place = place_of(call.engine, entry)
        if piece.length <= SMALL:
            return Reply(status, read_small(call.engine, place, piece), sent)
        handle, start = open_at(place, piece)
    except TruncatedError as error:
        return Reply(status, b"", sent, stream=broken_off(error), length=piece.length)
    except ApiError as error:
        return _refused(error, headers)
    return Reply(status, b"", sent, stream=stream_file(call, handle, start, piece.length), length=piece.length)


def _range(call: Call) -> str | None:
    """The Range header; 400 for what is none at all, before the object is looked for."""
    header = call.header(b"range")
    if header == "":
        raise bad_request('parameter "Range" in header has an error: empty value is not allowed')
    if header:
        with suppress(UnsatisfiableError):
            parse(header, 1)
    return header


def _refused(error: ApiError, headers: Headers, content_range: str | None = None) -> Reply:
    """An error that comes when the object's headers are written already, which thus go with it."""
    kept = [header for header in headers if header[0] != b"content-type"]
    kept.append((b"content-type", b"application/json"))
    if content_range is not None:
        kept.append((b"content-range", content_range.encode()))
    return Reply(error.status, encoded(error.body), kept)


def read_small(engine: Engine, place: Place, piece: ByteRange) -> bytes:
    """A piece in one go: all of it, or 410 or 500."""
    if place.pack is not None and piece.start + piece.length <= place.length:
        return engine.blocks.packs.read(place.pack, place.start + piece.start, piece.length)
    handle, start = open_at(place, piece)
    try:
        data = os.pread(handle, piece.length, start)
    finally:
        os.close(handle)
    if len(data) != piece.length:
        raise TruncatedError(f"{len(data)} bytes are left and {piece.length} are needed")
    return data


def open_at(place: Place, piece: ByteRange) -> tuple[int, int]:
    """A file with the piece, surely long enough, and where in it the piece begins."""
    if place.pack is not None and piece.start + piece.length > place.length:
        raise ApiError(500, "block is shorter than its object")
    start = place.start + piece.start
    return open_checked(place.file, start + piece.length), start


async def broken_off(error: TruncatedError) -> AsyncIterator[bytes]:
    """Close the connection early: lakeFS has sent its headers by the time it finds out."""
    yield b""
    raise error


async def stream_file(call: Call, handle: int, start: int, length: int) -> AsyncIterator[bytes]:
    try:
        position, end = start, start + length
        while position < end:
            data = await call.run(os.pread, handle, min(_CHUNK, end - position), position)
            if not data:
                raise TruncatedError(f"it ends before byte {end}")
            position += len(data)
            yield data
    finally:
        os.close(handle)


async def _head(call: Call) -> Reply:
    repository = found(call)
    wanted = _range(call)
    entry = entry_at(call, repository)
    headers = [*_common_headers(entry), (b"accept-ranges", b"bytes")]
    if not wanted:
        return Reply(200, b"", headers, length=entry.size)
    try:
        part = parse(wanted, entry.size)
    except ApiError:
        return Reply(416, b"", headers)
    headers.append((b"content-range", part.content_range.encode()))
    return Reply(206, b"", headers, length=part.length)


HANDLERS: dict[str, Handler] = {"getObject": _get, "headObject": _head}
