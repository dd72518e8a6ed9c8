"""Many jobs on a few threads: bounded, lazy, and over at the first failure."""

from __future__ import annotations

import threading
import time

import pytest

from lakefs_repro.transfer.parallel import run_all


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_every_item_has_one_result(threads):
    assert sorted(run_all(lambda n: n * n, range(100), threads=threads)) == [n * n for n in range(100)]


def test_nothing_to_do_is_nothing_done():
    assert list(run_all(lambda n: n, [], threads=4)) == []


def test_one_thread_works_here_and_in_order():
    here = threading.get_ident()
    results = run_all(lambda n: (n, threading.get_ident()), range(5), threads=1)
    assert list(results) == [(n, here) for n in range(5)]


def test_no_more_run_at_once_than_there_are_threads():
    lock, running, most = threading.Lock(), 0, 0

    def job(_):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    list(run_all(job, range(30), threads=3))
    assert 1 < most <= 3


def test_items_are_read_no_further_ahead_than_allowed():
    taken, finished, widest = 0, 0, 0

    def items():
        nonlocal taken, widest
        for n in range(60):
            taken += 1
            widest = max(widest, taken - finished)
            yield n

    for _ in run_all(lambda n: n, items(), threads=2, ahead=5):
        finished += 1
    assert taken == finished == 60
    assert widest <= 2 * 5 + 1  # those under way, and those done but not given out yet


def test_the_first_failure_is_raised_and_the_rest_is_not_begun():
    begun = []

    def job(n):
        begun.append(n)
        if n == 3:
            raise ValueError("three")
        time.sleep(0.002)

    with pytest.raises(ValueError, match="three"):
        list(run_all(job, range(10_000), threads=2))
    assert len(begun) < 100
    before = len(begun)
    time.sleep(0.02)
    assert len(begun) == before


def test_a_failure_of_the_items_stops_the_work():
    def items():
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(run_all(lambda n: n, items(), threads=2))


def test_whoever_stops_listening_leaves_no_thread_behind():
    before = threading.active_count()
    for _ in run_all(lambda n: n, range(1000), threads=4):
        break
    deadline = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before
