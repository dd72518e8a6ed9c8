"""The manifest of a snapshot: a Merkle tree over its sorted files, cut where the paths themselves decide.

Format: ``docs/reference/manifest-format.md``. The same files have the same root wherever they lie, and two
snapshots share every chunk in which they agree (a prolly tree, as in Dolt and Noms).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from hashlib import sha256
from operator import attrgetter
from typing import TYPE_CHECKING

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.chunk import (
    BOUNDARY_BELOW,
    LEAF_HEADER,
    MANIFEST_FANOUT,
    Child,
    boundary_domain,
    is_boundary,
    node_header,
    read_leaf,
    read_node,
    read_root,
)
from lakefs_repro.model.entry import MAX_SIZE, Entry, check_entry, escape_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Read = Callable[[str], bytes]
    Sink = Callable[[str, bytes], None]

__all__ = ["MANIFEST_FANOUT", "Manifest", "build", "find", "iter_chunk_names", "iter_entries"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``build`` made: the root (the snapshot's digest), totals, and the names of all chunks."""

    root: str
    entries: int
    bytes: int
    chunks: tuple[str, ...]


def build(entries: Iterable[Entry], sink: Sink | None = None, *, presorted: bool = False) -> Manifest:
    """Build the manifest of these files.

    Args:
        entries: the files, in any order, no path twice.
        sink: called with each chunk's name and bytes, children before their parents. Without one only
            the digest is computed.
        presorted: the entries come sorted by path (code points, which is the order of UTF-8 bytes).
            Then memory is bounded by one chunk a level, and a wrong order is refused.

    Raises:
        InvalidError: a path twice, an empty or non-UTF-8 path, a bad size or SHA-256.
    """
    ordered = entries if presorted else sorted(entries, key=attrgetter("path"))
    tree = _Tree(sink)
    domain = boundary_domain(0)
    digest = sha256
    lines: list[str] = []
    size = 0
    previous = ""
    for entry in ordered:
        path = entry.path
        if path <= previous:
            raise _order_error(path, previous)
        try:
            hashed = digest(domain + path.encode()).digest()
        except UnicodeEncodeError:
            hashed = b""  # check_entry, next, says what is wrong
        check_entry(entry)
        lines.append(f"{entry.sha256} {entry.size} {escape_path(path)}\n")
        size += entry.size
        previous = path
        if hashed < BOUNDARY_BELOW:
            tree.add_leaf(lines, size, path)
            lines = []
            size = 0
    return tree.finish(lines, size, previous)


def iter_entries(root: str, read: Read, *, prefix: str = "") -> Iterator[Entry]:
    """Yield the files of the manifest in order, those under ``prefix`` when one is given.

    ``read`` returns a chunk's bytes by name. Every chunk that is read is checked (hash, format, order,
    bounds, totals) before any of its entries is yielded; chunks that hold nothing with the prefix are not
    read. The prefix is plain text: ``"a/b"`` finds ``a/b.csv`` too.

    Raises:
        IntegrityError: a chunk is damaged, named in the message.
    """
    for entries in _leaves(root, read, prefix):
        if prefix:
            yield from [entry for entry in entries if entry.path.startswith(prefix)]
        else:
            yield from entries


def iter_chunk_names(root: str, read: Read) -> Iterator[str]:
    """Yield the name of every chunk of the manifest, parents first. Leaves are not read."""
    yield root
    pending = read_root(root, read).children[::-1]
    while pending:
        child = pending.pop()
        yield child.name
        if child.level:
            pending.extend(read_node(child, read)[::-1])


def find(root: str, read: Read, path: str) -> Entry | None:
    """The entry with exactly this path, or None. Reads one chunk a level."""
    top = read_root(root, read)
    entries, children = top.entries, top.children
    while children:
        index = bisect_left(children, path, key=attrgetter("last"))
        if index == len(children):
            return None
        child = children[index]
        if child.level:
            children = read_node(child, read)
        else:
            entries, children = read_leaf(child, read), []
    index = bisect_left(entries, path, key=attrgetter("path"))
    return entries[index] if index < len(entries) and entries[index].path == path else None


def _leaves(root: str, read: Read, prefix: str) -> Iterator[list[Entry]]:
    top = read_root(root, read)
    if not top.level:
        yield top.entries
        return
    pending = _within(top.children, prefix)
    while pending:
        child = pending.pop()
        if child.level:
            pending.extend(_within(read_node(child, read), prefix))
        else:
            yield read_leaf(child, read)


def _within(children: list[Child], prefix: str) -> list[Child]:
    """Those whose range of paths touches the prefix, the first of them last, ready to be popped."""
    return [
        child
        for child in reversed(children)
        if child.last >= prefix and (child.after < prefix or child.after.startswith(prefix))
    ]


@dataclass(slots=True)
class _Level:
    """The open node chunk of one level, and the first closed one, kept back until a second comes."""

    lines: list[str] = field(default_factory=list)
    entries: int = 0
    bytes: int = 0
    last: str = ""
    closed: int = 0
    first: Child | None = None


class _Tree:
    """Collects chunks upwards; holds one open chunk a level."""

    def __init__(self, sink: Sink | None) -> None:
        self._sink = sink
        self._levels: list[_Level] = [_Level()]
        self._names: list[str] = []
        self._entries = 0
        self._bytes = 0

    def add_leaf(self, lines: list[str], size: int, last: str) -> None:
        self._entries += len(lines)
        self._bytes += size
        if self._bytes > MAX_SIZE:
            raise InvalidError("The files hold 2^63 bytes or more.", hint="Split the dataset.")
        self._close(0, LEAF_HEADER + "".join(lines), len(lines), size, last)

    def finish(self, lines: list[str], size: int, last: str) -> Manifest:
        if lines or not self._levels[0].closed:
            self.add_leaf(lines, size, last)
        level = 0
        while self._levels[level].closed > 1:
            level += 1
            if self._levels[level].lines:
                self._close_node(level)
        return Manifest(self._names[-1], self._entries, self._bytes, tuple(self._names))

    def _close(self, level: int, text: str, entries: int, size: int, last: str) -> None:
        data = text.encode()
        name = sha256(data).hexdigest()
        self._names.append(name)
        if self._sink is not None:
            self._sink(name, data)
        state = self._levels[level]
        state.closed += 1
        child = Child(level, name, entries, size, last, "", closed=False)
        if state.closed == 1:
            # A level of one chunk is the root: whether there is a level above shows with the second.
            state.first = child
            return
        if state.first is not None:
            self._levels.append(_Level())
            first, state.first = state.first, None
            self._add(first)
        self._add(child)

    def _add(self, child: Child) -> None:
        level = child.level + 1
        state = self._levels[level]
        state.lines.append(f"{child.name} {child.entries} {child.bytes} {escape_path(child.last)}\n")
        state.entries += child.entries
        state.bytes += child.bytes
        state.last = child.last
        if is_boundary(level, child.last):
            self._close_node(level)

    def _close_node(self, level: int) -> None:
        state = self._levels[level]
        text = node_header(level) + "".join(state.lines)
        entries, size = state.entries, state.bytes
        state.lines, state.entries, state.bytes = [], 0, 0
        self._close(level, text, entries, size, state.last)


def _order_error(path: str, previous: str) -> InvalidError:
    if path == previous and path:
        return InvalidError(f"The path {path!r} comes twice.", hint="A snapshot holds each path once.")
    if not path:
        return InvalidError("A manifest entry has an empty path.", hint="Give each file a path.")
    return InvalidError(
        f"The path {path!r} comes after {previous!r}: the entries are not sorted.",
        hint="Sort them by path, or call build without presorted=True.",
    )
