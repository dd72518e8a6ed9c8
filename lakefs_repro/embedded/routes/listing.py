"""What lies at a ref: listing and stat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.errors import bad_request, not_found
from lakefs_repro.embedded.presigning import presigned
from lakefs_repro.embedded.reply import json_reply, no_content, page_reply
from lakefs_repro.embedded.routes.repositories import found
from lakefs_repro.embedded.shown import COMMON_PREFIX, object_stats
from lakefs_repro.embedded.store import expressions, objects
from lakefs_repro.embedded.store.paging import Window, page

if TYPE_CHECKING:
    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.repositories import Repository


def wants_url(call: Call) -> bool:
    """Whether the request asks for presigned URLs; 400 where the engine was told to make none."""
    wanted = call.flag("presign")
    if wanted and not call.engine.presign:
        raise bad_request("local adapter presigned URL: operation not supported")
    return wanted


def entry_at(call: Call, repository: Repository) -> Entry:
    """The object that path and ref name."""
    path = call.required("path")
    objects.require_path(path)
    expressions.require_ref(call.params["ref"])
    with call.engine.database.snapshot() as connection:
        resolved = expressions.resolve(connection, repository, call.params["ref"])
        entry = call.engine.view(connection, resolved).lookup(path)
    if entry is None:
        raise not_found()
    return entry


async def _list(call: Call) -> Reply:
    repository = found(call)
    window = Window(call.query("prefix"), call.query("after"), call.query("delimiter"), call.amount())
    with_metadata = call.flag("user_metadata", default=True)
    presign = wants_url(call)
    expressions.require_ref(call.params["ref"])

    def stats(entry: Entry) -> dict[str, Any]:
        shown = object_stats(repository, entry if with_metadata else entry._replace(metadata=None), metadata=None)
        return presigned(call, shown, entry) if presign else shown

    def work() -> tuple[list[dict[str, Any]], bool, str]:
        with call.engine.database.snapshot() as connection:
            resolved = expressions.resolve(connection, repository, call.params["ref"])
            view = call.engine.view(connection, resolved)
            listed = page(lambda start: view.entries(start, window.prefix), window)
        shown = [{**COMMON_PREFIX, "path": item} if isinstance(item, str) else stats(item) for item in listed.items]
        return shown, listed.has_more, listed.next_offset

    shown, more, offset = await call.run(work)
    return page_reply(shown, has_more=more, next_offset=offset)


async def _stat(call: Call) -> Reply:
    repository = found(call)
    with_metadata = call.flag("user_metadata", default=True)
    call.required("path")
    presign = wants_url(call)
    entry = entry_at(call, repository)
    shown = object_stats(repository, entry, metadata=with_metadata)
    return json_reply(presigned(call, shown, entry) if presign else shown)


async def _underlying(call: Call) -> Reply:
    entry_at(call, found(call))
    return json_reply({"storage_class": None})


async def _stage_allowed(call: Call) -> Reply:
    """Only what the caller may do is asked here, not what the branch allows: as measured."""
    call.required("path")
    found(call)
    return no_content()


HANDLERS: dict[str, Handler] = {
    "listObjects": _list,
    "statObject": _stat,
    "getUnderlyingProperties": _underlying,
    "uploadObjectPreflight": _stage_allowed,
}
