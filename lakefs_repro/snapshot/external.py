"""Objects that a snapshot lists and that lie elsewhere: has their bucket changed, or lost, them since?

A probe of the last byte finds what is gone or shorter, but not what was overwritten by as many bytes. So the store
itself is asked for the ETag, by a URL that the server signs. Where that is another one than was noted, or
nobody can be asked, all bytes are read and hashed: the same bytes under another ETag are no damage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from lakefs_repro.errors import InvalidError, LakefsReproError, UnavailableError
from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.model.entry import Entry
from lakefs_repro.snapshot.snapshot import Snapshot
from lakefs_repro.transfer.download import Wanted
from lakefs_repro.transfer.parallel import run_all
from lakefs_repro.transfer.presigned import reads_presigned

__all__ = ["Looked", "look_at_sources"]

_OK: Final = (200, 206)


@dataclass(frozen=True, slots=True)
class Looked:
    """One object, what is wrong with it (``None`` when nothing is), and how many of its bytes were read."""

    wanted: Wanted
    error: LakefsReproError | None
    read_bytes: int


def look_at_sources(snapshot: Snapshot, pairs: Iterable[tuple[ObjectInfo, Entry]]) -> Iterator[Looked]:
    """Compare objects that lie elsewhere with what was noted of them.

    Raises:
        UnavailableError: the server can't be reached, which says nothing about the objects.
    """
    ctx = snapshot.context
    doubtful: list[Wanted] = []
    if reads_presigned(ctx.server):
        for wanted, same in run_all(lambda pair: _same(snapshot, *pair), pairs, threads=ctx.threads):
            if same:
                yield Looked(wanted, None, min(wanted.size, 1))
            else:
                doubtful.append(wanted)
    else:
        doubtful = [snapshot.wanted(entry) for _, entry in pairs]
    for wanted, error in snapshot.downloader().check(snapshot.ingest_commit, doubtful):
        yield Looked(wanted, error, wanted.size)


def _same(snapshot: Snapshot, info: ObjectInfo, entry: Entry) -> tuple[Wanted, bool]:
    """Whether the store has the object under the ETag that was noted, with its last byte."""
    objects, wanted = snapshot.context.repository.objects, snapshot.wanted(entry)
    try:
        url = objects.presigned_url(snapshot.ingest_commit, wanted.path)
        response = objects.open_url(url, start=max(0, entry.size - 1))
    except (UnavailableError, InvalidError):
        return wanted, False
    try:
        etag = response.headers.get("ETag", "").strip('"')
        length = response.headers.get("Content-Length", "")
        return wanted, response.status in _OK and etag == info.checksum and length == str(min(1, entry.size))
    finally:
        response.close()
