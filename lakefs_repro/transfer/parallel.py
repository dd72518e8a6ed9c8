"""Running many small jobs on a few threads, with a bounded number under way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_all(
    job: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int | None = None
) -> Iterator[Result]:
    """Results of ``job`` for each item, as they come; the first failure stops the rest and is raised.

    Args:
        job: called on ``threads`` threads.
        items: read lazily, never more than ``ahead`` of them before their turn.
        threads: how many run at once; 1 runs them here, in order.
        ahead: jobs submitted at once, twice the threads by default: this bounds the memory that they hold.
    """
    if threads <= 1:
        yield from map(job, items)
        return
    window = ahead or 2 * threads
    pool = ThreadPoolExecutor(threads, thread_name_prefix="lakefs-repro")
    under_way: set[Future[Result]] = set()
    try:
        for item in items:
            if len(under_way) >= window:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
            under_way.add(pool.submit(job, item))
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
