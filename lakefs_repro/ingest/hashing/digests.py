"""The SHA-256 of objects that others wrote: known already, or streamed once and kept nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lakefs_repro.errors import IntegrityError
from lakefs_repro.ingest.hashing.digest import By, Digest, Key, key_of
from lakefs_repro.ingest.hashing.digest_parts import Parts, forget, quietly, read_parts
from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.model.names import check_dataset_name
from lakefs_repro.snapshot.context import Context
from lakefs_repro.transfer.download_stream import Opens
from lakefs_repro.transfer.hash_object import agrees, hash_many, hash_object, looks_like_md5
from lakefs_repro.transfer.hashing import Hashes
from lakefs_repro.transfer.parallel import run_all
from lakefs_repro.transfer.presigned import SMALL, reading_road

__all__ = ["By", "Digest", "Gathered", "Key", "forget", "gather", "key_of", "known_or_read"]

_WORTH_KEEPING_S: Final = 20.0
_PARTS_OF_ANY_SIZE: Final = ("local", "mem")
_NAMED: Final = 3
_BULK_OBJECTS: Final = 100
_BULK_BYTES: Final = 4 << 20


@dataclass(frozen=True)
class Gathered:
    """The digest of every object by its path, and what it took: objects and bytes that were read.

    ``unproven`` counts those read objects whose checksum at the server proves nothing of their bytes: uploads in
    several parts, stores that encrypt with keys of their own, objects that were linked or imported.
    """

    digests: Mapping[str, Digest]
    read: int = 0
    read_bytes: int = 0
    unproven: int = 0


def known_or_read(
    ctx: Context, dataset: str, commit: str, objects: Sequence[ObjectInfo], *, by: By = "client"
) -> Mapping[str, Digest]:
    """The digest of every object, by its path; see :func:`gather`."""
    return gather(ctx, dataset, commit, objects, by=by).digests


def gather(
    ctx: Context, dataset: str, commit: str, objects: Sequence[ObjectInfo], *, by: By = "client", shard: str = "1-of-1"
) -> Gathered:
    """The digest of every object; what nobody hashed yet is streamed once, ``ctx.threads`` at a time.

    What is hashed is left in the repository as it comes, so that a run that is killed loses a few seconds of it;
    :func:`forget` removes it. Memory stays below ``ctx.threads`` times 2 MiB and what the objects' names take; nothing
    touches the disk. Large objects come straight from the store where the server signs URLs and the store can be
    reached.

    Args:
        ctx: the repository.
        dataset: whose objects they are.
        commit: where they are read.
        objects: as ``commit`` lists them.
        by: who is at work, for the record. A ``worker`` leaves everything; a client of a few seconds' work nothing.
        shard: the share of the work that this is, for the names of what is left.

    Raises:
        IntegrityError: an object is gone, truncated, or not what its checksum promises.
        UnavailableError: the server can't be reached.
    """
    check_dataset_name(dataset)
    pending = {key_of(info): info for info in objects}
    known = read_parts(ctx, dataset, pending)
    missing = [info for key, info in pending.items() if key not in known]
    patience = _WORTH_KEEPING_S if by == "client" else 0.0
    road = reading_road(ctx.repository.objects, ctx.server, ctx.progress.note)
    reading = _Reading(ctx, commit, by, Parts(ctx, dataset, commit, shard, patience_s=patience), road)
    known.update(reading.run(missing))
    return Gathered(
        {info.path: known[key_of(info)] for info in objects},
        read=len(missing),
        read_bytes=sum(info.size for info in missing),
        unproven=reading.unproven,
    )


@dataclass
class _Reading:
    """Reading objects at one commit, and comparing what came with what the server says of them."""

    ctx: Context
    commit: str
    by: By
    parts: Parts
    road: Opens
    proven: int = 0
    unproven: int = 0
    doubtful: list[tuple[ObjectInfo, Digest]] = field(default_factory=list)

    def run(self, missing: Sequence[ObjectInfo]) -> dict[Key, Digest]:
        self.ctx.progress.step("hash", total=sum(info.size for info in missing), unit="B")
        found: dict[Key, Digest] = {}
        try:
            for group in run_all(self._hash_all, self._groups(missing), threads=self.ctx.threads):
                for info, hashes in group:
                    found[key_of(info)] = self._take(info, hashes)
            self._judge()
        except BaseException:
            quietly(self.parts.close)
            raise
        self.parts.close()
        return found

    def _groups(self, missing: Sequence[ObjectInfo]) -> Iterator[list[ObjectInfo]]:
        """What is read at once: one object, or many small ones where the server gives them in one answer."""
        bulk = bool(self.ctx.server.extensions.get("bulk_download"))
        group: list[ObjectInfo] = []
        size = 0
        for info in missing:
            if not bulk or info.size > SMALL:
                yield [info]
                continue
            if group and (size + info.size > _BULK_BYTES or len(group) >= _BULK_OBJECTS):
                yield group
                group, size = [], 0
            group.append(info)
            size += info.size
        if group:
            yield group

    def _hash_all(self, group: list[ObjectInfo]) -> list[tuple[ObjectInfo, Hashes]]:
        done: list[tuple[ObjectInfo, Hashes]] = []
        if len(group) > 1:
            for info, hashes in hash_many(self.ctx.repository.objects, self.commit, group):
                done.append((info, hashes))
                self.ctx.progress.advance(info.size)
        there = {info.path for info, _ in done}
        # What the bulk road lost gets its second try here, and its error.
        return done + [self._hash(info) for info in group if info.path not in there]

    def _hash(self, info: ObjectInfo) -> tuple[ObjectInfo, Hashes]:
        # A URL costs a request, which a small object is not worth.
        road = self.road if info.size > SMALL else self.ctx.repository.objects
        return info, hash_object(road, self.commit, info, done=self.ctx.progress.advance)

    def _take(self, info: ObjectInfo, hashes: Hashes) -> Digest:
        digest = Digest(hashes.sha256, hashes.size, self.by)
        proven = agrees(info, hashes)
        self.proven += proven and bool(info.size)
        self.unproven += not proven
        if proven or not looks_like_md5(info):
            self.parts.add(key_of(info), digest)
        else:
            self.doubtful.append((info, digest))
        return digest

    def _judge(self) -> None:
        """Refuse checksums that should be MD5s and are not, where the store's checksums are known to be MD5s.

        The embedded engine's are. Another store's are when some of this run were. lakeFS on a local folder takes
        uploads in parts of any size through its gateway, so that nothing is known there.

        Raises:
            IntegrityError: the bytes are not those that were written.
        """
        server = self.ctx.server
        known = server.extensions or (self.proven and server.blockstore not in _PARTS_OF_ANY_SIZE)
        if self.doubtful and known:
            space = self.ctx.repository.info().storage_namespace.partition("://")[2].strip("/")
            wrong = [info for info, _ in self.doubtful if f"/{space}/data/" in f"/{info.address.partition('://')[2]}"]
            if wrong:
                raise _mismatch(wrong, self.commit)
        for info, digest in self.doubtful:
            self.parts.add(key_of(info), digest)


def _mismatch(wrong: Sequence[ObjectInfo], commit: str) -> IntegrityError:
    names = ", ".join(info.path for info in wrong[:_NAMED])
    more = f" and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
    return IntegrityError(
        f"{names}{more} at {commit[:12]}: the bytes in the store have another MD5 than the server noted when they were "
        "written.",
        hint="have their writer write them again; the store may be damaged",
        kind="checksum-mismatch",
    )
