"""Repositories: create, read, list, delete, metadata."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.call import checked
from lakefs_repro.embedded.errors import bad_request, prefixed
from lakefs_repro.embedded.reply import json_reply, no_content, page_reply
from lakefs_repro.embedded.store import commits, refs, repositories, samples

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.repositories import Repository

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
_NAMESPACE = re.compile(r"(s3|gs|https?|mem|local|transient)://.*")
_CREATION = {
    "name": "string*",
    "storage_namespace": "string*",
    "default_branch": "string",
    "sample_data": "boolean",
    "read_only": "boolean",
    "storage_id": "string",
}


def _shown(repository: Repository) -> dict[str, Any]:
    return {
        "creation_date": repository.creation_date,
        "default_branch": repository.default_branch,
        "id": repository.name,
        "read_only": repository.read_only,
        "storage_id": "",
        "storage_namespace": repository.namespace,
    }


def found(call: Call) -> Repository:
    """The repository that the path names; 404 when it is not there."""
    name = call.params["repository"]
    if not _NAME.fullmatch(name):
        raise bad_request("argument repository: repository id: invalid value: validation error")
    return repositories.find(call.reader, name)


def writable(call: Call, *, force: bool = False) -> Repository:
    """The same, and 403 when it is read-only and the write is not forced."""
    repository = found(call)
    if not force:
        repository.require_writable()
    return repository


def _require_pattern(name: str, value: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(value):
        raise bad_request(
            "request body has an error: doesn't match schema #/components/schemas/RepositoryCreation: "
            f'Error at "/{name}": string doesn\'t match the regular expression "^{pattern.pattern}$"'
        )


async def _create(call: Call) -> Reply:
    body = checked(await call.json(), "RepositoryCreation", _CREATION)
    name, namespace = body["name"], body["storage_namespace"]
    _require_pattern("name", name, _NAME)
    _require_pattern("storage_namespace", namespace, _NAMESPACE)
    default_branch = body.get("default_branch") or "main"
    bare = call.flag("bare")
    now = call.engine.now()

    def create(connection: sqlite3.Connection) -> Repository:
        made = repositories.create(
            connection,
            name,
            namespace=namespace,
            default_branch=default_branch,
            read_only=body.get("read_only", False),
            now=now,
            storage_id=body.get("storage_id", ""),
        )
        if not bare:
            first = commits.make(
                made,
                (),
                committer="",
                message="Repository created",
                creation_date=call.engine.moment(),
                metarange_id="",
                metadata={},
            )
            commits.insert(connection, made, first)
            refs.create_branch(connection, made, default_branch, first.id, hidden=False)
        return made

    made = await call.write(create)
    if body.get("sample_data") and not bare:
        with prefixed("error populating sample repository: "):
            await call.run(samples.populate, call.engine, made)
    shown = _shown(made)
    if bare:
        del shown["read_only"]
    return json_reply(shown, 201)


async def _get(call: Call) -> Reply:
    return json_reply(_shown(found(call)))


async def _list(call: Call) -> Reply:
    amount = call.amount()
    rows = repositories.listing(
        call.reader,
        prefix=call.query("prefix"),
        after=call.query("after"),
        search=call.query("search"),
        limit=amount + 1,
    )
    shown = [_shown(row) for row in rows[:amount]]
    more = len(rows) > amount
    return page_reply(shown, has_more=more, next_offset=rows[amount - 1].name if more else "")


async def _delete(call: Call) -> Reply:
    repository = writable(call, force=call.flag("force"))
    await call.write(lambda connection: repositories.delete(connection, repository))
    return no_content()


async def _metadata(call: Call) -> Reply:
    return json_reply(repositories.setting(call.reader, found(call), "metadata") or {})


async def _set_metadata(call: Call) -> Reply:
    body = checked(await call.json(), "RepositoryMetadataSet", {"metadata": "strings*"})
    repository = found(call)

    def save(connection: sqlite3.Connection) -> None:
        known = repositories.setting(connection, repository, "metadata") or {}
        repositories.save_setting(connection, repository, "metadata", {**known, **body["metadata"]})

    await call.write(save)
    return no_content()


async def _delete_metadata(call: Call) -> Reply:
    body = checked(await call.json(), "RepositoryMetadataKeys", {"keys": "array*"})
    repository = found(call)

    def save(connection: sqlite3.Connection) -> None:
        known = repositories.setting(connection, repository, "metadata") or {}
        left = {key: value for key, value in known.items() if key not in body["keys"]}
        repositories.save_setting(connection, repository, "metadata", left)

    await call.write(save)
    return no_content()


HANDLERS: dict[str, Handler] = {
    "createRepository": _create,
    "getRepository": _get,
    "listRepositories": _list,
    "deleteRepository": _delete,
    "getRepositoryMetadata": _metadata,
    "setRepositoryMetadata": _set_metadata,
    "deleteRepositoryMetadata": _delete_metadata,
}
