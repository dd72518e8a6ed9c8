"""Operations that land in one transaction, each upon what those before it have done."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from lakefs_repro.embedded.store import objects, refs


@contextmanager
def one_batch(store, *works):
    """Do the works, each in a thread of its own, so that they come to the writer in this order and while it is busy."""
    writer, busy, go_on = store.engine.writer, threading.Event(), threading.Event()

    def hold(_):
        busy.set()
        go_on.wait(10)

    with ThreadPoolExecutor(len(works) + 1) as pool:
        pool.submit(writer.submit, hold)
        assert busy.wait(10)
        results = []
        for number, work in enumerate(works, 1):
            results.append(pool.submit(work))
            deadline = time.monotonic() + 10
            while len(writer._queue) < number and time.monotonic() < deadline:
                time.sleep(0.001)
        go_on.set()
        yield [result.result(timeout=10) for result in results]


def test_a_delete_sees_the_commit_that_lands_in_its_transaction(store):
    store.put("a", b"1")
    with one_batch(store, store.commit, lambda: store.remove("a")):
        assert store.tree() == {"a": store.entry("a", b"1").checksum}
    connection = store.engine.database.reader()
    branch = refs.branch(connection, store.repository, "main")
    assert objects.head_view(store.engine, connection, store.repository, branch).lookup("a") is None


def test_only_new_sees_the_commit_that_lands_in_its_transaction(store):
    store.put("a", b"1")

    def only_new():
        def stage(connection):
            entry = store.entry("a", b"2")
            with pytest.raises(Exception, match="path already exists"):
                objects.stage(store.engine, connection, store.repository, "main", entry, if_absent=True)

        store.engine.writer.submit(stage)

    with one_batch(store, store.commit, only_new):
        assert store.tree() == {"a": store.entry("a", b"1").checksum}
