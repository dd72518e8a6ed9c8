"""Importing files of this machine: start, ask how it stands, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.call import checked, require_one_of
from lakefs_repro.embedded.errors import forbidden
from lakefs_repro.embedded.hooks import moves
from lakefs_repro.embedded.reply import json_reply, no_content
from lakefs_repro.embedded.routes.commits import commit_shown
from lakefs_repro.embedded.routes.repositories import found
from lakefs_repro.embedded.store import importing, refs
from lakefs_repro.embedded.store.importing import ImportRequest
from lakefs_repro.embedded.store.sources import Location

if TYPE_CHECKING:
    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.imports import Job

_SCHEMA = "ImportCreation"
_CREATION = {"paths": "array*", "commit": "object*", "force": "boolean"}
_LOCATION = {"type": "any*", "path": "string*", "destination": "string*"}
_COMMIT = {"message": "string*", "metadata": "strings"}
_KINDS = ("common_prefix", "object")


def _request(body: dict[str, Any]) -> ImportRequest:
    commit = checked(body["commit"], _SCHEMA, _COMMIT, at="commit/")
    locations = []
    for index, each in enumerate(body["paths"]):
        location = checked(each, _SCHEMA, _LOCATION, at=f"paths/{index}/")
        require_one_of(_SCHEMA, f"paths/{index}/type", location["type"], _KINDS)
        locations.append(
            Location(location["path"], location["destination"], is_prefix=location["type"] == "common_prefix")
        )
    return ImportRequest(locations, commit["message"], commit.get("metadata") or {})


async def _start(call: Call) -> Reply:
    repository, branch, engine = found(call), call.params["branch"], call.engine
    request = _request(checked(await call.json(), _SCHEMA, _CREATION))
    if not engine.import_from:
        raise forbidden("import is not supported for this storage")
    refs.branch(call.reader, repository, branch)

    gate = call.gate(repository)

    def work(job: Job, shelf: int) -> dict[str, Any]:
        importing.collect(engine, request, shelf, job.proceed, job.count)
        return commit_shown(moves.land_import(gate, branch, request, shelf, job.begin_landing))

    import_id = await call.run(engine.imports.start, repository, work)
    return json_reply({"id": import_id}, 202)


async def _status(call: Call) -> Reply:
    import_id, repository = call.required("id"), found(call)
    return json_reply(call.engine.imports.status(call.reader, repository, import_id))


async def _cancel(call: Call) -> Reply:
    import_id, repository = call.required("id"), found(call)
    await call.run(call.engine.imports.cancel, repository, import_id)
    return no_content()


HANDLERS: dict[str, Handler] = {
    "importStart": _start,
    "importStatus": _status,
    "importCancel": _cancel,
}
