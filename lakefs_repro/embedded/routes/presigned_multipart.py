"""Presigned multipart uploads: begin, get a URL for each part, complete or abort; copying a part from an object."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.byteranges import ByteRange
from lakefs_repro.embedded.call import checked
from lakefs_repro.embedded.errors import ApiError, bad_request, not_found, not_implemented, prefixed
from lakefs_repro.embedded.landing import Landing, publish
from lakefs_repro.embedded.presigning import part_url
from lakefs_repro.embedded.reply import Reply, json_reply, no_content
from lakefs_repro.embedded.routes.download import open_at
from lakefs_repro.embedded.routes.repositories import found, writable
from lakefs_repro.embedded.shown import object_stats
from lakefs_repro.embedded.store import addresses, expressions, objects, refs, repositories
from lakefs_repro.embedded.store.entry import Entry
from lakefs_repro.embedded.store.uploads import MAX_PARTS, NoSuchUploadError, Part, PartError
from lakefs_repro.embedded.store.writer import storage_failure
from lakefs_repro.embedded.store_errors import no_such_upload

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.repositories import Repository
    from lakefs_repro.embedded.store.uploads import Assembled

_DEFAULT_TYPE = "application/octet-stream"
_CHUNK = 1024 * 1024
_ADDRESSED = {"physical_address": "string*"}
_COMPLETION = {**_ADDRESSED, "parts": "array*", "content_type": "string", "user_metadata": "strings"}
_PART = {"part_number": "integer*", "etag": "string*"}
_SOURCE = {"repository": "string*", "ref": "string*", "path": "string*", "range": "string"}
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


def _require_offered(call: Call) -> None:
    if not call.engine.presign:
        raise not_implemented("presign multipart upload API is not supported")


def _require_address(call: Call, repository: Repository, body: dict[str, Any]) -> str:
    """The address in the body, when it was issued for this path."""
    address: str = body["physical_address"]
    if not address:
        raise bad_request("physical_address is required")
    if not addresses.is_inside(call.engine, repository, address):
        raise bad_request("physical address must be relative to the storage namespace")
    addresses.require_issued(call.engine, repository, call.params["branch"], call.required("path"), address)
    return address


def _part_number(call: Call) -> int:
    text = call.params["partNumber"]
    problem = None
    if not re.fullmatch(r"-?\d{1,18}", text):
        problem = f"value {text}: an invalid integer: invalid syntax"
    elif int(text) > MAX_PARTS:
        problem = f"number must be at most {MAX_PARTS}"
    elif int(text) < 1:
        problem = "number must be at least 1"
    if problem:
        raise bad_request(f'parameter "partNumber" in path has an error: {problem}')
    return int(text)


def _store_failure(operation: str, code: str, message: str) -> ApiError:
    """What lakeFS makes of a store's refusal: 500, with the store's words in it."""
    return ApiError(500, f"operation error: {operation}, api error {code}: {message}")


def _no_such_upload(operation: str) -> ApiError:
    refusal = no_such_upload()
    return _store_failure(operation, refusal.code, refusal.message)


async def _begin(call: Call) -> Reply:
    path, count = call.required("path"), call.query("parts", "0")
    repository, branch, engine = found(call), call.params["branch"], call.engine
    _require_offered(call)
    if not re.fullmatch(r"-?\d{1,18}", count):
        raise bad_request(f'parameter "parts" in query has an error: value {count}: an invalid integer: invalid syntax')
    if not 0 <= int(count) <= MAX_PARTS:
        raise bad_request(f"parts can be between 0 and {MAX_PARTS}")
    if refs.find_branch(call.reader, repository, branch) is None:
        raise not_found(f"branch '{branch}' not found")
    address = await call.run(addresses.issue, engine, repository, branch, path)
    upload = await call.run(engine.uploads.begin, address)
    shown: dict[str, Any] = {"physical_address": address, "upload_id": upload}
    if int(count):
        shown["presigned_urls"] = [part_url(call, upload, number + 1) for number in range(int(count))]
    return json_reply(shown, 201)


async def _part(call: Call) -> Reply:
    number, repository = _part_number(call), found(call)
    call.required("path")
    body = checked(await call.json(), "UploadPartFrom", _ADDRESSED)
    _require_address(call, repository, body)
    _require_offered(call)
    return json_reply({"presigned_url": part_url(call, call.params["uploadId"], number)})


async def _copy_part(call: Call) -> Reply:
    number, repository = _part_number(call), found(call)
    call.required("path")
    body = checked(await call.json(), "UploadPartCopyFrom", {**_ADDRESSED, "copy_source": "object*"})
    source = checked(body["copy_source"], "UploadPartCopyFrom", _SOURCE)
    address = _require_address(call, repository, body)
    _require_offered(call)
    entry = _source_entry(call, source)
    piece = _piece(source.get("range"), entry.size)
    place = addresses.place_of(call.engine, entry)
    try:
        call.engine.uploads.require(call.params["uploadId"], address)
        handle, start = open_at(place, piece)
        landing = Landing(call.engine.blocks.temporary(), call.pool)
        try:
            for position in range(start, start + piece.length, _CHUNK):
                await landing.feed(
                    await call.run(os.pread, handle, min(_CHUNK, start + piece.length - position), position)
                )
            etag = (await landing.settle()).hex()
            part = Part(number, etag)
            await call.run(call.engine.uploads.keep, call.params["uploadId"], part, landing.temporary)
        finally:
            os.close(handle)
            await landing.abandon()
    except NoSuchUploadError:
        raise _no_such_upload("UploadPartCopy") from None
    except OSError as error:
        raise storage_failure(error) from error
    return Reply(204, headers=[(b"etag", etag.encode())])


def _source_entry(call: Call, source: dict[str, Any]) -> Entry:
    name, ref, path = source["repository"], source["ref"], source["path"]
    repository = repositories.find(call.reader, name)
    with prefixed(f"{name}/{ref}/{path}: "), call.engine.database.snapshot() as connection:
        if not path:
            raise bad_request("argument path: missing path: required value: validation error")
        resolved = expressions.resolve(connection, repository, ref)
        entry = call.engine.view(connection, resolved).lookup(path)
        if entry is None:
            raise not_found()
    return entry


def _piece(wanted: str | None, size: int) -> ByteRange:
    if wanted is None:
        return ByteRange(0, size, size)
    match = _RANGE.fullmatch(wanted)
    if match is None:
        raise bad_request(f"copy_source: range {wanted!r} must be bytes=<first>-<last>")
    first, last = int(match[1]), int(match[2])
    if first > last or last >= size:
        raise _store_failure("UploadPartCopy", "InvalidRange", f"The requested range '{wanted}' is not satisfiable")
    return ByteRange(first, last - first + 1, size)


async def _complete(call: Call) -> Reply:
    path, repository, engine = call.required("path"), writable(call), call.engine
    body = checked(await call.json(), "CompletePresignMultipartUpload", _COMPLETION)
    named = [checked(part, "CompletePresignMultipartUpload", _PART) for part in body["parts"]]
    _require_offered(call)
    address = _require_address(call, repository, body)
    if not named:
        raise bad_request("parts are required")
    branch, upload = call.params["branch"], call.params["uploadId"]
    objects.require_path(path)
    objects.writable_branch(engine, call.reader, repository, branch)
    parts = [Part(part["part_number"], part["etag"].strip('"')) for part in named]
    made = await call.run(_assemble, call, upload, address, parts)
    content_type = body.get("content_type") or _DEFAULT_TYPE
    entry = Entry(
        path, made.checksum, made.size, engine.now(), address, content_type, body.get("user_metadata") or None
    )

    def stage(connection: sqlite3.Connection) -> None:
        objects.stage(engine, connection, repository, branch, entry)
        addresses.note_link(engine, connection, address)

    await call.write(stage)
    await call.run(engine.uploads.discard, upload)
    shown = object_stats(repository, entry)
    return json_reply({**shown, "physical_address": addresses.relative(engine, repository, address)})


def _assemble(call: Call, upload: str, address: str, parts: list[Part]) -> Assembled:
    """Make one file of the parts, at the address that was issued for it."""
    engine = call.engine
    temporary = engine.blocks.temporary()
    target = addresses.issued_file(engine, address)
    try:
        made = engine.uploads.assemble(upload, address, parts, temporary)
        addresses.make_folder(engine, target.parent)
        publish(temporary, target)
    except (NoSuchUploadError, FileNotFoundError):  # another request has completed or aborted it meanwhile
        raise _no_such_upload("CompleteMultipartUpload") from None
    except PartError as error:
        raise _store_failure("CompleteMultipartUpload", error.code, str(error)) from None
    except OSError as error:
        raise storage_failure(error) from error
    finally:
        temporary.unlink(missing_ok=True)
    return made


async def _abort(call: Call) -> Reply:
    call.required("path")
    repository = found(call)
    body = await call.json(may_be_absent=True)
    _require_offered(call)
    if not call.received:
        raise bad_request("physical_address is required")
    address = _require_address(call, repository, checked(body, "AbortPresignMultipartUpload", _ADDRESSED))
    await call.run(call.engine.uploads.discard, call.params["uploadId"], address)
    return no_content()


HANDLERS: dict[str, Handler] = {
    "createPresignMultipartUpload": _begin,
    "uploadPart": _part,
    "uploadPartCopy": _copy_part,
    "completePresignMultipartUpload": _complete,
    "abortPresignMultipartUpload": _abort,
}
