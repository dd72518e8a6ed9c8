"""What a ref shows: a committed tree, with what is staged laid over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakefs_repro.embedded.store import staging
from lakefs_repro.embedded.store.entry import Change, same_content

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.metaranges import Metarange
    from lakefs_repro.embedded.store.trees import Trees


@dataclass(frozen=True)
class View:
    """``branch`` is the id of the branch whose staged changes count, or None."""

    trees: Trees
    connection: sqlite3.Connection
    tree: Metarange
    branch: int | None

    def lookup(self, path: str) -> Entry | None:
        if self.branch is not None:
            staged, entry = staging.find(self.connection, self.branch, path)
            if staged:
                return entry
        return self.trees.lookup(self.tree, path)

    def entries(self, start: str, prefix: str = "") -> Iterator[Entry]:
        """From ``start`` on, in order; may run past ``prefix``, which only bounds what is read of the staged."""
        committed = self.trees.entries(self.tree, max(start, prefix))
        if self.branch is None:
            yield from committed
            return
        below = next(committed, None)
        for path, entry in staging.edits(self.connection, self.branch, start, prefix):
            while below is not None and below.path < path:
                yield below
                below = next(committed, None)
            if below is not None and below.path == path:
                below = next(committed, None)
            if entry is not None:
                yield entry
        while below is not None:
            yield below
            below = next(committed, None)

    def staged_changes(self, start: str = "", prefix: str = "") -> Iterator[Change]:
        """What is staged and differs from the committed tree."""
        if self.branch is None:
            return
        for path, entry in staging.edits(self.connection, self.branch, start, prefix):
            committed = self.trees.lookup(self.tree, path)
            if not same_content(committed, entry):
                yield Change(path, committed, entry)

    def is_dirty(self) -> bool:
        return next(self.staged_changes(), None) is not None
