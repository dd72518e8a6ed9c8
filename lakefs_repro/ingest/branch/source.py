"""A branch, a commit, or a prefix of ``main`` that others wrote, as the source of a snapshot: no byte is copied.

What the dataset's line has already is known by its physical address, checksum and size, and is not read again. The
rest is streamed once for its SHA-256. The tree of the frozen commit, trimmed, becomes that of the ingest commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from lakefs_repro.errors import InvalidError
from lakefs_repro.ingest.branch.excludes import Excludes, never_committed
from lakefs_repro.ingest.branch.frozen import (
    FROM,
    FROM_COMMIT,
    Frozen,
    freeze,
    require_from_line,
    require_own_changes,
    require_still,
    unfinished,
)
from lakefs_repro.ingest.hashing.digests import Digest, Gathered, Key, gather, key_of
from lakefs_repro.ingest.plan import IngestPlan, check_paths
from lakefs_repro.ingest.publish import drop_branch
from lakefs_repro.ingest.source import Counts
from lakefs_repro.ingest.tree import put_together, require_tree, tree_branch_of
from lakefs_repro.ingest.write import Draft, unconfirmed
from lakefs_repro.lake.values import Commit, ObjectInfo
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import iter_entries
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.model.paths import check_repository_path
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, sidecar_of
from lakefs_repro.tables import TableFile
from lakefs_repro.transfer.presigned import range_road
from lakefs_repro.transfer.ranged import RangeCache, ranged_object

_HASHED_BY: Final = "client"


@dataclass(frozen=True, slots=True)
class FromBranch:
    """What is asked of a branch that others wrote to.

    Args:
        dataset: whose data is on it.
        ref: a branch, or a commit id, a tag, ``branch~1``.
        adopt: whether it is ``main`` itself, where the data lies already.
        commit_staged: commit what is staged on the branch first.
        exclude: globs of what is no data.
        default_excludes: whether what other programs leave beside their data is left out, too.
        dry_run: change nothing: what is staged is then refused rather than committed.
    """

    dataset: str
    ref: str
    adopt: bool = False
    commit_staged: bool = False
    exclude: tuple[str, ...] = ()
    default_excludes: bool = True
    dry_run: bool = False


@dataclass
class _Contents:
    """What a frozen commit holds of the dataset; ``fingerprint`` stands for each object's place, size and bytes."""

    entries: dict[str, Entry] = field(default_factory=dict)
    new: list[ObjectInfo] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    fingerprint: str = ""


