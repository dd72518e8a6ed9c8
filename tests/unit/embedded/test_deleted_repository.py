"""A repository that is deleted leaves no row of its own behind, also by what comes to an end only afterwards."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import pytest

from lakefs_repro.embedded.inspection import check
from lakefs_repro.embedded.store import commits, repositories, runs
from lakefs_repro.embedded.store.advance import Draft, existing, make_readable

NOW = 1_000_000


def rows_left(engine) -> dict[str, int]:
    """How many rows of a repository that is gone each table has."""
    with closing(sqlite3.connect(engine.root / "metadata.sqlite")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        of_one = [
            name
            for name in tables
            if "repository" in {row[1] for row in connection.execute(f"PRAGMA table_info({name})")}
        ]
        assert len(of_one) > 5
        query = "SELECT COUNT(*) FROM {} WHERE repository NOT IN (SELECT id FROM repositories)"
        counts = {name: connection.execute(query.format(name)).fetchone()[0] for name in of_one}
    return {name: count for name, count in counts.items() if count}


def delete(store) -> None:
    store.engine.writer.submit(lambda connection: repositories.delete(connection, store.repository))


def finished_import(store) -> None:
    store.engine.imports.start(store.repository, lambda *_: {"meta_range_id": ""})
    store.engine.imports.close()


def late_import(store) -> None:
    go = threading.Event()
    store.engine.imports.start(store.repository, lambda *_: go.wait(10) and {"meta_range_id": ""})
    delete(store)
    go.set()
    store.engine.imports.close()


def late_run(store) -> None:
    delete(store)
    run = runs.Run("r", "pre-merge", "main", "", NOW, NOW, runs.COMPLETED)
    hooks = [runs.HookRun("h", "action", "hook", runs.COMPLETED, NOW, NOW)]
    store.engine.writer.submit(lambda connection: runs.save(connection, store.repository, run, hooks))


def late_task(store) -> None:
    task = store.engine.tasks.begin(store.repository, "T")
    delete(store)
    store.engine.tasks.run(store.repository, task, dict)


def late_draft(store) -> None:
    head = store.head()
    made = commits.make(
        store.repository, (head,), committer="", message="", creation_date=NOW, metarange_id="", metadata={}
    )
    delete(store)
    make_readable(store.engine, store.repository, Draft(made, existing("")))


@pytest.mark.parametrize("work", [finished_import, late_import, late_run, late_task, late_draft])
def test_nothing_is_left(store, work):
    store.put("a", b"one")
    store.commit()
    work(store)
    with store.engine.database.snapshot() as connection:
        if repositories.exists(connection, store.repository):
            delete(store)
    assert rows_left(store.engine) == {}
    assert check(store.engine.root).ok
