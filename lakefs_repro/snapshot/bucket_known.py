"""Which objects of a bucket the newest version has already: known by origin and ETag, and not read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.taken import same_origin
from lakefs_repro.bucket.values import BucketObject, noted
from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import iter_entries
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, sidecar_of

__all__ = ["Compared", "compare", "is_external"]


@dataclass
class Compared:
    """A listing beside the line: what is known, and what is to be taken.

    ``before`` holds the line's entries at the paths that are to be taken: the bytes may turn out to be the same.
    """

    known: dict[str, Entry] = field(default_factory=dict)
    known_bytes: int = 0
    new: list[BucketObject] = field(default_factory=list)
    before: dict[str, Entry] = field(default_factory=dict)


def compare(ctx: Context, line: Line, store: str, address: BucketAddress, files: Iterable[BucketObject]) -> Compared:
    """Compare what was listed, in the order of its paths, with the line's head.

    One listing of the line, a request for each thousand objects; nothing of the bucket is asked.
    """
    compared = Compared()
    pairs = _Pairs(_pairs(ctx, line))
    for found in files:
        pair = pairs.at(found.path)
        if pair is None:
            compared.new.append(found)
        elif _unchanged(pair[0], store, address, found):
            compared.known[found.path] = pair[1]
            compared.known_bytes += found.size
        else:
            compared.new.append(found)
            compared.before[found.path] = pair[1]
    return compared


def _unchanged(info: ObjectInfo, store: str, address: BucketAddress, found: BucketObject) -> bool:
    if info.size != found.size:
        return False
    imported = info.address == address.uri(found.key) and info.checksum == found.etag
    return imported or same_origin(info.metadata, noted(store, address, found))


def is_external(info: ObjectInfo, namespace: str) -> bool:
    """Whether an object's bytes lie outside the repository's storage namespace, where anybody may change them."""
    return "://" in info.address and not info.address.startswith(namespace.rstrip("/") + "/")


class _Pairs:
    """The line's objects with their entries, asked for in the order of their paths."""

    def __init__(self, pairs: Iterator[tuple[ObjectInfo, Entry]]) -> None:
        self._pairs = pairs
        self._next = next(pairs, None)

    def at(self, path: str) -> tuple[ObjectInfo, Entry] | None:
        while self._next is not None and self._next[1].path.encode() < path.encode():
            self._next = next(self._pairs, None)
        return self._next if self._next is not None and self._next[1].path == path else None


def _pairs(ctx: Context, line: Line) -> Iterator[tuple[ObjectInfo, Entry]]:
    if line.annotation is None:
        return
    prefix = dataset_prefix(line.dataset)
    objects = ctx.repository.objects.list(line.head.id, prefix, metadata=True)
    info = next(objects, None)
    for entry in iter_entries(line.annotation.digest, sidecar_of(ctx, line).chunk):
        while info is not None and info.path.encode() < (prefix + entry.path).encode():
            info = next(objects, None)
        if info is not None and info.path == prefix + entry.path and info.size == entry.size:
            yield info, entry
