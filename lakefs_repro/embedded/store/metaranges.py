"""Metaranges: the list of ranges that make a tree, content-addressed; ``meta_range_id`` in the API."""

from __future__ import annotations

import hashlib
import json
import zlib
from bisect import bisect_left
from typing import TYPE_CHECKING

from lakefs_repro.embedded.store.ranges import RangeInfo

if TYPE_CHECKING:
    from collections.abc import Sequence


class Metarange:
    """A tree's ranges in order."""

    __slots__ = ("lasts", "ranges")

    def __init__(self, ranges: Sequence[RangeInfo]) -> None:
        self.ranges = tuple(ranges)
        self.lasts = [info.last for info in ranges]

    def position(self, path: str) -> int:
        """The index of the first range that may hold ``path`` or something after it."""
        return bisect_left(self.lasts, path)


EMPTY = Metarange(())


def encode(ranges: Sequence[RangeInfo]) -> tuple[str, bytes]:
    """The id and the stored form of the tree made of these ranges."""
    text = json.dumps(ranges, separators=(",", ":")).encode()
    return hashlib.sha256(b"lakefs-repro metarange 1\0" + text).hexdigest(), zlib.compress(text, 1)


def decode(data: bytes) -> Metarange:
    return Metarange([RangeInfo(*row) for row in json.loads(zlib.decompress(data))])
