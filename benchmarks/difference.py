"""How long comparing two manifests takes, and how many of their chunks it reads: ``python -m benchmarks.difference``.

Pure: the chunks lie in memory, so this is the work of the client alone, and each chunk read is a request less or more.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from lakefs_repro.model.diff import Change, diff
from lakefs_repro.model.difference import compare
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import build

FILES = 1_000_000


class Made:
    """A manifest and its chunks, counting what is read."""

    def __init__(self, files: int, other: Callable[[int], bool]) -> None:
        self.chunks: dict[str, bytes] = {}
        self.reads = 0
        entries = sorted((_entry(number, other(number)) for number in range(files)), key=lambda entry: entry.path)
        self.root = build(entries, self.chunks.__setitem__, presorted=True).root

    def read(self, name: str) -> bytes:
        self.reads += 1
        return self.chunks[name]


def _entry(number: int, other: bool) -> Entry:  # noqa: FBT001 - a row's two states
    digest = hashlib.sha256(f"{number}{other}".encode()).hexdigest()
    return Entry(f"year={2000 + number // 50_000}/month={number // 4_000 % 12 + 1:02}/part-{number:07}", 1000, digest)


def _changes(left: Made, right: Made) -> Iterator[Change]:
    return diff(left.root, left.read, right.root, right.read)


def main() -> None:
    """Print a row for each comparison."""
    old = Made(FILES, lambda _: False)
    shapes = {
        "1,000 files all over": Made(FILES, lambda number: number % 1_000 == 0),
        "one partition of 4,000": Made(FILES, lambda number: number < 4_000),
    }
    for name, new in shapes.items():
        old.reads = 0
        _row(name, old, new)
    _row("against nothing", Made(0, bool), old)


def _row(name: str, left: Made, right: Made) -> None:
    left.reads = right.reads = 0
    begun = time.perf_counter()
    changes = partial(_changes, left, right)
    told = sum(1 for _ in compare(changes).tell(changes))
    seconds = time.perf_counter() - begun
    sys.stdout.write(f"{name}: {told:,} changes, {seconds:.2f} s, {left.reads + right.reads:,} chunks\n")


if __name__ == "__main__":
    main()
