"""Runs of hooks, for those who ask what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import bad_request, not_found
from lakefs_repro.embedded.reply import Reply, json_reply, page_reply
from lakefs_repro.embedded.routes.repositories import found
from lakefs_repro.embedded.store import runs

if TYPE_CHECKING:
    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.router import Handler


async def _list(call: Call) -> Reply:
    repository, amount = found(call), call.amount()
    branch, commit = call.query("branch"), call.query("commit")
    if branch and commit:
        raise bad_request("can't use both branchID and MergedCommitID: parameters conflict")
    rows = runs.listing(
        call.reader, repository, branch=branch, commit=commit, after=call.query("after"), limit=amount + 1
    )
    more = len(rows) > amount
    shown = [run.shown() for run in rows[:amount]]
    return page_reply(shown, has_more=more, next_offset=rows[amount - 1].id if more else "")


async def _get(call: Call) -> Reply:
    run = runs.find(call.reader, found(call), call.params["run_id"])
    if run is None:
        raise not_found("not found: not found")
    return json_reply(run.shown())


async def _hooks(call: Call) -> Reply:
    repository, amount = found(call), call.amount()
    rows = runs.hooks_of(call.reader, repository, call.params["run_id"], after=call.query("after"), limit=amount + 1)
    more = len(rows) > amount
    shown = [hook.shown() for hook in rows[:amount]]
    return page_reply(shown, has_more=more, next_offset=rows[amount - 1].id if more else "")


async def _output(call: Call) -> Reply:
    name = call.params["hook_run_id"]
    output = runs.output_of(call.reader, found(call), call.params["run_id"], name)
    if output is None:
        raise not_found()
    headers = [
        (b"content-type", b"application/octet-stream"),
        (b"content-disposition", f"attachment; filename={name}.log".encode()),
    ]
    return Reply(200, output.encode("utf-8", "replace"), headers)


HANDLERS: dict[str, Handler] = {
    "listRepositoryRuns": _list,
    "getRun": _get,
    "listRunHooks": _hooks,
    "getRunHookOutput": _output,
}