class BranchSource:
    """One commit that others wrote.

    Raises:
        InvalidError: what is asked contradicts itself.
    """

    def __init__(self, ctx: Context, asked: FromBranch) -> None:
        self._ctx = ctx
        self._asked = _checked(asked, ctx.main)
        # Adopted data stays where it is, in main, so that nothing of it can be left out.
        self._excludes = Excludes(asked.exclude, defaults=asked.default_excludes and not asked.adopt)
        self._prefix = dataset_prefix(asked.dataset)
        self._frozen: Frozen | None = None
        self._contents = _Contents()
        self._digests: dict[Key, Digest] = {}
        self._sha256_by = frozenset({_HASHED_BY})
        self._counts = Counts()
        self._cache = RangeCache()
        self._ranges = range_road(ctx.repository.objects, ctx.server, ctx.progress.note)

    @property
    def frozen(self) -> Frozen:
        """The commit that was taken, once :meth:`find` is done."""
        if self._frozen is None:
            raise InvalidError("Nothing was frozen yet.", kind="not-done")
        return self._frozen

    @property
    def intent(self) -> str:
        return f"{'adopt' if self._asked.adopt else 'branch'}:{self._asked.ref}"

    @property
    def excluded(self) -> int:
        return len(self._contents.dropped)

    @property
    def extra(self) -> Mapping[str, str]:
        return {FROM: self._asked.ref, FROM_COMMIT: self.frozen.commit.id}

    @property
    def sha256_by(self) -> frozenset[str]:
        return self._sha256_by

    @property
    def counts(self) -> Counts:
        return self._counts

    def find(self) -> None:
        """Freeze the branch.

        Raises:
            RejectedError: it is not finished, or holds changes to something else.
        """
        self._ctx.progress.step("scan")
        asked = self._asked
        self._frozen = freeze(
            self._ctx,
            asked.dataset,
            asked.ref,
            excludes=self._excludes,
            commit_staged=asked.commit_staged and not asked.dry_run,
        )

    def entries(self, line: Line) -> Mapping[str, Entry]:
        """See that the commit goes on from the line, list it, and hash what the line does not know."""
        ctx, frozen = self._ctx, self.frozen
        require_from_line(ctx, frozen, line)
        require_own_changes(ctx, frozen, line)
        contents = self._listed(line)
        missing = [info for info in contents.new if key_of(info) not in self._digests]
        if missing:
            found = gather(ctx, line.dataset, frozen.commit.id, missing)
            self._digests.update((key_of(info), found.digests[info.path]) for info in missing)
            self._count(found)
        for info in contents.new:
            path = info.path.removeprefix(self._prefix)
            contents.entries[path] = Entry(path, info.size, self._digests[key_of(info)].sha256)
        self._contents = contents
        self._note_who_hashed(line, contents)
        if not self._asked.adopt:
            require_still(ctx, frozen)
        return contents.entries

    def _count(self, found: Gathered) -> None:
        before = self._counts
        self._counts = Counts(hashed=before.hashed + found.read, hashed_bytes=before.hashed_bytes + found.read_bytes)

    def _note_who_hashed(self, line: Line, contents: _Contents) -> None:
        hashed, hashed_bytes = self._counts.hashed, self._counts.hashed_bytes
        self._counts = Counts(
            hashed=hashed,
            hashed_bytes=hashed_bytes,
            reused=len(contents.entries) - hashed,
            reused_bytes=sum(entry.size for entry in contents.entries.values()) - hashed_bytes,
        )
        unchanged = len(contents.entries) > len(contents.new)
        said = line.annotation.sha256_by.split(",") if unchanged and line.annotation else []
        new = {self._digests[key_of(info)].by for info in contents.new}
        self._sha256_by = frozenset({*new, *filter(None, said)}) or frozenset({_HASHED_BY})

    def _listed(self, line: Line) -> _Contents:
        """What the commit holds: what the line has already, with its SHA-256, and what is to be hashed.

        Raises:
            RejectedError: a writer's leftovers are among it (kind ``branch-unfinished``).
            InvalidError: there is nothing, or a path can't be kept.
        """
        contents, left, started = _Contents(), [], []
        seen = hashlib.sha256()
        known = _known(self._ctx, line)
        for info in self._ctx.repository.objects.list(self.frozen.commit.id, self._prefix):
            path = info.path.removeprefix(self._prefix)
            if self._excludes.unfinished(path):
                left.append(info.path)
                continue
            if _is_transaction(path) and not self._excludes.named(path):
                started.append(path)
            if self._excludes.leave_out(path, info.size):
                contents.dropped.append(info.path)
                continue
            check_repository_path(path, prefix=self._prefix)
            seen.update(repr((info.path, *key_of(info))).encode())
            entry = known.of(info, path)
            if entry is None:
                contents.new.append(info)
            else:
                contents.entries[path] = entry
        contents.fingerprint = seen.hexdigest()
        self._require_usable(contents, [*left, *(self._prefix + path for path in never_committed(started))])
        return contents

    def _require_usable(self, contents: _Contents, left: list[str]) -> None:
        ref = self._asked.ref
        if left:
            raise unfinished(ref, left)
        paths = [*contents.entries, *(info.path.removeprefix(self._prefix) for info in contents.new)]
        if not paths:
            dropped = len(contents.dropped)
            raise InvalidError(
                f"There is nothing to ingest: {ref} holds no files under {self._prefix}.",
                hint=f"{dropped} were left out as no data; --no-default-excludes keeps them" if dropped
                else f"write to lakefs://{self._ctx.repository.name}/{ref}/{self._prefix}",
                kind="empty-source",
            )  # fmt: skip
        check_paths(paths)

    def table(self, path: str) -> TableFile | None:
        entry = self._contents.entries.get(path)
        if entry is None:
            return None
        ref, whole = self.frozen.commit.id, self._prefix + path
        open_range = self._ranges(ref, whole, entry.size) if self._ranges else None
        remote = ranged_object(
            self._ctx.repository.objects,
            ref,
            whole,
            entry.size,
            cache=self._cache,
            open_range=open_range,
        )
        return TableFile(path, remote=remote)

    def place(self, draft: Draft, plan: IngestPlan) -> Draft:  # noqa: ARG002 - the tree is taken over whole
        """Put the trimmed tree together on a branch aside: deletions alone, no data."""
        self._ctx.progress.step("trim")
        return put_together(draft, self.frozen.commit, self._contents.dropped)

    def confirm(self, draft: Draft, made: Commit, plan: IngestPlan) -> None:  # noqa: ARG002 - the tree is compared whole
        """Compare every object of the commit with those of the frozen one, by place, checksum and size.

        Raises:
            IntegrityError: an object is not the one that was hashed, or there is something else.
        """
        require_tree(draft, made)
        seen = hashlib.sha256()
        for info in self._ctx.repository.objects.list(made.id, self._prefix):
            seen.update(repr((info.path, *key_of(info))).encode())
        if seen.hexdigest() != self._contents.fingerprint:
            raise unconfirmed(draft, f"its objects are not those of {self.frozen.commit.id[:12]}")
        drop_branch(self._ctx, tree_branch_of(draft))

    def close(self) -> None:
        """Nothing was needed on the way."""


