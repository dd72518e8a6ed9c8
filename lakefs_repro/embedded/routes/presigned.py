"""What presigned URLs lead to: reading an object, writing one to its address, writing a part. A store's manners."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from lakefs_repro.embedded.byteranges import ByteRange, UnsatisfiableError, parse
from lakefs_repro.embedded.errors import ApiError, TruncatedError, gone
from lakefs_repro.embedded.landing import Landing, publish
from lakefs_repro.embedded.presigning import LIST_PATH, OBJECT_PATH, UPLOAD_PATH
from lakefs_repro.embedded.reply import Reply, header_value
from lakefs_repro.embedded.routes.download import broken_off, http_date, open_at, read_small, stream_file
from lakefs_repro.embedded.signing import ExpiredError, UnsignedError, WrongSignatureError
from lakefs_repro.embedded.store import addresses
from lakefs_repro.embedded.store.blocks import SMALL
from lakefs_repro.embedded.store.uploads import NoSuchUploadError, Part
from lakefs_repro.embedded.store.writer import storage_failure
from lakefs_repro.embedded.store_errors import (
    StoreError,
    access_denied,
    as_store_error,
    no_such_upload,
    precondition_failed,
    wrong_signature,
    xml_reply,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Headers

_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]+")
_MD5_BYTES = 16


async def answer(call: Call) -> Reply:
    """Whatever a presigned URL asks for; refusals are a store's."""
    try:
        return await _dispatch(call)
    except StoreError as error:
        return xml_reply(error)
    except ApiError as error:
        return xml_reply(as_store_error(error))
    except OSError as error:
        refused = storage_failure(error)
        if not isinstance(refused, ApiError):
            raise
        return xml_reply(as_store_error(refused))


async def _dispatch(call: Call) -> Reply:
    path, method = call.scope["path"], call.scope["method"]
    try:
        fields = call.engine.signer.check(method, path, call.scope["query_string"].decode("latin-1"))
    except UnsignedError:
        raise access_denied() from None
    except WrongSignatureError:
        raise wrong_signature() from None
    except ExpiredError:
        raise access_denied("Request has expired") from None
    if path == OBJECT_PATH:
        return _read(call, fields)
    if path == LIST_PATH:
        return _read_list(call, fields)
    return await (_write if path == UPLOAD_PATH else _write_part)(call, fields)


def _read_list(call: Call, fields: dict[str, str]) -> Reply:
    try:
        return Reply(200, (call.engine.garbage / fields["file"]).read_bytes(), [(b"content-type", b"text/csv")])
    except FileNotFoundError:
        raise gone() from None


def _read(call: Call, fields: dict[str, str]) -> Reply:
    etag = header_value(f'"{fields["etag"]}"')
    place = addresses.place_at(call.engine, fields["address"])
    validators: Headers = [
        (b"accept-ranges", b"bytes"),
        (b"etag", etag),
        (b"last-modified", http_date(int(fields["mtime"]))),
    ]
    wanted = call.header(b"if-match")
    if wanted not in {None, "*", etag.decode("latin-1")}:
        return xml_reply(precondition_failed(), validators)
    if call.header(b"if-none-match") in {"*", etag.decode("latin-1")}:
        return Reply(304, headers=validators)
    part = _range(call, place.length)
    headers: Headers = [
        *validators,
        (b"content-type", header_value(fields["type"])),
        (b"content-disposition", _disposition(fields["name"])),
        (b"x-content-type-options", b"nosniff"),
    ]
    if part is not None:
        headers.append((b"content-range", part.content_range.encode()))
    status, piece = (200, ByteRange(0, place.length, place.length)) if part is None else (206, part)
    try:
        if piece.length <= SMALL:
            return Reply(status, read_small(call.engine, place, piece), headers)
        handle, start = open_at(place, piece)
    except TruncatedError as error:
        return Reply(status, b"", headers, stream=broken_off(error), length=piece.length)
    return Reply(status, b"", headers, stream=stream_file(call, handle, start, piece.length), length=piece.length)


def _range(call: Call, size: int) -> ByteRange | None:
    """One range; a list of them, or what is no range at all, asks for everything, as at S3."""
    wanted = call.header(b"range")
    if not wanted or "," in wanted:
        return None
    try:
        return parse(wanted, size)
    except UnsatisfiableError:
        raise StoreError(416, "InvalidRange", "The requested range is not satisfiable") from None
    except ApiError as error:
        if error.status >= 500:  # noqa: PLR2004  the end of an empty object
            raise StoreError(416, "InvalidRange", "The requested range is not satisfiable") from None
        return None


def _disposition(name: str) -> bytes:
    if _PLAIN_NAME.fullmatch(name):
        return f"attachment; filename={name}".encode()
    return f"attachment; filename*=utf-8''{quote(name, safe='', errors='replace')}".encode()


async def _write(call: Call, fields: dict[str, str]) -> Reply:
    target = addresses.issued_file(call.engine, fields["address"])
    only_new = call.header(b"if-none-match") == "*"
    if only_new and target.exists():
        raise precondition_failed()
    await call.run(addresses.make_folder, call.engine, target.parent)

    def name(temporary: Path, _: str) -> None:
        publish(temporary, target, only_new=only_new)

    try:
        return await _take(call, name)
    except FileExistsError:
        raise precondition_failed() from None


async def _write_part(call: Call, fields: dict[str, str]) -> Reply:
    uploads, upload = call.engine.uploads, fields["upload"]

    def keep(temporary: Path, etag: str) -> None:
        uploads.keep(upload, Part(int(fields["part"]), etag), temporary)

    try:
        uploads.require(upload)
        return await _take(call, keep)
    except NoSuchUploadError:
        raise no_such_upload() from None


async def _take(call: Call, name: Callable[[Path, str], None]) -> Reply:
    """Take the body into a file, which ``name`` gets together with the MD5 once it is on disk."""
    if call.header(b"content-length") is None:
        raise StoreError(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    if any(name.startswith(b"x-amz-meta-") for name, _ in call.scope["headers"]):
        raise StoreError(400, "AccessDenied", "There were headers present in the request which were not signed")
    expected = _announced_md5(call)
    landing = Landing(call.engine.blocks.temporary(), call.pool)
    try:
        async for chunk in call.chunks():
            await landing.feed(chunk)
        digest = await landing.settle()
        if expected not in {None, digest}:
            raise StoreError(400, "BadDigest", "The Content-Md5 you specified did not match what we received.")
        await call.run(name, landing.temporary, digest.hex())
    finally:
        await landing.abandon()
    return Reply(200, headers=[(b"etag", f'"{digest.hex()}"'.encode())])


def _announced_md5(call: Call) -> bytes | None:
    announced = call.header(b"content-md5")
    if announced is None:
        return None
    try:
        digest = base64.b64decode(announced, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != _MD5_BYTES:
        raise StoreError(400, "InvalidDigest", "The Content-Md5 you specified is not valid.")
    return digest
