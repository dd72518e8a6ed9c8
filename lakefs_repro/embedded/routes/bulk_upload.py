"""Many objects in one request, landed by few commits to disk."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.app_root import API_ROOT
from lakefs_repro.embedded.call import checked, quoted
from lakefs_repro.embedded.errors import ApiError, bad_request
from lakefs_repro.embedded.frames import FrameReader
from lakefs_repro.embedded.intake import Content, content_of
from lakefs_repro.embedded.reply import JSON_HEADERS, Reply, encoded
from lakefs_repro.embedded.routes.config import BULK_CONTENT_TYPE, MAX_OBJECTS
from lakefs_repro.embedded.routes.repositories import writable
from lakefs_repro.embedded.routes.upload import take
from lakefs_repro.embedded.store import objects
from lakefs_repro.embedded.store.blocks import SMALL
from lakefs_repro.embedded.store.entry import Entry

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.repositories import Repository

_BATCH_BYTES = 4 * 1024 * 1024
_BATCH_ITEMS = 1000
_IN_FLIGHT = 2
_FULL = 507
_HEADER = {
    "path": "string*",
    "size": "integer*",
    "content_type": "string",
    "user_metadata": "strings",
    "if_absent": "boolean",
}


@dataclass(frozen=True)
class _Item:
    header: dict[str, Any]
    content: bytes | Content

    @property
    def path(self) -> str:
        path: str = self.header["path"]
        return path


class _Batches:
    """Collects items, and lands them batch by batch while the next ones come in."""

    def __init__(self, call: Call, repository: Repository, branch: str) -> None:
        self._call = call
        self._repository = repository
        self._branch = branch
        self._items: list[_Item] = []
        self._bytes = 0
        self._tasks: list[asyncio.Task[bytes]] = []
        self._log_base = f"{API_ROOT}repositories/{repository.name}/branches/{branch}/objects?path="
        self._count = 0
        self.landed = 0

    async def add(self, item: _Item) -> None:
        self._count += 1
        if self._count > MAX_OBJECTS:
            raise bad_request(f"bulk: more than {MAX_OBJECTS} objects in one request")
        self._items.append(item)
        self._bytes += len(item.content) if isinstance(item.content, bytes) else 0
        if self._bytes >= _BATCH_BYTES or len(self._items) >= _BATCH_ITEMS:
            await self._land()

    async def _land(self) -> None:
        if len(self._tasks) >= _IN_FLIGHT:
            await self._tasks[-_IN_FLIGHT]
        items, self._items, self._bytes = self._items, [], 0
        previous = self._tasks[-1] if self._tasks else None
        self._tasks.append(asyncio.create_task(self._stage(items, previous)))

    async def finish(self) -> bytes:
        """The results of all, as the elements of a JSON array."""
        if self._items:
            await self._land()
        return b",".join([await task for task in self._tasks])

    async def settle(self) -> None:
        """Wait for what is under way, whatever becomes of it."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _stage(self, items: list[_Item], previous: asyncio.Task[bytes] | None) -> bytes:
        contents = await self._call.run(_hashed, items)
        if previous is not None:
            await previous  # of two frames with one path, the later one wins
        now, engine = self._call.engine.now(), self._call.engine
        entries = [_entry(item, content, now) for item, content in zip(items, contents, strict=True)]

        def stage(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            branch = objects.writable_branch(engine, connection, self._repository, self._branch)
            view = objects.head_view(engine, connection, self._repository, branch)
            results = []
            for item, entry, content in zip(items, entries, contents, strict=True):
                problem = _problem(item.path)
                if problem is None and item.header.get("if_absent") and view.lookup(entry.path):
                    problem = ApiError(412, "path already exists")
                if problem is None:
                    content.keep(engine.blocks, connection)
                    engine.staging.put(connection, branch.id, entry)
                results.append(_result(entry, problem))
            return results

        results = await self._call.write(stage)
        self.landed += len(results)
        return self._reported(results)

    def _reported(self, results: list[dict[str, Any]]) -> bytes:
        """Log a batch, and keep of it no more than its part of the answer."""
        self._call.log_lines(
            ("PUT-BULK", self._log_base + quoted(each["path"]), each["status"], each.get("size_bytes", 0))
            for each in results
        )
        return b",".join(encoded(each).rstrip() for each in results)


def _hashed(items: list[_Item]) -> list[Content]:
    return [content_of(item.content) if isinstance(item.content, bytes) else item.content for item in items]


def _entry(item: _Item, content: Content, now: int) -> Entry:
    content_type = item.header.get("content_type") or "application/octet-stream"
    metadata = {name.lower(): value for name, value in (item.header.get("user_metadata") or {}).items()}
    return Entry(item.path, content.checksum, content.size, now, content.block, content_type, metadata or None)


def _problem(path: str) -> ApiError | None:
    try:
        if not path:
            raise bad_request("path: empty value is not allowed")
        objects.require_path(path)
    except UnicodeEncodeError:
        return bad_request("path: not UTF-8")
    except ApiError as error:
        return error
    return None


def _result(entry: Entry, problem: ApiError | None) -> dict[str, Any]:
    if problem is not None:
        return {"path": entry.path, "status": problem.status, "message": problem.message}
    return {"path": entry.path, "checksum": entry.checksum, "size_bytes": entry.size, "status": 201}


async def _upload(call: Call) -> Reply:
    if (call.header(b"content-type") or "").partition(";")[0].strip() != BULK_CONTENT_TYPE:
        raise ApiError(415, f"the bulk road takes {BULK_CONTENT_TYPE}")
    repository, branch = writable(call), call.params["branch"]
    objects.writable_branch(call.engine, call.reader, repository, branch)
    batches, reader = _Batches(call, repository, branch), FrameReader(call.chunks())
    try:
        while (header := await reader.header()) is not None:
            size = checked(header, "BulkFrame", _HEADER)["size"]
            content = await reader.body(size) if size <= SMALL else await take(call, reader.stream(size))
            await batches.add(_Item(header, content))
        results = await batches.finish()
    except ApiError as error:
        await batches.settle()
        if error.status == _FULL and batches.landed:
            raise ApiError(_FULL, "no space left on the engine's disk: only some objects were written") from error
        raise
    finally:
        await batches.settle()
    return Reply(200, b'{"results":[' + results + b"]}\n", JSON_HEADERS)


HANDLERS: dict[str, Handler] = {"bulkUpload": _upload}
