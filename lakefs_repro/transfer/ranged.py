"""Objects read by ranges: only the bytes that somebody asks for, and few requests for many small questions.

Nothing is verified here, because a part has no SHA-256 of its own: what is read is hashed elsewhere, or was. A short
answer is never passed on.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from lakefs_repro.errors import IntegrityError
from lakefs_repro.lake.objects import Objects

OpenRange = Callable[[int, int], bytes]
"""Fetches ``length`` bytes from ``start`` on, by whichever road: ``(start, length) -> bytes``."""

SMALLEST: Final = 64 << 10
LARGEST: Final = 1 << 20
BUDGET: Final = 32 << 20


class RangeCache:
    """Blocks that were fetched, shared by all the files that are open; the longest unused are dropped.

    Args:
        budget: bytes kept at most.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._held = 0
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._owners = itertools.count()

    def owner(self) -> int:
        """A number for one more file."""
        return next(self._owners)

    def find(self, file: int, start: int, length: int) -> bytes | None:
        """The bytes asked for, if one block holds all of them."""
        with self._lock:
            for (owner, first), block in reversed(self._blocks.items()):
                if owner == file and first <= start and start + length <= first + len(block):
                    self._blocks.move_to_end((owner, first))
                    return block[start - first : start - first + length]
        return None

    def keep(self, file: int, start: int, block: bytes) -> None:
        """Remember a block."""
        with self._lock:
            self._held += len(block) - len(self._blocks.pop((file, start), b""))
            self._blocks[file, start] = block
            while self._held > self._budget and self._blocks:
                self._held -= len(self._blocks.popitem(last=False)[1])


class RangedObject:
    """An object of known size, to be read from any place by any thread.

    A read of up to 1 MiB is answered from what was fetched before, where that holds it. Else it fetches at least
    64 KiB, and when it goes on where the last one ended, twice as much each time, up to 1 MiB. Larger reads are
    fetched as they are, and not kept.

    Args:
        name: for messages.
        size: of the object, in bytes.
        fetch: the road to its bytes.
        cache: shared between objects, so that many open ones hold no more memory than one.
    """

    def __init__(self, name: str, size: int, fetch: OpenRange, cache: RangeCache | None = None) -> None:
        self.name = name
        self._size = size
        self._fetch = fetch
        self._cache = RangeCache() if cache is None else cache
        self._owner = self._cache.owner()
        self._lock = threading.Lock()
        self._last = (0, -1)
        self._ahead = SMALLEST

    @property
    def size(self) -> int:
        return self._size

    def read(self, start: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``start`` on.

        Raises:
            ValueError: they don't lie within the object.
            IntegrityError: the object is gone, shorter than ``size``, or the answer was.
            UnavailableError: the server can't be reached.
        """
        if start < 0 or length < 0 or start + length > self._size:
            raise ValueError(f"bytes {start} to {start + length} of {self._size}")
        if not length:
            return b""
        if length > LARGEST:
            return self._exactly(start, length)
        found = self._cache.find(self._owner, start, length)
        if found is None:
            first, count = self._window(start, length)
            block = self._exactly(first, count)
            self._cache.keep(self._owner, first, block)
            found = block[start - first : start - first + length]
        return found

    def _window(self, start: int, length: int) -> tuple[int, int]:
        """What to fetch so that this read, and probably the next ones, are answered."""
        with self._lock:
            first, end = self._last
            goes_on = first <= start <= end
            self._ahead = min(LARGEST, 2 * self._ahead) if goes_on else SMALLEST
            count = max(length, self._ahead)
            # Near the end of a file its footer is what is looked for, which is read backwards.
            first = start if goes_on else max(0, min(start, self._size - count))
            count = min(count, self._size - first)
            self._last = first, first + count
            return first, count

    def _exactly(self, start: int, length: int) -> bytes:
        data = self._fetch(start, length)
        if len(data) != length:
            raise IntegrityError(
                f"{self.name}: {len(data)} bytes came where {length} were asked for, from byte {start} on.",
                hint="`lakefs-repro verify` lists everything that is damaged",
                kind="truncated",
            )
        return data


def ranged_object(
    objects: Objects,
    ref: str,
    path: str,
    size: int,
    *,
    cache: RangeCache | None = None,
    open_range: OpenRange | None = None,
) -> RangedObject:
    """An object of a repository at ``ref``, its ``size`` known from the listing or the manifest.

    Args:
        objects: the repository's objects.
        ref: a commit, so that the object stays what it is while it is read.
        path: its whole path in the repository.
        size: its bytes; an object of another size is refused.
        cache: shared with the other objects that are read at the same time.
        open_range: another road to the bytes than the server's own.
    """

    def fetch(start: int, length: int) -> bytes:
        return objects.get_range(ref, path, start, length, size=size)

    return RangedObject(f"{path} at {ref[:12]}", size, open_range or fetch, cache)
