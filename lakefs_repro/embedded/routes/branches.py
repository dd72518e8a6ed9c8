"""Branches: create, read, list, delete, reset, revert, cherry-pick, hard reset, and what is staged on them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.call import checked, require_one_of
from lakefs_repro.embedded.errors import ApiError, bad_request, prefixed
from lakefs_repro.embedded.hooks import moves
from lakefs_repro.embedded.reply import Reply, json_reply, no_content, page_reply
from lakefs_repro.embedded.routes.commits import commit_shown
from lakefs_repro.embedded.routes.repositories import found, writable
from lakefs_repro.embedded.store import expressions, objects, refs
from lakefs_repro.embedded.store.revising import Revision, hard_reset

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.refs import Ref

_CREATION = {"name": "string*", "source": "string*", "force": "boolean", "hidden": "boolean"}
_REVERT = {
    "parent_number": "integer*",
    "ref": "string*",
    "commit_overrides": "object",
    "force": "boolean",
    "allow_empty": "boolean",
}
_CHERRY_PICK = {"ref": "string*", "parent_number": "integer", "commit_overrides": "object", "force": "boolean"}
_RESET_KINDS = ("object", "common_prefix", "reset")


def ref_shown(name: str, commit_id: str) -> dict[str, str]:
    return {"commit_id": commit_id, "id": name}


def refs_page(rows: list[Ref], amount: int) -> Reply:
    """A page of refs, made of one row more than it shows."""
    more = len(rows) > amount
    shown = [ref_shown(row.name, row.commit_id) for row in rows[:amount]]
    return page_reply(shown, has_more=more, next_offset=rows[amount - 1].name if more else "")


async def _create(call: Call) -> Reply:
    body = checked(await call.json(), "BranchCreation", _CREATION)
    repository, name, source = writable(call, force=body.get("force", False)), body["name"], body["source"]
    if not name:
        raise ApiError(500, "argument branch: required value: validation error")
    refs.require_branch_name(name)
    _require_source(source)
    refs.require_free_branch_name(call.reader, repository, name)
    with prefixed(f"source reference '{source}': "):
        resolved = expressions.resolve(call.reader, repository, source)
        if resolved.staged_only:
            raise ApiError(500, "can't create a branch without commit")
    commit, hidden = resolved.commit, body.get("hidden", False)
    await call.move(repository, partial(moves.create_branch, hidden=hidden), name, source, commit)
    return Reply(201, commit.id.encode(), [(b"content-type", b"text/plain; charset=utf-8")])


async def _get(call: Call) -> Reply:
    branch = refs.branch(call.reader, found(call), call.params["branch"])
    return json_reply(ref_shown(branch.name, branch.commit_id))


async def _list(call: Call) -> Reply:
    amount = call.amount()
    rows = refs.listing(
        call.reader,
        found(call),
        "branches",
        prefix=call.query("prefix"),
        after=call.query("after"),
        limit=amount + 1,
        show_hidden=call.flag("show_hidden"),
    )
    return refs_page(rows, amount)


async def _delete(call: Call) -> Reply:
    repository, name = writable(call, force=call.flag("force")), call.params["branch"]
    await call.move(repository, moves.delete_branch, name)
    return no_content()


async def _reset(call: Call) -> Reply:
    body = checked(await call.json(), "ResetCreation", {"path": "string", "force": "boolean", "type": "any*"})
    kind, path = body["type"], body.get("path", "")
    require_one_of("ResetCreation", "type", kind, _RESET_KINDS)
    if kind == "object":
        objects.require_path(path)
    repository, name = writable(call, force=body.get("force", False)), call.params["branch"]

    def reset(connection: sqlite3.Connection) -> None:
        objects.reset(connection, repository, name, kind=kind, path=path)

    await call.write(reset)
    return no_content()


async def _hard_reset(call: Call) -> Reply:
    ref = call.required("ref")
    force = call.flag("force")
    expressions.require_ref(ref)
    await call.run(hard_reset, call.engine, writable(call, force=force), call.params["branch"], ref)
    return no_content()


def _require_source(ref: str) -> None:
    """What is taken from must be named; lakeFS answers 500 when it is not."""
    if not ref:
        raise ApiError(500, "argument ref: required value: validation error")
    expressions.require_ref(ref)


def _revision(body: dict[str, Any]) -> Revision:
    overrides = checked(
        body.get("commit_overrides") or {}, "CommitOverrides", {"message": "string", "metadata": "strings"}
    )
    _require_source(body["ref"])
    return Revision(
        ref=body["ref"],
        parent_number=body.get("parent_number", 0),
        allow_empty=body.get("allow_empty", False),
        message=overrides.get("message") or None,
        metadata=overrides.get("metadata"),
    )


async def _revert(call: Call) -> Reply:
    body = checked(await call.json(), "RevertCreation", _REVERT)
    revision = _revision(body)
    if revision.parent_number < 0:
        raise bad_request("argument parentNumber: invalid value: validation error")
    await call.move(writable(call, force=body.get("force", False)), moves.revert, call.params["branch"], revision)
    return no_content()


async def _cherry_pick(call: Call) -> Reply:
    body = checked(await call.json(), "CherryPickCreation", _CHERRY_PICK)
    revision = _revision(body)
    if body.get("parent_number") is not None and revision.parent_number <= 0:
        raise bad_request("argument parentNumber: value should be greater than 0: invalid value: validation error")
    repository = writable(call, force=body.get("force", False))
    commit = await call.move(repository, moves.cherry_pick, call.params["branch"], revision)
    return json_reply(commit_shown(commit), 201)


HANDLERS: dict[str, Handler] = {
    "createBranch": _create,
    "getBranch": _get,
    "listBranches": _list,
    "deleteBranch": _delete,
    "resetBranch": _reset,
    "hardResetBranch": _hard_reset,
    "revertBranch": _revert,
    "cherryPick": _cherry_pick,
}
