"""Many objects in one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lakefs_repro.embedded.app_root import API_ROOT
from lakefs_repro.embedded.byteranges import ByteRange
from lakefs_repro.embedded.call import checked, quoted
from lakefs_repro.embedded.errors import ApiError, bad_request, not_found
from lakefs_repro.embedded.frames import frame_header
from lakefs_repro.embedded.reply import Reply
from lakefs_repro.embedded.routes.config import BULK_CONTENT_TYPE, MAX_OBJECTS
from lakefs_repro.embedded.routes.download import open_at, read_small, stream_file
from lakefs_repro.embedded.routes.repositories import found
from lakefs_repro.embedded.store import expressions
from lakefs_repro.embedded.store.addresses import place_of
from lakefs_repro.embedded.store.blocks import SMALL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.entry import Entry

_BATCH_BYTES = 2 * 1024 * 1024
_BATCH_ITEMS = 500


async def _download(call: Call) -> Reply:
    paths = checked(await call.json(), "BulkPaths", {"paths": "array*"})["paths"]
    if not all(isinstance(path, str) for path in paths):
        raise bad_request('request body has an error: Error at "/paths": value must be a string')
    if len(paths) > MAX_OBJECTS:
        raise bad_request(f"request size exceeded, max paths is set to {MAX_OBJECTS}")
    repository, ref = found(call), call.params["ref"]

    def look_up() -> list[Entry | None]:
        with call.engine.database.snapshot() as connection:
            resolved = expressions.resolve(connection, repository, ref)
            view = call.engine.view(connection, resolved)
            return [view.lookup(path) for path in paths]

    wanted = list(zip(paths, await call.run(look_up), strict=True))
    base = f"{API_ROOT}repositories/{repository.name}/refs/{quote(ref, safe='')}/objects?path="
    call.log_lines(("GET-BULK", base + quoted(path), 200 if entry else 404, 0) for path, entry in wanted)
    headers = [(b"content-type", BULK_CONTENT_TYPE.encode())]
    return Reply(200, headers=headers, stream=_frames(call, wanted))


async def _frames(call: Call, wanted: list[tuple[str, Entry | None]]) -> AsyncIterator[bytes]:
    batch: list[tuple[str, Entry | None]] = []
    weight = 0
    for path, entry in wanted:
        if entry is not None and entry.size > SMALL:
            yield await call.run(_small_frames, call.engine, batch)
            batch, weight = [], 0
            async for chunk in _large_frame(call, entry):
                yield chunk
            continue
        batch.append((path, entry))
        weight += entry.size if entry else 0
        if weight >= _BATCH_BYTES or len(batch) >= _BATCH_ITEMS:
            yield await call.run(_small_frames, call.engine, batch)
            batch, weight = [], 0
    yield await call.run(_small_frames, call.engine, batch)


def _small_frames(engine: Engine, batch: list[tuple[str, Entry | None]]) -> bytes:
    pieces: list[bytes] = []
    for path, entry in batch:
        try:
            if entry is None:
                raise not_found()
            place = place_of(engine, entry)
            data = read_small(engine, place, ByteRange(0, entry.size, entry.size))
            pieces += [frame_header(_said(entry)), data]
        except ApiError as error:
            pieces.append(_refused(path, error))
    return b"".join(pieces)


async def _large_frame(call: Call, entry: Entry) -> AsyncIterator[bytes]:
    try:
        place = place_of(call.engine, entry)
        handle, start = open_at(place, ByteRange(0, entry.size, entry.size))
    except ApiError as error:
        yield _refused(entry.path, error)
        return
    yield frame_header(_said(entry))
    async for chunk in stream_file(call, handle, start, entry.size):
        yield chunk


def _said(entry: Entry) -> dict[str, Any]:
    return {"path": entry.path, "size": entry.size, "checksum": entry.checksum}


def _refused(path: str, error: ApiError) -> bytes:
    return frame_header({"path": path, "status": error.status, "message": error.message})


HANDLERS: dict[str, Handler] = {"bulkDownload": _download}
