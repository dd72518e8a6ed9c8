"""Walking the graph of commits: the log's order, ancestors, merge bases."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.store import commits

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from lakefs_repro.embedded.store.commits import Commit
    from lakefs_repro.embedded.store.repositories import Repository


class History:
    """The commits of a repository, as one snapshot shows them."""

    def __init__(self, connection: sqlite3.Connection, repository: Repository) -> None:
        self._connection = connection
        self._repository = repository

    def commit(self, commit_id: str) -> Commit:
        found = commits.find(self._connection, self._repository, commit_id)
        if found is None:
            raise ApiError(500, f"commit {commit_id} is missing from the store")
        return found

    def log(self, start: Commit, *, first_parent: bool = False) -> Iterator[Commit]:
        """From ``start`` back: always the pending commit with the latest moment, then the greatest id."""
        pending: list[tuple[int, int, _Descending, Commit]] = []
        seen = {start.id}
        heappush(pending, (*_latest_first(start), start))
        while pending:
            *_, commit = heappop(pending)
            yield commit
            for parent_id in commit.parents[:1] if first_parent else commit.parents:
                if parent_id not in seen:
                    seen.add(parent_id)
                    parent = self.commit(parent_id)
                    heappush(pending, (*_latest_first(parent), parent))

    def merge_base(self, one: Commit, other: Commit) -> Commit | None:
        """The common ancestor that lakeFS takes: not always a best one.

        Both sides are walked back together, the highest generation first, then the latest. The first parent that the
        other side has reached already is it, though a later one of the same commit may be nearer.
        """
        if one.id == other.id:
            return one
        first_side = {one.id: True, other.id: False}
        pending: list[tuple[int, int, int, _Descending, Commit]] = []
        for commit in (one, other):
            heappush(pending, (-commit.generation, *_latest_first(commit), commit))
        while pending:
            *_, commit = heappop(pending)
            side = first_side[commit.id]
            for parent_id in commit.parents:
                known = first_side.get(parent_id)
                if known is None:
                    first_side[parent_id] = side
                    parent = self.commit(parent_id)
                    heappush(pending, (-parent.generation, *_latest_first(parent), parent))
                elif known is not side:
                    return self.commit(parent_id)
        return None


class _Descending:
    """A string that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __lt__(self, other: _Descending) -> bool:
        return self.value > other.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Descending) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)


def _latest_first(commit: Commit) -> tuple[int, int, _Descending]:
    return -commit.creation_date, -commit.nanoseconds, _Descending(commit.id)
