"""Chunks, the pieces that a manifest is cut into: their bytes, their bounds, and reading them strictly.

The format is that of ``docs/reference/manifest-format.md``. A chunk's name is the SHA-256 of its bytes,
so a chunk that is read is known to be the one that was written; what is checked beyond that is that the
writer kept to the format, because one content must have one digest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from lakefs_repro.errors import IntegrityError
from lakefs_repro.model.entry import MAX_SIZE, Entry, unescape_path

if TYPE_CHECKING:
    from collections.abc import Callable

MANIFEST_FANOUT = 512
LEAF_HEADER = "lakefs-repro manifest 1 leaf\n"
# big-endian uint32(digest[:4]) < 2**32 / 512, said with the digest's bytes
BOUNDARY_BELOW = (2**32 // MANIFEST_FANOUT).to_bytes(4, "big")

_HEADER = re.compile(rb"lakefs-repro manifest 1 (?:leaf|node ([1-9][0-9]{0,3}))\n")
_LEAF_LINE = re.compile(r"([0-9a-f]{64}) (0|[1-9][0-9]{0,18}) ((?:[^\\\n\r]|\\[\\nr])+)\n")
_NODE_LINE = re.compile(r"([0-9a-f]{64}) ([1-9][0-9]{0,18}) (0|[1-9][0-9]{0,18}) ((?:[^\\\n\r]|\\[\\nr])+)\n")


@dataclass(frozen=True, slots=True)
class Child:
    """A chunk as its parent knows it.

    ``level`` is that of the chunk itself; ``last`` its last path; ``after`` the path that all of its
    paths come after ("" for the first chunk); ``closed`` whether its last item must be a boundary.
    """

    level: int
    name: str
    entries: int
    bytes: int
    last: str
    after: str
    closed: bool


@dataclass(frozen=True, slots=True)
class Root:
    """A root chunk, parsed: a leaf's entries or a node's children."""

    level: int
    entries: list[Entry]
    children: list[Child]


def node_header(level: int) -> str:
    return f"lakefs-repro manifest 1 node {level}\n"


def boundary_domain(level: int) -> bytes:
    """What is hashed before a path to decide whether it closes a chunk of this level."""
    return b"lakefs-repro boundary 1 %d\n" % level


def is_boundary(level: int, path: str) -> bool:
    return sha256(boundary_domain(level) + path.encode()).digest() < BOUNDARY_BELOW


def read_root(name: str, read: Callable[[str], bytes]) -> Root:
    """Read and check the root chunk. IntegrityError when it is not one."""
    data = _read(name, read)
    header = _HEADER.match(data)
    if header is None:
        raise _corrupt(name, "it has no manifest header of format 1")
    if header[1] is None:
        return Root(0, _parse_leaf(name, data, after="", closed=False), [])
    level = int(header[1])
    children = _parse_node(name, data, level, after="", closed=False)
    if len(children) < 2:  # noqa: PLR2004 - a level of one chunk is the root itself
        raise _corrupt(name, "a root node has one child only")
    return Root(level, [], children)


def read_leaf(child: Child, read: Callable[[str], bytes]) -> list[Entry]:
    """Read a leaf and check it against what its parent says. IntegrityError names the chunk."""
    entries = _parse_leaf(child.name, _read(child.name, read), after=child.after, closed=child.closed)
    if not entries or (len(entries), sum([entry.size for entry in entries]), entries[-1].path) != (
        child.entries,
        child.bytes,
        child.last,
    ):
        raise _corrupt(child.name, "its entries are not those that its parent promises")
    return entries


def read_leaf_lines(child: Child, read: Callable[[str], bytes]) -> set[str]:
    """The lines of a leaf, of which only hash, header and number are checked; see ``parse_leaf_line``."""
    text = _text(child.name, _read(child.name, read), LEAF_HEADER)
    listed = text[len(LEAF_HEADER) :].split("\n")
    end = listed.pop()
    lines = set(listed)
    if end or len(listed) != child.entries or len(lines) != child.entries:
        raise _corrupt(child.name, "its entries are not those that its parent promises")
    return lines


def parse_leaf_line(line: str) -> Entry:
    """Read one line, without its newline. IntegrityError when it is malformed."""
    match = _LEAF_LINE.fullmatch(line + "\n")
    if match is None or int(match[2]) > MAX_SIZE:
        raise IntegrityError(
            f"A manifest has a malformed line: {line!r}.",
            hint="Verify the snapshot: the chunk was not written by this format's version 1.",
            kind="manifest-corrupt",
        )
    return Entry(unescape_path(match[3]), int(match[2]), match[1])


def read_node(child: Child, read: Callable[[str], bytes]) -> list[Child]:
    """Read a node and check it against what its parent says. IntegrityError names the chunk."""
    children = _parse_node(child.name, _read(child.name, read), child.level, after=child.after, closed=child.closed)
    total = sum([each.entries for each in children])
    size = sum([each.bytes for each in children])
    if (total, size, children[-1].last) != (child.entries, child.bytes, child.last):
        raise _corrupt(child.name, "its children are not those that its parent promises")
    return children


def _read(name: str, read: Callable[[str], bytes]) -> bytes:
    data = read(name)
    found = sha256(data).hexdigest()
    if found != name:
        raise IntegrityError(
            f"Manifest chunk {name} is damaged: its bytes have the SHA-256 {found}.",
            hint="Restore the chunk from another copy of the repository, or delete a damaged cache.",
            kind="manifest-corrupt",
        )
    return data


def _parse_leaf(name: str, data: bytes, *, after: str, closed: bool) -> list[Entry]:
    rows = _rows(name, data, LEAF_HEADER, _LEAF_LINE)
    if any("\\" in row[2] for row in rows):
        entries = [Entry(unescape_path(path), int(size), digest) for digest, size, path in rows]
    else:
        entries = [Entry(path, int(size), digest) for digest, size, path in rows]
    if entries and max([entry.size for entry in entries]) > MAX_SIZE:
        raise _corrupt(name, "a size is 2^63 or more")
    _check_paths(name, 0, [entry.path for entry in entries], after=after, closed=closed)
    return entries


def _parse_node(name: str, data: bytes, level: int, *, after: str, closed: bool) -> list[Child]:
    rows = _rows(name, data, node_header(level), _NODE_LINE)
    if not rows:
        raise _corrupt(name, "a node without children")
    paths = [unescape_path(row[3]) for row in rows]
    _check_paths(name, level, paths, after=after, closed=closed)
    last = len(rows) - 1
    return [
        Child(
            level=level - 1,
            name=child,
            entries=int(entries),
            bytes=int(size),
            last=paths[index],
            after=paths[index - 1] if index else after,
            # Only the very last chunk of a level may end without a boundary.
            closed=closed or index < last,
        )
        for index, (child, entries, size, _) in enumerate(rows)
    ]


def _text(name: str, data: bytes, header: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _corrupt(name, f"it is not UTF-8 at byte {error.start}") from error
    if not text.startswith(header):
        raise _corrupt(name, f"it does not begin with {header.strip()!r}")
    return text


def _rows(name: str, data: bytes, header: str, line: re.Pattern[str]) -> list[tuple[str, ...]]:
    text = _text(name, data, header)
    rows: list[tuple[str, ...]] = line.findall(text, len(header))
    # findall skips what does not match: all is well only if the matches add up to the whole text.
    matched = sum([sum(map(len, row)) + len(row) for row in rows])
    if matched != len(text) - len(header):
        raise _corrupt(name, "a line is malformed")
    return rows


def _check_paths(name: str, level: int, paths: list[str], *, after: str, closed: bool) -> None:
    previous = after
    domain = boundary_domain(level)
    count = len(paths)
    for index, path in enumerate(paths, 1):
        if path <= previous:
            raise _corrupt(name, f"{path!r} is out of order")
        previous = path
        # is_boundary written out: this runs once for each file of a snapshot
        if sha256(domain + path.encode()).digest() < BOUNDARY_BELOW:
            if index < count:
                raise _corrupt(name, f"it goes on after the boundary {path!r}")
        elif index == count and closed:
            raise _corrupt(name, f"it ends before a boundary, at {path!r}")


def _corrupt(name: str, why: str) -> IntegrityError:
    return IntegrityError(
        f"Manifest chunk {name} breaks the format: {why}.",
        hint="It was not written by this format's version 1; see docs/reference/manifest-format.md.",
        kind="manifest-corrupt",
    )
