"""The local road: a client on this machine has written a large file into ``incoming/``; take it over."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.call import checked
from lakefs_repro.embedded.errors import bad_request, not_found
from lakefs_repro.embedded.intake import Content
from lakefs_repro.embedded.reply import json_reply
from lakefs_repro.embedded.routes.repositories import writable
from lakefs_repro.embedded.shown import object_stats
from lakefs_repro.embedded.store import objects
from lakefs_repro.embedded.store.entry import Entry

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.engine import Engine

_FIELDS = {
    "path": "string*",
    "file": "string*",
    "size": "integer*",
    "sha256": "string*",
    "md5": "string*",
    "content_type": "string",
    "user_metadata": "strings",
    "if_absent": "boolean",
}
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_SHA256, _MD5 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{32}")
_CHUNK = 4 * 1024 * 1024


async def _upload(call: Call) -> Reply:
    body = checked(await call.json(), "LocalUpload", _FIELDS)
    path, repository, name, engine = body["path"], writable(call), call.params["branch"], call.engine
    if not path:
        raise bad_request("path: empty value is not allowed")
    objects.require_path(path)
    only_new = body.get("if_absent", False)
    objects.writable_branch(engine, call.reader, repository, name, absent=path if only_new else None)
    taken = await call.run(_take_over, engine, body)
    content_type = body.get("content_type") or "application/octet-stream"
    metadata = {key.lower(): value for key, value in (body.get("user_metadata") or {}).items()}
    entry = Entry(path, taken.checksum, taken.size, engine.now(), taken.block, content_type, metadata or None)

    def stage(connection: sqlite3.Connection) -> None:
        objects.stage(engine, connection, repository, name, entry, if_absent=only_new)
        taken.keep(engine.blocks, connection)

    await call.write(stage, guarded=False)
    call.received += taken.size
    return json_reply(object_stats(repository, entry), 201)


def _take_over(engine: Engine, body: dict[str, Any]) -> Content:
    """Claim the file, check that it is what the client says, and make it a block."""
    if not _FILE_NAME.fullmatch(body["file"]):
        raise bad_request("file: must be a plain file name")
    if not _SHA256.fullmatch(body["sha256"]) or not _MD5.fullmatch(body["md5"]):
        raise bad_request("sha256 and md5: must be lower-case hexadecimal digests")
    claimed = engine.blocks.temporary()
    _require_plain(engine.incoming / body["file"])
    try:
        (engine.incoming / body["file"]).rename(claimed)
    except FileNotFoundError:
        raise not_found(f"incoming file {body['file']} not found") from None
    try:
        _verify(claimed, body)
        engine.blocks.settle(claimed, body["sha256"])
    finally:
        claimed.unlink(missing_ok=True)
    return Content(body["sha256"], body["md5"], body["size"], None)


def _require_plain(path: Path) -> None:
    """Only a regular file of this very user, known under no other name, may be taken."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        raise not_found(f"incoming file {path.name} not found") from None
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        raise bad_request("file: must be a regular file of the engine's own user")
    if found.st_nlink != 1:
        raise bad_request("file: must not have other hard links")


def _verify(path: Path, body: dict[str, Any]) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if os.fstat(handle).st_size != body["size"]:
            raise bad_request(f"size: the file has {os.fstat(handle).st_size} bytes, not {body['size']}")
        digest = hashlib.sha256()
        while chunk := os.read(handle, _CHUNK):
            digest.update(chunk)
        if digest.hexdigest() != body["sha256"]:
            raise bad_request("sha256: the file's content has another digest")
        os.fchmod(handle, 0o400)
        os.fsync(handle)
    finally:
        os.close(handle)


HANDLERS: dict[str, Handler] = {"localUpload": _upload}
