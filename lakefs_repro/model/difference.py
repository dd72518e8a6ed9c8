"""What separates two snapshots, counted and told file by file or partition by partition.

Built on :mod:`lakefs_repro.model.diff`, which finds the paths. Memory is bounded: the changes are gone through twice,
once to count and to pair renames, and once to tell them, and only up to :data:`MAX_RENAMES` of them are ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from lakefs_repro.model.diff import Change, Rename, pair_renames
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.paths import partition_folder

__all__ = ["MAX_RENAMES", "ChangeCounts", "Compared", "FileChange", "PartitionChange", "compare"]

MAX_RENAMES: Final = 100_000
"""With more files added and removed than this, renames are not looked for: they would have to be held in memory."""

ChangeKind = Literal["added", "removed", "changed", "renamed"]
Changes = Callable[[], Iterator[Change]]


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that differs; renamed when the same bytes stood under ``before.path``."""

    kind: ChangeKind
    before: Entry | None
    after: Entry | None

    @property
    def path(self) -> str:
        """Where it is now, or was."""
        entry = self.after or self.before
        return entry.path if entry else ""

    def to_json(self) -> dict[str, Any]:
        """For ``--json``; what does not apply is null."""
        before, after = self.before, self.after
        return {
            "kind": self.kind,
            "path": self.path,
            "renamed_from": before.path if before and self.kind == "renamed" else None,
            "size_before": before.size if before else None,
            "size": after.size if after else None,
            "sha256_before": before.sha256 if before else None,
            "sha256": after.sha256 if after else None,
        }


@dataclass(slots=True)
class ChangeCounts:
    """Files by what became of them, and the bytes of files that only one side has; a rename has none."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    renamed: int = 0
    bytes_added: int = 0
    bytes_removed: int = 0

    @property
    def any(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.changed or self.renamed)

    def count(self, change: Change, by: int = 1) -> None:
        """Count a change, or with ``-1`` take it back."""
        setattr(self, change.kind, getattr(self, change.kind) + by)
        self.bytes_added += by * change.after.size if change.after else 0
        self.bytes_removed += by * change.before.size if change.before else 0

    def to_json(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class PartitionChange:
    """A partition in which something differs.

    Attributes:
        partition: its folder in the dataset, such as ``year=2024/month=3``; "" for files outside of partitions.
        state: ``added`` when the left side has no file in it, ``removed`` when the right side has none.
        counts: of its files. One that came from another partition counts as added here and removed there.
    """

    partition: str
    state: Literal["added", "removed", "changed"]
    counts: ChangeCounts

    def to_json(self) -> dict[str, Any]:
        return {"partition": self.partition, "state": self.state, **self.counts.to_json()}


@dataclass(frozen=True)
class Compared:
    """The counts of a comparison, and the renames that were found: ``origins`` by the path that each has now.

    ``renames_sought`` is False when there were too many additions and removals to look for renames.
    """

    counts: ChangeCounts
    by_partition: Mapping[str, ChangeCounts]
    renames_sought: bool
    origins: Mapping[str, Entry]

    def tell(self, changes: Changes) -> Iterator[FileChange]:
        """The same changes again, one by one, by path; a rename stands where the file is now."""
        gone = {entry.path for entry in self.origins.values()}
        for change in changes():
            origin = self.origins.get(change.path)
            if change.kind == "added" and origin is not None:
                yield FileChange("renamed", origin, change.after)
            elif change.kind != "removed" or change.path not in gone:
                yield FileChange(change.kind, change.before, change.after)


def compare(changes: Changes, *, most_renames: int = MAX_RENAMES) -> Compared:
    """Count changes, and pair renames where there are not too many.

    Args:
        changes: yields all changes, by path, each time it is called.
        most_renames: how many additions and removals may be held to pair them.
    """
    total = ChangeCounts()
    partitions: dict[str, ChangeCounts] = {}
    held: list[Change] | None = []
    for change in changes():
        total.count(change)
        partitions.setdefault(partition_folder(change.path), ChangeCounts()).count(change)
        if held is not None and change.kind != "changed":
            held.append(change)
            if len(held) > most_renames:
                held = None
    _, renames = pair_renames(held or ())
    for rename in renames:
        folder = partition_folder(rename.after.path)
        _count_rename(total, rename)
        if folder == partition_folder(rename.before.path):
            _count_rename(partitions[folder], rename)
    return Compared(total, partitions, held is not None, {r.after.path: r.before for r in renames})


def _count_rename(counts: ChangeCounts, rename: Rename) -> None:
    counts.count(Change("removed", rename.before.path, rename.before, None), -1)
    counts.count(Change("added", rename.after.path, None, rename.after), -1)
    counts.renamed += 1
