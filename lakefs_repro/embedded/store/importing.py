"""Importing files of this machine without copying them: entries that name the files, landed as one commit."""

from __future__ import annotations

import heapq
import operator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import forbidden, prefixed
from lakefs_repro.embedded.store import commits, sources, staging
from lakefs_repro.embedded.store.advance import Approval, Draft, advance, edited
from lakefs_repro.embedded.store.engine import COMMITTER
from lakefs_repro.embedded.store.merging import require_clean

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lakefs_repro.embedded.store.commits import Commit
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.metaranges import Metarange
    from lakefs_repro.embedded.store.rebuild import Edit
    from lakefs_repro.embedded.store.refs import Branch
    from lakefs_repro.embedded.store.repositories import Repository
    from lakefs_repro.embedded.store.sources import Location

_BATCH = 500
_REMOVED, _IMPORTED = 0, 1


@dataclass(frozen=True)
class ImportRequest:
    """What shall be imported, and what its commit says."""

    locations: Sequence[Location]
    message: str
    metadata: Mapping[str, str]


def collect(
    engine: Engine, request: ImportRequest, shelf: int, proceed: Callable[[], None], ingested: Callable[[int], None]
) -> None:
    """Put the entries of all locations aside, as if they were staged on the branch ``shelf``.

    Of two for one path the later one wins. ``ingested`` is told how many have come.
    """
    for location in request.locations:
        found = sources.entries(engine, location, proceed)
        while batch := list(islice(found, _BATCH)):
            engine.writer.submit(_shelving(engine, shelf, batch))
            ingested(len(batch))


def _shelving(engine: Engine, shelf: int, batch: list[Entry]) -> Callable[[sqlite3.Connection], None]:
    def put(connection: sqlite3.Connection) -> None:
        for entry in batch:
            engine.staging.put(connection, shelf, entry)

    return put


def land(
    engine: Engine,
    repository: Repository,
    branch_name: str,
    request: ImportRequest,
    shelf: int,
    approval: Approval,
) -> Commit:
    """Make what lies on ``shelf`` the content of its destinations, by one commit.

    As in lakeFS everything goes that begins with a destination, be it written as a folder or not, and the commit is
    made even when nothing has changed.
    """

    def prepare(connection: sqlite3.Connection, branch: Branch, head: Commit) -> Draft:
        if repository.read_only:
            raise forbidden("write range: read-only repository")
        with prefixed("merge import: "):
            require_clean(engine, connection, branch, head)
        base = engine.trees.metarange(head.metarange_id)
        edits = _edits(engine, base, request, staging.edits(connection, shelf))
        tree = edited(engine, base, edits, same=operator.eq)
        made = commits.make(
            repository,
            (head,),
            committer=COMMITTER,
            message=request.message or "Import objects",
            creation_date=engine.moment(),
            metarange_id=tree.metarange_id,
            metadata={".lakefs.merge.strategy": "source-wins", **request.metadata},
        )
        return Draft(made, tree, staged_up_to=staging.last_sequence(connection, branch.id))  # see merge

    return advance(engine, repository, branch_name, prepare, approval)


def _edits(
    engine: Engine, base: Metarange, request: ImportRequest, imported: Iterator[tuple[str, Entry | None]]
) -> Iterator[Edit]:
    """What is taken away and what comes, in order of path; what comes wins."""
    gone = ((path, _REMOVED, None) for path in _removed(engine, base, request))
    come = ((path, _IMPORTED, entry) for path, entry in imported)
    pending: Edit | None = None
    for path, _, entry in heapq.merge(gone, come, key=lambda each: each[:2]):
        if pending is not None and pending[0] != path:
            yield pending
        pending = path, entry
    if pending is not None:
        yield pending


def _removed(engine: Engine, base: Metarange, request: ImportRequest) -> Iterator[str]:
    covered: str | None = None
    for prefix in sorted({location.destination for location in request.locations}):
        if covered is not None and prefix.startswith(covered):
            continue
        covered = prefix
        for entry in engine.trees.entries(base, prefix):
            if not entry.path.startswith(prefix):
                break
            yield entry.path
