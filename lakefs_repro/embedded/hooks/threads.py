"""Threads that wait for others: as many as there is to wait for, and none that keeps the process from ending."""

from __future__ import annotations

import threading
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


class DaemonThreads(Executor):
    """A thread for each task. A hook may take a minute to time out: the engine does not stop for it.

    ``leave`` is called by each thread at its end, to give back what it has opened.
    """

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = leave

    def submit(self, work: Callable[..., Result], /, *arguments: Any, **named: Any) -> Future[Result]:
        future: Future[Result] = Future()

        def labour() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work(*arguments, **named))
            except BaseException as error:  # noqa: BLE001  it is raised where somebody waits
                future.set_exception(error)
            finally:
                self._leave()

        threading.Thread(target=labour, name="hook", daemon=True).start()
        return future
