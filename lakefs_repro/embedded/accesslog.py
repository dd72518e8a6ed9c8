"""The access log: one line a request (and one for each object of a bulk request), there before the answer is."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_ROLL_OVER = 64 * 1024 * 1024
_CHECK_EVERY = 1000


class AccessLog:
    """Lines of time, method, path with query, status, bytes in, bytes out; rolled over once it is large."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._file = self._open()
        self._until_check = _CHECK_EVERY
        self._second = -1
        self._stamp = ""

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def line(self, method: str, target: str, status: int, *, received: int, sent: int) -> str:
        now = self._clock()
        if int(now) != self._second:
            self._second = int(now)
            self._stamp = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{self._stamp} {method} {target} {status} {received} {sent}\n"

    def write(self, text: str) -> None:
        """Best effort: a disk too full for a log line must not keep requests from their answers."""
        with suppress(OSError):
            os.write(self._file, text.encode())
            self._until_check -= 1
            if self._until_check <= 0:
                self._until_check = _CHECK_EVERY
                self._roll_over()

    def _roll_over(self) -> None:
        if os.fstat(self._file).st_size > _ROLL_OVER:
            os.close(self._file)
            self._path.replace(self._path.with_name(self._path.name + ".1"))
            self._file = self._open()

    def close(self) -> None:
        os.close(self._file)
