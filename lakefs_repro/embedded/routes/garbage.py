"""What a garbage collection asks for before it begins: the commits to keep, and what is staged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.call import checked
from lakefs_repro.embedded.presigning import list_url
from lakefs_repro.embedded.reply import json_reply
from lakefs_repro.embedded.routes.repositories import found, writable
from lakefs_repro.embedded.store import garbage

if TYPE_CHECKING:
    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.repositories import Repository


def _shown(call: Call, repository: Repository, run_id: str, file: str) -> dict[str, Any]:
    """A run; the URL is made anew whenever it is shown, and thus fresh."""
    shown = {
        "gc_addresses_location": garbage.addresses_location(call.engine, repository),
        "gc_commits_location": garbage.location(call.engine, file),
        "run_id": run_id,
    }
    if call.engine.presign:
        shown["gc_commits_presigned_url"] = list_url(call, file)
    return shown


async def _commits(call: Call) -> Reply:
    repository = writable(call)
    lists = await call.run(garbage.list_commits, call.engine, repository)
    return json_reply(_shown(call, repository, lists.run_id, lists.file), 201)


async def _commits_async(call: Call) -> Reply:
    repository, tasks = writable(call), call.engine.tasks
    task_id = tasks.begin(repository, "GCPC")

    def work() -> dict[str, Any]:
        lists = garbage.list_commits(call.engine, repository)
        return {"run_id": lists.run_id, "file": lists.file}

    asyncio.get_running_loop().run_in_executor(call.pool, tasks.run, repository, task_id, work)
    return json_reply({"id": task_id}, 202)


async def _commits_status(call: Call) -> Reply:
    task_id, repository = call.required("id"), found(call)
    status = call.engine.tasks.status(call.reader, repository, task_id)
    result = status.get("result")
    if result is not None:
        status = {**status, "result": _shown(call, repository, result["run_id"], result["file"])}
    return json_reply(status)


async def _uncommitted(call: Call) -> Reply:
    body = checked(await call.json(may_be_absent=True), "PrepareGCUncommittedRequest", {"continuation_token": "string"})
    repository = writable(call)
    page = await call.run(garbage.list_uncommitted, call.engine, repository, body.get("continuation_token") or "")
    shown = {"gc_uncommitted_location": page.location, "run_id": page.run_id}
    if page.token:
        shown["continuation_token"] = page.token
    return json_reply(shown, 201)


HANDLERS: dict[str, Handler] = {
    "prepareGarbageCollectionCommits": _commits,
    "prepareGarbageCollectionCommitsAsync": _commits_async,
    "prepareGarbageCollectionCommitsStatus": _commits_status,
    "prepareGarbageCollectionUncommitted": _uncommitted,
}