def _checked(asked: FromBranch, main: str) -> FromBranch:
    if asked.adopt and asked.ref != main:
        raise InvalidError(
            f"Data is adopted where versions live, in {main}, not in {asked.ref}.",
            hint=f"--adopt {main}; or --from-branch {asked.ref}",
            kind="not-the-main-branch",
        )
    if not asked.adopt and asked.ref == main:
        raise InvalidError(
            f"What lies in {main} is not taken from there as from a branch: it stays.",
            hint=f"--adopt {main}",
            kind="not-the-main-branch",
        )
    if asked.adopt and (asked.exclude or asked.commit_staged):
        raise InvalidError(
            "What is adopted stays in its branch as it is: nothing can be left out or committed for you.",
            hint="delete there what is no data and commit, without --exclude and --commit-staged",
            kind="adopt-as-it-is",
        )
    return asked


def _is_transaction(path: str) -> bool:
    return path.rpartition("/")[2].startswith(("_started_", "_committed_"))


class _Known:
    """The SHA-256 of the line's objects, asked for in the order of their paths."""

    def __init__(self, pairs: Iterator[tuple[ObjectInfo, Entry]]) -> None:
        self._pairs = pairs
        self._next = next(pairs, None)

    def of(self, info: ObjectInfo, path: str) -> Entry | None:
        """The entry of an object that the line has at the same place with the same bytes."""
        while self._next is not None and self._next[1].path.encode() < path.encode():
            self._next = next(self._pairs, None)
        if self._next is None or self._next[1].path != path or key_of(self._next[0]) != key_of(info):
            return None
        return self._next[1]


def _known(ctx: Context, line: Line) -> _Known:
    if line.annotation is None:
        return _Known(iter(()))
    prefix = dataset_prefix(line.dataset)
    entries = iter_entries(line.annotation.digest, sidecar_of(ctx, line).chunk)
    return _Known(_paired(ctx.repository.objects.list(line.head.id, prefix), entries, prefix))


def _paired(objects: Iterable[ObjectInfo], entries: Iterable[Entry], prefix: str) -> Iterator[tuple[ObjectInfo, Entry]]:
    """The line's objects with their entries: both in the order of their paths; it ends where they differ."""
    for info, entry in zip_longest(objects, entries):
        if info is None or entry is None or info.path != prefix + entry.path or info.size != entry.size:
            return  # the line is damaged: what follows is read again
        yield info, entry
