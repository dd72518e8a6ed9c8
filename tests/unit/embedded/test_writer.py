from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.store.writer import Writer


class Disk:
    """Counts what the writer asks to persist; fails or waits when told to."""

    def __init__(self) -> None:
        self.persisted = self.discarded = 0
        self.failure: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def persist(self) -> None:
        self.entered.set()
        self.gate.wait()
        if self.failure is not None:
            raise self.failure
        self.persisted += 1

    def discard(self) -> None:
        self.discarded += 1


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def connection():
    made = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    made.execute("CREATE TABLE t (value INTEGER PRIMARY KEY)")
    yield made
    made.close()


@pytest.fixture
def writer(connection, disk):
    made = Writer(connection, disk.persist, disk.discard)
    yield made
    disk.gate.set()
    made.close()


def insert(value, problem=None):
    def operation(connection):
        connection.execute("INSERT INTO t VALUES (?)", (value,))
        if problem is not None:
            raise problem
        return value

    return operation


def values(connection):
    return [row[0] for row in connection.execute("SELECT value FROM t ORDER BY value")]


def test_what_waits_is_committed_together(writer, connection, disk):
    disk.gate.clear()
    with ThreadPoolExecutor(20) as pool:
        results = [pool.submit(writer.submit, insert(0))]
        assert disk.entered.wait(10)  # the first is a batch of its own, whatever the scheduler does
        results += [pool.submit(writer.submit, insert(value)) for value in range(1, 20)]
        deadline = time.monotonic() + 10
        while len(writer._queue) < 19 and time.monotonic() < deadline:
            time.sleep(0.001)
        disk.gate.set()
        assert sorted(result.result() for result in results) == list(range(20))
    assert values(connection) == list(range(20))
    assert disk.persisted == 2


def test_failed_operation_leaves_the_others_of_its_batch(writer, connection, disk):
    disk.gate.clear()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(writer.submit, insert(1))
        bad = pool.submit(writer.submit, insert(2, ApiError(409, "no")))
        third = pool.submit(writer.submit, insert(3))
        disk.gate.set()
        assert (first.result(), third.result()) == (1, 3)
        with pytest.raises(ApiError, match="no"):
            bad.result()
    assert values(connection) == [1, 3]


def test_disk_that_fails_acknowledges_nothing(writer, connection, disk):
    disk.failure = OSError(28, "No space left on device")
    with pytest.raises(ApiError) as caught:
        writer.submit(insert(1))
    assert caught.value.status == 507
    assert values(connection) == []
    assert disk.discarded == 1
    disk.failure = None
    assert writer.submit(insert(2)) == 2


def test_defect_reaches_its_caller_alone(writer, connection):
    with pytest.raises(ZeroDivisionError):
        writer.submit(lambda _: 1 // 0)
    assert writer.submit(insert(1)) == 1


def test_event_loop_gets_its_results(writer):
    async def work():
        loop = asyncio.get_running_loop()
        good = [writer.enqueue(loop, insert(value), guarded=False) for value in range(5)]
        bad = writer.enqueue(loop, insert(0))
        assert await asyncio.gather(*good) == list(range(5))
        with pytest.raises(sqlite3.IntegrityError):
            await bad

    asyncio.run(work())


def test_closed_writer_finishes_and_then_refuses(connection, disk):
    writer = Writer(connection, disk.persist, disk.discard)
    assert writer.submit(insert(1)) == 1
    writer.close()
    with pytest.raises(ApiError) as caught:
        writer.submit(insert(2))
    assert caught.value.status == 503
