"""Making a tree from another one and a stream of changes, rewriting only what they touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lakefs_repro.embedded.store import ranges
from lakefs_repro.embedded.store.entry import same_content
from lakefs_repro.embedded.store.ranges import RangeInfo, is_boundary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.metaranges import Metarange
    from lakefs_repro.embedded.store.trees import Trees

Edit = tuple[str, "Entry | None"]
Sink = "Callable[[str, bytes], None]"


class Rebuild:
    """One pass over a tree. ``sink`` gets every new range's id and stored form as it is made.

    After ``run``, ``ranges`` is the new tree and ``changed`` counts the edits that changed anything: an entry that is
    the ``same`` as the one that is there leaves that one alone, so equal trees keep equal ids.
    """

    def __init__(
        self,
        trees: Trees,
        sink: Callable[[str, bytes], None],
        same: Callable[[Entry | None, Entry | None], bool] = same_content,
    ) -> None:
        self._same = same
        self._trees = trees
        self._sink = sink
        self._pending: list[Entry] = []
        self.ranges: list[RangeInfo] = []
        self.changed = 0

    def run(self, base: Metarange, edits: Iterable[Edit]) -> None:
        stream = iter(edits)
        edit = next(stream, None)
        for info in base.ranges:
            open_end = info is base.ranges[-1] and not is_boundary(info.last)
            touched = edit is not None and (edit[0] <= info.last or open_end)
            if self._pending or touched:
                edit = self._rewrite(info, edit, stream)
            else:
                self.ranges.append(info)
        while edit is not None:
            self._add(edit[1])
            edit = next(stream, None)
        self._flush()

    def _rewrite(self, info: RangeInfo, edit: Edit | None, stream: Iterator[Edit]) -> Edit | None:
        run = self._trees.range(info.id)
        for index, path in enumerate(run.paths):
            while edit is not None and edit[0] < path:
                self._add(edit[1])
                edit = next(stream, None)
            entry = run.entry(index)
            if edit is None or edit[0] != path:
                self._push(entry)
                continue
            if self._same(entry, edit[1]):
                self._push(entry)
            else:
                self._add(edit[1])
                self.changed += edit[1] is None
            edit = next(stream, None)
        return edit

    def _add(self, entry: Entry | None) -> None:
        if entry is not None:
            self.changed += 1
            self._push(entry)

    def _push(self, entry: Entry) -> None:
        self._pending.append(entry)
        if is_boundary(entry.path):
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            info, data = ranges.encode(self._pending)
            self._sink(info.id, data)
            self.ranges.append(info)
            self._pending = []
