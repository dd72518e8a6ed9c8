"""What changed between two manifests, found by reading only the chunks in which they differ."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

from lakefs_repro.model.chunk import Child, parse_leaf_line, read_leaf_lines, read_node, read_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lakefs_repro.model.entry import Entry

    Read = Callable[[str], bytes]

__all__ = ["Change", "Rename", "diff", "diff_entries", "pair_renames"]


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs. ``before`` is None when it was added, ``after`` when it was removed."""

    kind: Literal["added", "removed", "changed"]
    path: str
    before: Entry | None
    after: Entry | None


@dataclass(frozen=True, slots=True)
class Rename:
    """The same bytes under another path."""

    before: Entry
    after: Entry


def diff(left_root: str, read_left: Read, right_root: str, read_right: Read) -> Iterator[Change]:
    """Yield what must change to turn the left snapshot into the right one, ordered by path.

    Of the chunks below the roots only those are read that the other manifest does not have too. Their
    hashes are checked, and the format of the lines that differ; the rest of the format is left to
    ``iter_entries``. Memory is bounded by the nodes that differ and two leaves.

    Raises:
        IntegrityError: a chunk is damaged, named in the message.
    """
    if left_root == right_root:
        return iter(())
    left, right = _Side(left_root, read_left), _Side(right_root, read_right)
    while True:
        level = max(left.level, right.level)
        if left.level == right.level:
            _drop_shared(left, right)
            if not level:
                break
        for side in (left, right):
            if side.level == level:
                side.descend()
    return _diff_leaves(left, right)


def diff_entries(left: Iterable[Entry], right: Iterable[Entry]) -> Iterator[Change]:
    """The same for two sequences of entries that are sorted by path."""
    lefts, rights = iter(left), iter(right)
    before, after = next(lefts, None), next(rights, None)
    while before is not None or after is not None:
        if after is None or (before is not None and before.path < after.path):
            if before is not None:
                yield Change("removed", before.path, before, None)
            before = next(lefts, None)
        elif before is None or after.path < before.path:
            yield Change("added", after.path, None, after)
            after = next(rights, None)
        else:
            if before != after:
                yield Change("changed", after.path, before, after)
            before, after = next(lefts, None), next(rights, None)


def pair_renames(changes: Iterable[Change]) -> tuple[list[Change], list[Rename]]:
    """Separate renames, an addition and a removal of the same bytes, from all other changes.

    A file is paired with one of the same base name if there is one, otherwise with the first by path.
    Empty files are never paired: they say nothing about each other.
    """
    rest: list[Change] = []
    removed: list[Entry] = []
    added: list[Entry] = []
    for change in changes:
        if change.kind == "removed" and change.before is not None and change.before.size:
            removed.append(change.before)
        elif change.kind == "added" and change.after is not None and change.after.size:
            added.append(change.after)
        else:
            rest.append(change)
    origins: dict[str, Entry] = {}  # by the path that each got
    gone: set[str] = set()
    for key_of in (_content_and_name, _content):
        free: defaultdict[tuple[object, ...], deque[Entry]] = defaultdict(deque)
        for before in removed:
            if before.path not in gone:
                free[key_of(before)].append(before)
        for after in added:
            if after.path not in origins and (candidates := free[key_of(after)]):
                origins[after.path] = candidates.popleft()
                gone.add(origins[after.path].path)
    rest += [Change("added", entry.path, None, entry) for entry in added if entry.path not in origins]
    rest += [Change("removed", entry.path, entry, None) for entry in removed if entry.path not in gone]
    renames = [Rename(origins[entry.path], entry) for entry in added if entry.path in origins]
    return sorted(rest, key=lambda change: change.path), sorted(renames, key=lambda rename: rename.after.path)


def _content(entry: Entry) -> tuple[object, ...]:
    return entry.sha256, entry.size


def _content_and_name(entry: Entry) -> tuple[object, ...]:
    return entry.sha256, entry.size, _basename(entry)


def _basename(entry: Entry) -> str:
    return entry.path.rpartition("/")[2]


class _Side:
    """The chunks of one manifest at the level reached so far, without those that the other has too."""

    def __init__(self, root: str, read: Read) -> None:
        data = read(root)
        self.read = lambda name: data if name == root else read(name)
        self._top = read_root(root, self.read)
        self.level = self._top.level
        entries = self._top.entries
        last = entries[-1].path if entries else ""
        # The root stands in its own frontier: it may be a chunk further down in a larger manifest.
        self.children = [Child(self.level, root, len(entries), 0, last, "", closed=False)]

    def descend(self) -> None:
        if self.level == self._top.level:
            # Nothing is left of a root that turned out to be shared.
            self.children = self._top.children if self.children else []
        else:
            self.children = [below for child in self.children for below in read_node(child, self.read)]
        self.level -= 1


def _drop_shared(left: _Side, right: _Side) -> None:
    shared = {child.name for child in left.children} & {child.name for child in right.children}
    if shared:
        left.children = [child for child in left.children if child.name not in shared]
        right.children = [child for child in right.children if child.name not in shared]


class _Reader:
    """Reads the leaves of one side in order, as lines: parsing a million equal ones would take seconds."""

    def __init__(self, side: _Side) -> None:
        self._read = side.read
        self._pending = iter(side.children)
        self._leaf: Child | None = None
        self.lines: set[str] = set()
        self.ended = False

    @property
    def last(self) -> str:
        """The path up to which everything has been read."""
        return self._leaf.last if self._leaf is not None else ""

    def advance(self) -> set[str]:
        """Read one more leaf and return its lines, which the caller puts where they belong."""
        self._leaf = next(self._pending, None)
        self.ended = self._leaf is None
        return read_leaf_lines(self._leaf, self._read) if self._leaf is not None else set()

    def take(self, bound: str | None) -> list[Entry]:
        """Remove and return, sorted, the entries up to a bound; all of them without one."""
        entries = [(parse_leaf_line(line), line) for line in self.lines]
        if bound is not None:
            entries = [each for each in entries if each[0].path <= bound]
        self.lines.difference_update([line for _, line in entries])
        return sorted([entry for entry, _ in entries], key=attrgetter("path"))


def _diff_leaves(left_side: _Side, right_side: _Side) -> Iterator[Change]:
    left, right = _Reader(left_side), _Reader(right_side)
    done: str | None = ""
    while not (left.ended and right.ended):
        # The one that lags reads on, so that at most one leaf a side is held.
        behind, ahead = (left, right) if _lags(left, right) else (right, left)
        fresh = behind.advance()
        equal = fresh & ahead.lines
        ahead.lines -= equal
        behind.lines |= fresh - equal
        bounds = [side.last for side in (left, right) if not side.ended]
        bound = min(bounds) if bounds else None
        if bound != done:
            done = bound
            yield from diff_entries(left.take(bound), right.take(bound))


def _lags(left: _Reader, right: _Reader) -> bool:
    return not left.ended and (right.ended or left.last <= right.last)
