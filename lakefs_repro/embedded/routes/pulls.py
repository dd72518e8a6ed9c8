"""Pull requests: list, create, read, change, merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakefs_repro.embedded.call import checked, require_one_of
from lakefs_repro.embedded.errors import ApiError, bad_request
from lakefs_repro.embedded.hooks import moves
from lakefs_repro.embedded.reply import json_reply, no_content, page_reply
from lakefs_repro.embedded.routes.repositories import found, writable
from lakefs_repro.embedded.store import pulls
from lakefs_repro.embedded.store.merging import MergeRequest

if TYPE_CHECKING:
    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.commits import Commit

_CREATION = {
    "title": "string*",
    "description": "string",
    "source_branch": "string*",
    "destination_branch": "string*",
}
_CHANGE = {"title": "string", "description": "string", "status": "string"}
_IN_FULL = {"description", "merged_commit_id"}


async def _list(call: Call) -> Reply:
    status, amount = call.choice("status", ("open", "closed", "all"), "all"), call.amount()
    rows = pulls.listing(
        call.reader,
        found(call),
        status=status,
        prefix=call.query("prefix"),
        after=call.query("after"),
        limit=amount + 1,
    )
    shown = [{name: row[name] for name in row.keys() - _IN_FULL} for row in rows[:amount]]
    return page_reply(shown, has_more=len(rows) > amount, next_offset=shown[-1]["id"] if shown else "")


async def _create(call: Call) -> Reply:
    body = checked(await call.json(), "PullRequestCreation", _CREATION)
    repository = found(call)
    said = {name: body.get(name, "") for name in _CREATION}
    pulls.require_branches(call.reader, repository, said["source_branch"], said["destination_branch"])
    now = call.engine.moment()
    pull_id = await call.write(lambda connection: pulls.create(connection, repository, said, now))
    return json_reply({"id": pull_id}, 201)


async def _get(call: Call) -> Reply:
    pulls.require_id(call.params["pull_request"])
    return json_reply(pulls.find(call.reader, found(call), call.params["pull_request"]))


async def _update(call: Call) -> Reply:
    body = checked(await call.json(), "PullRequestBasic", _CHANGE)
    if "status" in body:
        require_one_of("PullRequestBasic", "status", body["status"], pulls.STATUSES)
    pull_id = call.params["pull_request"]
    pulls.require_id(pull_id)
    repository, now = found(call), call.engine.moment()  # as measured: read-only does not matter
    changes = {name: body[name] for name in _CHANGE if name in body}
    await call.write(lambda connection: pulls.update(connection, repository, pull_id, changes, now))
    return no_content()


async def _merge(call: Call) -> Reply:
    pull_id = call.params["pull_request"]
    pulls.require_id(pull_id)
    repository = writable(call)
    pull = pulls.find(call.reader, repository, pull_id)
    if pull["status"] != pulls.OPEN:
        raise bad_request("bad pull request status")
    request = MergeRequest(source=pull["source_branch"])
    try:
        made: Commit = await call.move(repository, moves.merge, pull["destination_branch"], request)
    except ApiError as error:
        if error.status != 409:  # noqa: PLR2004  a conflict, which is told otherwise than by a plain merge
            raise
        raise ApiError(409, f"update branch {pull['destination_branch']}: conflict found") from None
    ended, now = {"status": pulls.MERGED, "merged_commit_id": made.id}, call.engine.moment()
    await call.write(lambda connection: pulls.update(connection, repository, pull_id, ended, now))
    return json_reply({"reference": made.id})


HANDLERS: dict[str, Handler] = {
    "listPullRequests": _list,
    "createPullRequest": _create,
    "getPullRequest": _get,
    "updatePullRequest": _update,
    "mergePullRequest": _merge,
}
