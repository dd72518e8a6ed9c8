"""The table files of what would become a snapshot: the new ones, those that stay, and Delta tables among them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from lakefs_repro.errors import IntegrityError, RejectedError
from lakefs_repro.ingest.plan import IngestPlan
from lakefs_repro.ingest.source import Source
from lakefs_repro.lake.wire import Retry
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import iter_entries
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, sidecar_of
from lakefs_repro.snapshot.sidecar import Sidecar
from lakefs_repro.tables import DeltaTables, TableFile, is_delta_log, table_format
from lakefs_repro.transfer.download_stream import Wanted, blocks_of, check_hash
from lakefs_repro.transfer.hashing import hash_file
from lakefs_repro.transfer.parallel import run_all
from lakefs_repro.transfer.ranged import RangeCache, RangedObject

DOWNLOADED_BELOW: Final = 64 << 20
"""Files that stay and that the source lacks are downloaded and verified while they are no more bytes than this
altogether: that takes seconds, and finds damage. Beyond it only the ranges that a check needs are read, as they are in
the store: their hashes were compared when they came, and a check over terabytes must not fill a disk."""


@dataclass(frozen=True)
class PlannedTables:
    """The files of a planned snapshot that have to do with tables.

    Args:
        ctx: the repository.
        line: where the dataset stands.
        plan: what would change.
        source: what is ingested.
        spill: a private folder for what is downloaded.
        had_delta: whether the line's head holds a Delta table.
    """

    ctx: Context
    line: Line
    plan: IngestPlan
    source: Source
    spill: Path
    had_delta: bool

    @cached_property
    def new(self) -> list[TableFile]:
        """The table files whose bytes the line's head lacks."""
        found = (self.source.table(entry.path) for entry in self.plan.new if table_format(entry.path))
        return [file for file in found if file is not None]

    @cached_property
    def delta(self) -> DeltaTables:
        """The Delta tables of the whole snapshot, as their logs would then be."""
        if not self.had_delta and not any(is_delta_log(path) for path in self._changed):
            return DeltaTables()
        entries = {entry.path: entry for entry in (*self._staying(), *self.plan.new)}
        logs = [entry for entry in entries.values() if is_delta_log(entry.path)]
        return DeltaTables.among(self._files(logs, download=True), entries.keys())

    def rest(self) -> list[TableFile]:
        """The table files that stay as they are."""
        staying = [entry for entry in self._staying() if self.delta.is_row_file(entry.path)]
        return self._files(staying)

    def revived(self, checked: Collection[str]) -> list[TableFile]:
        """Files that stay, hold rows by a Delta log, and are not among the ``checked`` ones.

        A table that was taken back to an older version of its own names files again that had been none of it.
        """
        new = {entry.path for entry in self.plan.new}
        wanted = {path for table in self.delta.tables for path in table.files}.difference(checked, new)
        return self._files([entry for entry in self._staying() if entry.path in wanted]) if wanted else []

    @property
    def _changed(self) -> Iterator[str]:
        yield from (entry.path for entry in self.plan.new)
        yield from self.plan.remove

    def _staying(self) -> Iterator[Entry]:
        if not self.line.begun or self.line.annotation is None:
            return
        gone = set(self._changed)
        for entry in iter_entries(self.line.annotation.digest, self._sidecar.chunk):
            if entry.path not in gone:
                yield entry

    @cached_property
    def _sidecar(self) -> Sidecar:
        return sidecar_of(self.ctx, self.line)

    def _files(self, entries: Iterable[Entry], *, download: bool = False) -> list[TableFile]:
        """Each from the source where it has it; else from the line's head."""
        held: list[TableFile] = []
        stored: list[Entry] = []
        for entry in entries:
            file = self.source.table(entry.path)
            if file is None:
                stored.append(entry)
            else:
                held.append(file)
        if download or sum(entry.size for entry in stored) <= DOWNLOADED_BELOW:
            return [*held, *run_all(self._downloaded, stored, threads=self.ctx.threads)]
        cache = RangeCache()
        return [*held, *(self._ranged(entry, cache) for entry in stored)]

    def _downloaded(self, entry: Entry) -> TableFile:
        sidecar = self._sidecar
        # A path may be hostile, or too long here.
        target = self.spill / "rest" / hashlib.sha256(entry.path.encode()).hexdigest()
        target.parent.mkdir(parents=True, exist_ok=True)
        wanted = Wanted(dataset_prefix(sidecar.dataset) + entry.path, entry.size, entry.sha256)
        try:
            with target.open("wb") as file:
                for block in blocks_of(sidecar.objects, sidecar.commit, wanted, Retry()):
                    file.write(block)
            check_hash(wanted, sidecar.commit, hash_file(target).sha256)
        except IntegrityError as error:
            raise self._damaged(entry, error) from error
        return TableFile(entry.path, target)

    def _ranged(self, entry: Entry, cache: RangeCache) -> TableFile:
        sidecar = self._sidecar
        path = dataset_prefix(sidecar.dataset) + entry.path

        def fetch(start: int, length: int) -> bytes:
            try:
                return sidecar.objects.get_range(sidecar.commit, path, start, length, size=entry.size)
            except IntegrityError as error:
                raise self._damaged(entry, error) from error

        return TableFile(entry.path, remote=RangedObject(path, entry.size, fetch, cache))

    def _damaged(self, entry: Entry, error: IntegrityError) -> RejectedError:
        return RejectedError(
            f"{entry.path} at {self._sidecar.commit[:12]} is not what its manifest promises: {error.message}",
            hint="`lakefs-repro verify --deep` tells what else is damaged",
            kind="stored-data-damaged",
        )
