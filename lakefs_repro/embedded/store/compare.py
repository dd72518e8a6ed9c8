"""Differences between trees, in the order of paths; equal ranges are skipped unread."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from lakefs_repro.embedded.store.entry import Change, same_content

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.metaranges import Metarange
    from lakefs_repro.embedded.store.ranges import Range
    from lakefs_repro.embedded.store.trees import Trees


class _Cursor:
    """A place in a tree; the range under it is read only when something inside it is asked for."""

    def __init__(self, trees: Trees, tree: Metarange, start: str) -> None:
        self._trees = trees
        self._tree = tree
        self._run: Range | None = None
        self._index = 0
        self._position = tree.position(start)
        if start and self._position < len(tree.ranges) and tree.ranges[self._position].first < start:
            self._index = bisect_left(self._loaded().paths, start)

    def _loaded(self) -> Range:
        if self._run is None:
            self._run = self._trees.range(self._tree.ranges[self._position].id)
        return self._run

    def whole_range(self) -> str | None:
        """The id of the range that begins here; None in the middle of one and at the end."""
        if self._index or self._position == len(self._tree.ranges):
            return None
        return self._tree.ranges[self._position].id

    def path(self) -> str | None:
        if self._position == len(self._tree.ranges):
            return None
        return self._loaded().paths[self._index] if self._index else self._tree.ranges[self._position].first

    def entry(self) -> Entry:
        return self._loaded().entry(self._index)

    def advance(self) -> None:
        self._index += 1
        if self._index == len(self._loaded()):
            self.skip_range()

    def skip_range(self) -> None:
        self._position += 1
        self._index = 0
        self._run = None


def compare(trees: Trees, left: Metarange, right: Metarange, start: str = "") -> Iterator[Change]:
    """Every path from ``start`` on whose content differs."""
    one, other = _Cursor(trees, left, start), _Cursor(trees, right, start)
    while True:
        if (same := one.whole_range()) is not None and same == other.whole_range():
            one.skip_range()
            other.skip_range()
            continue
        left_path, right_path = one.path(), other.path()
        if left_path is None and right_path is None:
            return
        if right_path is None or (left_path is not None and left_path < right_path):
            gone = one.entry()
            yield Change(gone.path, gone, None)
            one.advance()
        elif left_path is None or right_path < left_path:
            new = other.entry()
            yield Change(new.path, None, new)
            other.advance()
        else:
            before, after = one.entry(), other.entry()
            if not same_content(before, after):
                yield Change(after.path, before, after)
            one.advance()
            other.advance()
