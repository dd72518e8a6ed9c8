"""Group commit: one thread writes, and one fsync acknowledges everything that came while the last one ran."""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lakefs_repro.embedded.errors import ApiError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

Result = TypeVar("Result")
Outcome = tuple[Any, "BaseException | None"]

_BATCH = 512


class Waiter(NamedTuple):
    """An operation, and who wants its outcome: a future of a loop, or of a thread."""

    operation: Callable[[sqlite3.Connection], Any]
    guarded: bool
    future: asyncio.Future[Any] | Future[Any]
    loop: asyncio.AbstractEventLoop | None


class Writer:
    """Runs operations one after the other; each is acknowledged only when it is on disk.

    An operation sees everything before it. When it raises, nothing of it remains (``guarded=False`` spares the
    savepoint for operations that raise only before they write). ``persist`` is called before each commit, to bring
    to disk what the metadata refers to, and ``discard`` after a transaction that failed.
    """

    def __init__(
        self, connection: sqlite3.Connection, persist: Callable[[], None], discard: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._persist = persist
        self._discard = discard
        self._queue: deque[Waiter] = deque()
        self._wake = threading.Condition(threading.Lock())
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def submit(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run ``operation`` and wait for it; not for the event loop's thread."""
        future: Future[Result] = Future()
        self._enqueue(Waiter(operation, True, future, None))
        return future.result()

    def enqueue(
        self,
        loop: asyncio.AbstractEventLoop,
        operation: Callable[[sqlite3.Connection], Result],
        *,
        guarded: bool = True,
    ) -> asyncio.Future[Result]:
        """A future of ``loop`` for the outcome of ``operation``."""
        future: asyncio.Future[Result] = loop.create_future()
        self._enqueue(Waiter(operation, guarded, future, loop))
        return future

    def _enqueue(self, waiter: Waiter) -> None:
        with self._wake:
            if self._closing:
                raise ApiError(503, "the engine is shutting down")
            self._queue.append(waiter)
            self._wake.notify()

    def close(self) -> None:
        """Finish what was submitted, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._queue:
                    if self._closing:
                        return
                    self._wake.wait()
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), _BATCH))]
            _deliver(batch, self._transact(batch))

    def _transact(self, batch: list[Waiter]) -> list[Outcome]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._run(waiter) for waiter in batch]
            self._persist()
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  nothing of the batch happened: each of its waiters learns why
            self._undo()
            return [(None, storage_failure(error))] * len(batch)
        return outcomes

    def _run(self, waiter: Waiter) -> Outcome:
        if not waiter.guarded:
            try:
                return waiter.operation(self._connection), None
            except ApiError as error:
                return None, error
        self._connection.execute("SAVEPOINT operation")
        try:
            result = waiter.operation(self._connection)
        except Exception as error:
            if not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO operation")
            self._connection.execute("RELEASE operation")
            return None, storage_failure(error)
        self._connection.execute("RELEASE operation")
        return result, None

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._discard()


def storage_failure(error: Exception) -> Exception:
    """A full disk becomes 507; what is an answer already, or a defect, stays what it is."""
    if is_full(error):
        return ApiError(507, "no space left on the engine's disk: nothing was changed")
    return error


def is_full(error: Exception) -> bool:
    """Whether something failed because the disk has no room."""
    if isinstance(error, sqlite3.OperationalError):
        return "full" in str(error) or getattr(error, "sqlite_errorcode", None) == _NO_ROOM_FOR_SHARED_MEMORY
    return isinstance(error, OSError) and error.errno in _NO_SPACE


_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_NO_ROOM_FOR_SHARED_MEMORY = 4874  # SQLITE_IOERR_SHMSIZE: an "I/O error" by its words


def _deliver(batch: list[Waiter], outcomes: list[Outcome]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Any, Outcome]]] = {}
    for waiter, outcome in zip(batch, outcomes, strict=True):
        if waiter.loop is None:
            _settle(waiter.future, outcome)
        else:
            by_loop.setdefault(waiter.loop, []).append((waiter.future, outcome))
    for loop, settled in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_all, settled)


def _settle_all(settled: list[tuple[Any, Outcome]]) -> None:
    for future, outcome in settled:
        _settle(future, outcome)


def _settle(future: asyncio.Future[Any] | Future[Any], outcome: Outcome) -> None:
    if future.cancelled():
        return
    result, error = outcome
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
