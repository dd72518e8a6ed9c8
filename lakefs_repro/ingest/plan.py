"""From what is there and what was found to what has to be done: pure, so that a dry run can print it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lakefs_repro.errors import ConflictError, InvalidError, RejectedError
from lakefs_repro.ingest.request import Mode
from lakefs_repro.model.diff import diff
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import Manifest, build, iter_chunk_names, iter_entries
from lakefs_repro.snapshot.sidecar import ReadChunk, overlay


@dataclass(frozen=True)
class IngestPlan:
    """What separates the line's head from the wanted snapshot.

    ``new`` holds the files whose bytes the line's head lacks, ``remove`` the dataset's paths to delete, ``new_chunks``
    the manifest chunks that the line's head lacks and ``old_chunks`` those that it no longer needs.
    """

    manifest: Manifest
    new: tuple[Entry, ...]
    remove: tuple[str, ...]
    added: int
    changed: int
    new_chunks: Mapping[str, bytes]
    old_chunks: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.new and not self.remove

    @property
    def new_bytes(self) -> int:
        """Bytes of data that the line's head lacks."""
        return sum(entry.size for entry in self.new)


def make_plan(
    entries: Mapping[str, Entry],
    *,
    mode: Mode,
    root: str | None,
    read: ReadChunk | None,
    allow_shrink: bool = False,
    within: Callable[[str], bool] | None = None,
) -> IngestPlan:
    """Compare the entries of a source with the manifest ``root`` that ``read`` reads chunks of.

    Args:
        entries: the source, by path.
        mode: whether the source replaces what is there, or is added to it.
        root: the manifest of the line's head, ``None`` before the first ingest.
        read: reads its chunks.
        allow_shrink: let a replacement lose more than half of the files.
        within: which paths are replaced; all of them without it. Of a part, it is its number of files that may not
            shrink below half.

    Raises:
        ConflictError: appending a path that exists with other bytes.
        RejectedError: replacing would lose more than half of the files.
    """
    chunks: dict[str, bytes] = {}
    if mode == "append" and root is not None and read is not None:
        both = _appended(iter_entries(root, read), entries)
        manifest = build(both, chunks.__setitem__, presorted=True)
    elif within is not None and root is not None and read is not None:
        both = _appended((e for e in iter_entries(root, read) if not within(e.path)), entries)
        manifest = build(both, chunks.__setitem__, presorted=True)
    else:
        manifest = build(entries.values(), chunks.__setitem__)
    if root is None or read is None:
        return IngestPlan(manifest, tuple(entries.values()), (), len(entries), 0, chunks, ())
    changes = list(diff(root, read, manifest.root, overlay(chunks, read)))
    removed = tuple(c.path for c in changes if c.kind == "removed")
    if removed and not allow_shrink:
        if within is None:
            before = manifest.entries + len(removed) - sum(c.kind == "added" for c in changes)
            _require_half(len(removed), before, "latest version")
        else:
            # Jobs give the files of a partition new names each time, so what counts is how many there are.
            before = sum(1 for entry in iter_entries(root, read) if within(entry.path))
            _require_half(before - len(entries), before, "partition")
    old = set(iter_chunk_names(root, read))
    return IngestPlan(
        manifest=manifest,
        new=tuple(entries[c.path] for c in changes if c.kind != "removed"),
        remove=removed,
        added=sum(c.kind == "added" for c in changes),
        changed=sum(c.kind == "changed" for c in changes),
        new_chunks={name: data for name, data in chunks.items() if name not in old},
        old_chunks=tuple(sorted(old.difference(manifest.chunks))),
    )


def _require_half(removed: int, before: int, of_what: str) -> None:
    if 2 * removed > before:
        raise RejectedError(
            f"This would remove {removed} of the {before} files of the {of_what}.",
            hint="--mode append adds to it; --allow-shrink says that the loss is wanted",
            kind="shrinks-too-much",
        )


def _appended(old: Iterable[Entry], entries: Mapping[str, Entry]) -> Iterator[Entry]:
    """The union of both, in order."""
    new = sorted(entries.values(), key=_by_path)
    previous: Entry | None = None
    for entry in heapq.merge(old, new, key=_by_path):
        if previous is None or entry.path != previous.path:
            yield entry
        elif entry != previous:
            raise ConflictError(
                f"{entry.path} is in the latest version already, with other bytes: --mode append only adds files.",
                hint="give the file another name, or use --mode replace with the whole dataset",
                kind="append-would-change",
            )
        previous = entry


def _by_path(entry: Entry) -> str:
    # Code points and UTF-8 bytes sort alike.
    return entry.path


def check_paths(paths: Iterable[str]) -> None:
    """Refuse a path that is a file and the folder of another.

    Raises:
        InvalidError: it names both.
    """
    every = set(paths)
    for path in every:
        parent = path.rpartition("/")[0]
        while parent:
            if parent in every:
                raise InvalidError(
                    f"{parent} is a file, and {path} lies in a folder of that name: no folder can hold both.",
                    hint="rename one of them",
                    kind="file-and-folder",
                )
            parent = parent.rpartition("/")[0]
