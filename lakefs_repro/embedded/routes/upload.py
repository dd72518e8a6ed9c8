"""Uploading one object: a raw body, or a form as the SDK sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import ApiError, bad_request, not_implemented
from lakefs_repro.embedded.intake import Content, Intake
from lakefs_repro.embedded.multipart import Part, boundary_of, content
from lakefs_repro.embedded.reply import json_reply
from lakefs_repro.embedded.routes.repositories import found
from lakefs_repro.embedded.shown import object_stats
from lakefs_repro.embedded.store import objects
from lakefs_repro.embedded.store.entry import Entry
from lakefs_repro.embedded.store.writer import storage_failure

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler

_METADATA_PREFIX = b"x-lakefs-meta-"
_DEFAULT_TYPE = "application/octet-stream"


def if_absent(call: Call) -> bool:
    """Whether the request may only make what is not there yet; other conditions lakeFS does not know."""
    for name in ("If-None-Match", "If-Match"):
        if call.header(name.lower().encode()) == "":
            raise bad_request(f'parameter "{name}" in header has an error: empty value is not allowed')
    condition = call.header(b"if-none-match")
    if condition not in {None, "*"}:
        raise not_implemented("Not Implemented")
    return condition == "*"


def refuse_if_match(call: Call) -> None:
    """LakeFS has no If-Match here, and says so once it has seen whether the path is free."""
    if call.header(b"if-match") is not None:
        raise not_implemented("Not Implemented")


def user_metadata(call: Call) -> dict[str, str] | None:
    """What the headers say of the object; 500 for what is no UTF-8, as measured."""
    try:
        found = {
            name[len(_METADATA_PREFIX) :].decode("latin-1"): value.decode()
            for name, value in call.scope["headers"]
            if name.startswith(_METADATA_PREFIX)
        }
    except UnicodeDecodeError:
        raise ApiError(500, "string field contains invalid UTF-8") from None
    return found or None


async def _upload(call: Call) -> Reply:
    path, only_new = call.required("path"), if_absent(call)
    call.optional("storageClass")
    repository, branch, force = found(call), call.params["branch"], call.flag("force")
    objects.require_path(path)
    engine = call.engine
    objects.writable_branch(engine, call.reader, repository, branch, absent=path if only_new else None)
    refuse_if_match(call)
    if not force:
        repository.require_writable()
    taken, content_type = await _take(call)
    entry = Entry(path, taken.checksum, taken.size, engine.now(), taken.block, content_type, user_metadata(call))

    def stage(connection: sqlite3.Connection) -> None:
        objects.stage(engine, connection, repository, branch, entry, if_absent=only_new)
        taken.keep(engine.blocks, connection)

    await call.write(stage, guarded=False)
    return json_reply(object_stats(repository, entry), 201)


async def _take(call: Call) -> tuple[Content, str]:
    """The body's bytes and their content type."""
    content_type = call.header(b"content-type") or _DEFAULT_TYPE
    if not content_type.lower().startswith("multipart/form-data"):
        return await take(call, call.chunks()), content_type
    part = Part()
    taken = await take(call, content(call.chunks(), boundary_of(content_type), part))
    return taken, part.content_type


async def take(call: Call, chunks: AsyncIterator[bytes]) -> Content:
    """Take a stream of bytes into the store."""
    intake = Intake(call.engine.blocks, call.pool)
    try:
        async for chunk in chunks:
            await intake.feed(chunk)
        return await intake.finish()
    except OSError as error:
        raise storage_failure(error) from error
    finally:
        await intake.abandon()


HANDLERS: dict[str, Handler] = {"uploadObject": _upload}
