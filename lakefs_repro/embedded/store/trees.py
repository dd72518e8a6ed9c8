"""Reading trees: only the ranges that are needed, decoded once."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import gone
from lakefs_repro.embedded.store import metaranges, ranges
from lakefs_repro.embedded.store.cache import WeightedCache
from lakefs_repro.embedded.store.metaranges import EMPTY, Metarange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakefs_repro.embedded.store.database import Database
    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.ranges import Range

_CACHED_ENTRIES = 80_000
_CACHED_RANGE_NAMES = 20_000


class Trees:
    """Trees by their metarange id; the empty id is the empty tree."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ranges: WeightedCache[Range] = WeightedCache(_CACHED_ENTRIES)
        self._metaranges: WeightedCache[Metarange] = WeightedCache(_CACHED_RANGE_NAMES)

    def metarange(self, metarange_id: str) -> Metarange:
        if not metarange_id:
            return EMPTY
        known = self._metaranges.get(metarange_id)
        if known is None:
            known = metaranges.decode(self._load("SELECT data FROM metaranges WHERE id = ?", metarange_id))
            self._metaranges.put(metarange_id, known, len(known.ranges) + 1)
        return known

    def range(self, range_id: str) -> Range:
        known = self._ranges.get(range_id)
        if known is None:
            known = ranges.decode(self._load("SELECT data FROM ranges WHERE id = ?", range_id))
            self._ranges.put(range_id, known, len(known))
        return known

    def _load(self, query: str, key: str) -> bytes:
        row = self._database.reader().execute(query, (key,)).fetchone()
        if row is None:
            raise gone()
        data: bytes = row[0]
        return data

    def lookup(self, tree: Metarange, path: str) -> Entry | None:
        position = tree.position(path)
        if position == len(tree.ranges) or tree.ranges[position].first > path:
            return None
        run = self.range(tree.ranges[position].id)
        index = bisect_left(run.paths, path)
        return run.entry(index) if index < len(run) and run.paths[index] == path else None

    def entries(self, tree: Metarange, start: str = "") -> Iterator[Entry]:
        """The entries from ``start`` on, in order, reading ranges as they are reached."""
        for info in tree.ranges[tree.position(start) :]:
            run = self.range(info.id)
            for index in range(bisect_left(run.paths, start), len(run)):
                yield run.entry(index)
