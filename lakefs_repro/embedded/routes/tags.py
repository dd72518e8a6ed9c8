"""Tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakefs_repro.embedded.call import checked
from lakefs_repro.embedded.errors import ApiError, not_found
from lakefs_repro.embedded.hooks import moves
from lakefs_repro.embedded.reply import json_reply, no_content
from lakefs_repro.embedded.routes.branches import ref_shown, refs_page
from lakefs_repro.embedded.routes.repositories import found, writable
from lakefs_repro.embedded.store import expressions, refs

if TYPE_CHECKING:
    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler


async def _create(call: Call) -> Reply:
    body = checked(await call.json(), "TagCreation", {"id": "string*", "ref": "string*", "force": "boolean"})
    repository, name = writable(call, force=body.get("force", False)), body["id"]
    if not name:
        raise ApiError(500, "argument tagID: required value: validation error")
    refs.require_free_tag_name(call.reader, repository, name)
    commit = expressions.resolve_commit(call.reader, repository, body["ref"])
    refs.require_tag_name(name)
    await call.move(repository, moves.create_tag, name, commit)
    return json_reply(ref_shown(name, commit.id), 201)


async def _get(call: Call) -> Reply:
    name = call.params["tag"]
    refs.require_tag_name(name)
    commit_id = refs.find_tag(call.reader, found(call), name)
    if commit_id is None:
        raise not_found("tag not found")
    return json_reply(ref_shown(name, commit_id))


async def _list(call: Call) -> Reply:
    amount = call.amount()
    rows = refs.listing(
        call.reader,
        found(call),
        "tags",
        prefix=call.query("prefix"),
        after=call.query("after"),
        limit=amount + 1,
    )
    return refs_page(rows, amount)


async def _delete(call: Call) -> Reply:
    repository, name = writable(call, force=call.flag("force")), call.params["tag"]
    refs.require_tag_name(name)
    await call.move(repository, moves.delete_tag, name)
    return no_content()


HANDLERS: dict[str, Handler] = {
    "createTag": _create,
    "getTag": _get,
    "listTags": _list,
    "deleteTag": _delete,
}
