"""A prefix of a bucket as the source of a snapshot: copied by the store itself where it can, else streamed.

What the newest version took from the bucket is noted with each object, so that an ingest every night asks for listings
and takes what changed. Content that was taken is validated where it then lies: nothing can change it any more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.copying import Copying
from lakefs_repro.bucket.estimate import RoadName
from lakefs_repro.bucket.store import Store
from lakefs_repro.bucket.streaming import Streaming
from lakefs_repro.bucket.taken import Taken
from lakefs_repro.bucket.values import BucketObject
from lakefs_repro.errors import IntegrityError, LakefsReproError
from lakefs_repro.ingest.branch.excludes import Excludes
from lakefs_repro.ingest.branch.frozen import FROM
from lakefs_repro.ingest.bucket.listing import Listing, listed
from lakefs_repro.ingest.bucket.scratch import Scratch
from lakefs_repro.ingest.plan import IngestPlan
from lakefs_repro.ingest.source import Counts
from lakefs_repro.ingest.write import Draft, require_changes, unconfirmed
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.snapshot.bucket_known import Compared, compare
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line
from lakefs_repro.tables import TableFile
from lakefs_repro.transfer.parallel import run_all
from lakefs_repro.transfer.ranged import RangeCache, ranged_object

__all__ = ["BucketSource", "FromBucket"]

Road = Copying | Streaming

_NOT_THIS_ROAD: Final = frozenset({
    "other-store", "bucket-denied", "bucket-not-found", "bucket-failed", "no-bucket-credentials", "not-implemented",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class FromBucket:
    """What is asked of a bucket.

    Args:
        dataset: whose data lies there.
        address: where.
        exclude: globs of what is no data.
        default_excludes: whether what other programs leave beside their data is left out, too.
        under: a folder in the dataset to put everything under.
        stream: let the bytes pass through here even where the store could copy them.
    """

    dataset: str
    address: BucketAddress
    exclude: tuple[str, ...] = ()
    default_excludes: bool = True
    under: str = ""
    stream: bool = False


class BucketSource:
    """The objects below one address, as they are listed once."""

    def __init__(self, ctx: Context, store: Store, asked: FromBucket) -> None:
        self._ctx = ctx
        self._store = store
        self._asked = asked
        self._prefix = dataset_prefix(asked.dataset)
        self._scratch = Scratch(ctx, asked.dataset, store.endpoint, asked.address, asked.under)
        self._listing = Listing()
        self._compared = Compared()
        self._line: Line | None = None
        self._taken: dict[str, Taken] = {}
        self._by = frozenset({"client"})
        self._counts = Counts()
        self._cache = RangeCache()

    @property
    def dataset(self) -> str:
        """Whose data it is."""
        return self._asked.dataset

    @property
    def store(self) -> Store:
        """Which holds the bucket."""
        return self._store

    @property
    def address(self) -> BucketAddress:
        """Where the objects lie."""
        return self._asked.address

    @property
    def listing(self) -> Listing:
        """What :meth:`find` found."""
        return self._listing

    @property
    def road(self) -> RoadName:
        """The road that will be tried first."""
        copies = self._ctx.server.blockstore == "s3" and not self._asked.stream
        return "copy" if copies else "stream"

    @property
    def intent(self) -> str:
        asked = self._asked
        return json.dumps(["bucket", self._store.endpoint, str(asked.address), asked.default_excludes])

    @property
    def excluded(self) -> int:
        return self._listing.excluded

    @property
    def extra(self) -> Mapping[str, str]:
        return {FROM: str(self._asked.address)}

    @property
    def sha256_by(self) -> frozenset[str]:
        return self._by

    @property
    def counts(self) -> Counts:
        return self._counts

    def find(self) -> None:
        """List the bucket, once.

        Raises:
            InvalidError: there is nothing, or keys that can't be kept, all of which are counted.
        """
        if self._listing.files:
            return  # it was planned before, and what was shown is what is taken
        self._ctx.progress.step("scan")
        asked = self._asked
        excludes = Excludes(asked.exclude, defaults=asked.default_excludes)
        self._listing = listed(self._store, asked.address, self._prefix, excludes, asked.under)

    def entries(self, line: Line) -> Mapping[str, Entry]:
        """Take what the line does not have, and know the SHA-256 of everything then."""
        compared = self.compare(line)
        self._compared, self._line = compared, line
        if compared.new:
            self._take(line, compared)
        made = dict(compared.known)
        for found in compared.new:
            made[found.path] = Entry(found.path, found.size, self._taken[found.path].sha256)
        self._note(line, compared)
        return made

    def compare(self, line: Line) -> Compared:
        """What was listed beside what the line has of it."""
        return compare(self._ctx, line, self._store.endpoint, self._asked.address, self._listing.files)

    def _take(self, line: Line, compared: Compared) -> None:
        """Bring what is new onto the branch aside, by the best road that is open."""
        self._taken = self._scratch.open(line, compared.new)
        missing = [found for found in compared.new if found.path not in self._taken]
        self._ctx.progress.step("copy", total=sum(found.size for found in missing), unit="B")
        if missing:
            road, missing = self._road(missing)
            # The largest begin first, so that nobody waits for one of them alone at the end.
            missing.sort(key=lambda found: found.size, reverse=True)
            for taken in run_all(road.take, missing, threads=self._ctx.threads):
                self._arrived(taken, copied=isinstance(road, Copying))
        for path, before in compared.before.items():
            if self._taken[path].sha256 == before.sha256:
                self._scratch.forget(path)  # the same bytes under another ETag

    def _road(self, missing: list[BucketObject]) -> tuple[Road, list[BucketObject]]:
        """The road for what is missing, and what is missing after it was tried with the smallest object."""
        ctx, asked = self._ctx, self._asked
        repository, branch = ctx.repository, self._scratch.branch
        if self.road == "copy":
            copying = Copying(self._store, asked.address, repository, branch, self._prefix, threads=ctx.threads)
            first = min(missing, key=lambda found: found.size)
            try:
                taken = copying.take(first)
                copying.prove(taken)
            except LakefsReproError as error:
                if error.kind not in _NOT_THIS_ROAD:
                    raise
                ctx.progress.note(f"the store can't copy by itself, so the bytes pass through here: {error.message}")
            else:
                self._arrived(taken, copied=True)
                return copying, [found for found in missing if found is not first]
        multipart = ctx.server.presign_multipart
        return Streaming(self._store, asked.address, repository, branch, self._prefix, multipart=multipart), missing

    def _arrived(self, taken: Taken, *, copied: bool) -> None:
        self._taken[taken.path] = taken
        self._count(hashed=taken.by == "client", copied=copied, uploaded=not copied, size=taken.size)
        self._ctx.progress.advance(taken.size)

    def _count(self, *, size: int, **did: int) -> None:
        """Note that objects, ``size`` bytes together, were hashed, copied, uploaded or imported."""
        before = self._counts
        more = {name: getattr(before, name) + count for name, count in did.items()}
        more |= {f"{name}_bytes": getattr(before, f"{name}_bytes") + bool(count) * size for name, count in did.items()}
        self._counts = replace(before, **more)

    def _note(self, line: Line, compared: Compared) -> None:
        self._counts = replace(self._counts, reused=len(compared.known), reused_bytes=compared.known_bytes)
        old = line.annotation.sha256_by.split(",") if compared.known and line.annotation else []
        new = {self._taken[found.path].by for found in compared.new}
        self._by = frozenset(filter(None, (*old, *new))) or frozenset({"client"})

    def table(self, path: str) -> TableFile | None:
        if path in self._taken:
            ref, size = self._scratch.branch, self._taken[path].size
        elif path in self._compared.known and self._line is not None:
            ref, size = self._line.head.id, self._compared.known[path].size
        else:
            return None
        objects = self._ctx.repository.objects
        return TableFile(path, remote=ranged_object(objects, ref, self._prefix + path, size, cache=self._cache))

    def place(self, draft: Draft, plan: IngestPlan) -> Draft:
        """What is new lies on the branch aside already; the ingest branch takes its tree over."""
        self._ctx.progress.step("upload")
        if not self._compared.new:
            self._scratch.open(draft.line, ())
        self._scratch.align(draft.line, plan, {found.path for found in self._compared.new})
        return Draft(self._ctx, draft.line, draft.ulid, fresh=False, aside=self._scratch.branch)

    def confirm(self, draft: Draft, made: Commit, plan: IngestPlan) -> None:
        """Compare the commit with what was taken, by checksum, size and place.

        Raises:
            IntegrityError: it holds something else. The branch aside is given up then.
        """
        try:
            require_changes(draft, made, plan)
            wanted = {self._prefix + entry.path: self._taken.get(entry.path) for entry in plan.new}
            for info in self._ctx.repository.objects.list(made.id, self._prefix):
                taken = wanted.pop(info.path, None)
                if taken and (info.checksum, info.size) != (taken.checksum, taken.size):
                    raise unconfirmed(draft, f"{info.path} has other bytes than were taken")
            if wanted:
                raise unconfirmed(draft, f"{min(wanted)} is not there")
        except IntegrityError:
            self._scratch.drop()
            raise

    def close(self) -> None:
        """Delete the branch aside."""
        self._scratch.drop()
