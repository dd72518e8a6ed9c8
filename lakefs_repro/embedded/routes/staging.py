"""Staging addresses: get one, write to it, link it; and staging an object that lies somewhere already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.call import checked
from lakefs_repro.embedded.errors import ApiError, bad_request
from lakefs_repro.embedded.presigning import upload_url
from lakefs_repro.embedded.reply import json_reply
from lakefs_repro.embedded.routes.repositories import found, writable
from lakefs_repro.embedded.routes.upload import if_absent, refuse_if_match
from lakefs_repro.embedded.shown import object_stats
from lakefs_repro.embedded.store import addresses, objects, refs
from lakefs_repro.embedded.store.entry import Entry

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler

_DEFAULT_TYPE = "application/octet-stream"
_LINK = {
    "staging": "object*",
    "checksum": "string*",
    "size_bytes": "integer*",
    "user_metadata": "strings",
    "content_type": "string",
    "mtime": "integer",
}
_STAGE = {
    "physical_address": "string*",
    "checksum": "string*",
    "size_bytes": "integer*",
    "mtime": "integer",
    "metadata": "strings",
    "content_type": "string",
}


async def _issue(call: Call) -> Reply:
    path, repository = call.required("path"), found(call)
    presign = call.flag("presign")
    if presign and not call.engine.presign:
        raise ApiError(500, "local adapter presigned URL: operation not supported")
    address = await call.run(addresses.issue, call.engine, repository, call.params["branch"], path)
    if not presign:
        return json_reply({"physical_address": address, "presigned_url": None})
    url, expiry = upload_url(call, address)
    return json_reply({"physical_address": address, "presigned_url": url, "presigned_url_expiry": expiry})


async def _stage_entry(
    call: Call,
    body: dict[str, Any],
    address: str,
    metadata: dict[str, str] | None,
    *,
    only_new: bool = False,
    strict: bool = False,
) -> tuple[Entry, dict[str, Any]]:
    path, repository = call.required("path"), writable(call, force=body.get("force", False))
    name, engine = call.params["branch"], call.engine
    objects.require_path(path)
    if not strict:
        addresses.require_issued(engine, repository, name, path, address)
    refs.branch(call.reader, repository, name)
    await call.run(addresses.sync_file, engine, address)
    entry = Entry(
        path,
        body["checksum"].strip('"'),
        body["size_bytes"],
        body["mtime"] if body.get("mtime") is not None else engine.now(),
        addresses.kept_form(engine, call.reader, address, strict=strict),
        body.get("content_type") or _DEFAULT_TYPE,
        metadata or None,
    )

    def stage(connection: sqlite3.Connection) -> None:
        objects.stage(engine, connection, repository, name, entry, if_absent=only_new)
        addresses.note_link(engine, connection, entry.address)

    await call.write(stage, guarded=False)
    return entry, object_stats(repository, entry)


async def _link(call: Call) -> Reply:
    only_new = if_absent(call)
    refuse_if_match(call)
    body = checked(await call.json(), "StagingMetadata", _LINK)
    address = body["staging"].get("physical_address")
    if not isinstance(address, str) or not address:
        raise bad_request("invalid staging: physical_address is required")
    try:
        _, shown = await _stage_entry(call, body, address, body.get("user_metadata"), only_new=only_new)
    except ApiError as error:
        if error.status == 412:  # noqa: PLR2004
            raise ApiError(412, "Precondition failed") from error
        raise
    return json_reply({**shown, "physical_address": address})


async def _stage(call: Call) -> Reply:
    body = checked(await call.json(), "ObjectStageCreation", _STAGE)
    _, shown = await _stage_entry(call, body, body["physical_address"], body.get("metadata"), strict=True)
    del shown["metadata"]
    return json_reply(shown, 201)


HANDLERS: dict[str, Handler] = {
    "getPhysicalAddress": _issue,
    "linkPhysicalAddress": _link,
    "stageObject": _stage,
}
