"""Deleting and copying objects, and changing their user metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.byteranges import ByteRange
from lakefs_repro.embedded.call import check, checked
from lakefs_repro.embedded.errors import ApiError, not_found, not_implemented, prefixed
from lakefs_repro.embedded.reply import Reply, json_reply, no_content
from lakefs_repro.embedded.routes.download import open_at, stream_file
from lakefs_repro.embedded.routes.repositories import found, writable
from lakefs_repro.embedded.routes.upload import take
from lakefs_repro.embedded.shown import object_stats
from lakefs_repro.embedded.store import addresses, expressions, objects, protection, refs

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.intake import Content
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.entry import Entry

_MAX_PATHS = 1000
_BAD_REQUEST = 400
_COPY = {"src_path": "string*", "src_ref": "string", "force": "boolean", "shallow": "boolean"}


def _forced(call: Call) -> bool:
    """Whether a read-only repository is written to all the same."""
    call.flag("no_tombstone")  # changes nothing here, and must be well written all the same
    return call.flag("force")


async def _delete(call: Call) -> Reply:
    path, force, name = call.required("path"), _forced(call), call.params["branch"]
    repository = writable(call, force=force)
    objects.require_path(path)

    def delete(connection: sqlite3.Connection) -> None:
        branch = refs.branch(connection, repository, name)
        protection.require_allowed(connection, repository, name, protection.WRITE)
        objects.remove(call.engine, connection, repository, branch, [path])

    await call.write(delete)
    return no_content()


async def _delete_many(call: Call) -> Reply:
    paths = checked(await call.json(), "PathList", {"paths": "array*"})["paths"]
    force = _forced(call)
    for index, path in enumerate(paths):
        check("PathList", f"paths/{index}", path, "string")
    if len(paths) > _MAX_PATHS:
        raise ApiError(400, f"request size exceeded, max paths is set to {_MAX_PATHS}")
    repository, name = found(call), call.params["branch"]

    def delete(connection: sqlite3.Connection) -> list[dict[str, Any]]:
        branch = refs.find_branch(connection, repository, name)
        if branch is None and refs.is_branch_name(name):  # as measured: lakeFS answers 200 here
            return []
        try:
            if not force:
                repository.require_writable()
            refs.require_branch_id(name)
            protection.require_allowed(connection, repository, name, protection.WRITE)
            for index, path in enumerate(paths):
                if path:
                    objects.require_path(path, f"path[{index}]")
        except ApiError as error:
            status = 500 if error.status == _BAD_REQUEST else error.status
            return [{"message": error.message, "path": path, "status_code": status} for path in paths]
        if branch is not None:
            objects.remove(call.engine, connection, repository, branch, paths)
        return []

    return json_reply({"errors": await call.write(delete)})


async def _copy(call: Call) -> Reply:
    target = call.required("dest_path")
    body = checked(await call.json(), "ObjectCopyCreation", _COPY)
    if body.get("shallow"):
        raise not_implemented("Not Implemented")
    objects.require_path(target)
    repository, name, engine = found(call), call.params["branch"], call.engine
    objects.require_path(body["src_path"])
    expressions.require_ref(body.get("src_ref") or name)
    objects.writable_branch(engine, call.reader, repository, name)
    with engine.database.snapshot() as connection:
        resolved = expressions.resolve(connection, repository, body.get("src_ref") or name)
        source = engine.view(connection, resolved).lookup(body["src_path"])
    if source is None:
        raise not_found()
    if not body.get("force"):
        repository.require_writable()
    content = None if source.block else await _content(call, source)
    address = content.block if content else source.address
    copied = source._replace(path=target, mtime=engine.now(), address=address)

    def stage(connection: sqlite3.Connection) -> None:
        objects.stage(engine, connection, repository, name, copied)
        if content:
            content.keep(engine.blocks, connection)

    await call.write(stage, guarded=False)
    return json_reply(object_stats(repository, copied), 201)


async def _content(call: Call, source: Entry) -> Content:
    """The bytes of an object whose file others may change, taken into the store: a copy stands by itself."""
    place = addresses.place_of(call.engine, source)
    handle, start = open_at(place, ByteRange(0, source.size, source.size))
    return await take(call, stream_file(call, handle, start, source.size))


async def _user_metadata(call: Call) -> Reply:
    path = call.required("path")
    objects.require_path(path)
    body = checked(await call.json(), "UpdateObjectUserMetadata", {"set": "strings*"})
    repository, name, engine = writable(call), call.params["branch"], call.engine

    def update(connection: sqlite3.Connection) -> Entry:
        branch = refs.branch(connection, repository, name)
        protection.require_allowed(connection, repository, name, protection.WRITE)
        known = objects.head_view(engine, connection, repository, branch).lookup(path)
        if known is None:
            with prefixed(f"update user metadata on {repository.name}/{name}/{path}: "):
                raise not_found()
        changed = known._replace(metadata=body["set"] or None)
        engine.staging.put(connection, branch.id, changed)
        return changed

    await call.write(update)
    return no_content()


HANDLERS: dict[str, Handler] = {
    "deleteObject": _delete,
    "deleteObjects": _delete_many,
    "copyObject": _copy,
    "updateObjectUserMetadata": _user_metadata,
}
