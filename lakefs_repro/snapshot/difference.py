"""The difference between two snapshots, read from the chunks of their manifests that differ and no others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from lakefs_repro.model.diff import Change, diff, diff_entries
from lakefs_repro.model.difference import ChangeCounts, Compared, FileChange, PartitionChange, compare
from lakefs_repro.model.manifest import iter_entries
from lakefs_repro.snapshot.snapshot import Snapshot


@dataclass(frozen=True)
class SnapshotDifference:
    """What must change to turn ``left`` into ``right``: by file, or by partition.

    Nothing is read before it is asked for, and no data ever: the manifests have every SHA-256. Of two whole
    snapshots, or of the same part of both, only chunks are read in which the manifests differ.
    """

    left: Snapshot
    right: Snapshot

    @property
    def same(self) -> bool:
        """Whether both have the same files."""
        return not self.counts.any

    @property
    def counts(self) -> ChangeCounts:
        """How many files were added, removed, changed and renamed, and their bytes."""
        return self._compared.counts

    @property
    def renames_sought(self) -> bool:
        """False when too many files were added and removed to look for renames among them."""
        return self._compared.renames_sought

    def files(self) -> Iterator[FileChange]:
        """What became of each file, by path; read again while it is iterated over, so that any number may differ."""
        return self._compared.tell(self._changes)

    def partitions(self) -> Iterator[PartitionChange]:
        """The partitions in which something differs, by folder."""
        for folder, counts in sorted(self._compared.by_partition.items()):
            yield PartitionChange(folder, self._state_of(folder), counts)

    def to_json(self) -> dict[str, Any]:
        """Both sides and the counts."""
        return {
            "left": _side(self.left),
            "right": _side(self.right),
            "same": self.same,
            **self.counts.to_json(),
            "renames_sought": self.renames_sought,
        }

    @cached_property
    def _compared(self) -> Compared:
        return compare(self._changes)

    def _changes(self) -> Iterator[Change]:
        left, right = self.left, self.right
        if (left.partition, left.under) != (right.partition, right.under):
            yield from diff_entries(left.files, right.files)
            return
        for change in diff(left.digest, left.files.read_chunk, right.digest, right.files.read_chunk):
            if left.selects(change.path):
                yield change

    def _state_of(self, folder: str) -> Literal["added", "removed", "changed"]:
        if folder and not _has_files(self.left, folder):
            return "added"
        return "removed" if folder and not _has_files(self.right, folder) else "changed"


def _has_files(snapshot: Snapshot, folder: str) -> bool:
    entries = iter_entries(snapshot.digest, snapshot.files.read_chunk, prefix=f"{folder}/")
    return any(snapshot.selects(entry.path) for entry in entries)


def _side(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "ref": str(snapshot),
        "dataset": snapshot.dataset,
        "version": snapshot.version,
        "digest": snapshot.digest,
        "ingest_commit": snapshot.ingest_commit,
    }
