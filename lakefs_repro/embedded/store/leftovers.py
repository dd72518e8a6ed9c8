"""What clients began and never finished, found when an engine starts."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.store.addresses import issued_at

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from lakefs_repro.embedded.store.engine import Engine

_BATCH = 200
MARGIN = 60 * 60  # seconds that something abandoned is left alone, beyond when it expired
_LOG = logging.getLogger(__name__)


def forget_shelves(connection: sqlite3.Connection) -> None:
    """Remove what an import had put aside when its engine was killed."""
    connection.execute("DELETE FROM staged WHERE branch < 0")


def is_linked(engine: Engine, connection: sqlite3.Connection, path: Path) -> bool:
    """Whether an entry names this file below ``linked/``, or has once done so."""
    key = (str(path.relative_to(engine.linked)),)
    return connection.execute("SELECT 1 FROM linked WHERE name = ?", key).fetchone() is not None


class Tidying:
    """Removes, beside the engine's work, files at staging addresses that have expired and that no entry names.

    An expired address can't be linked any more, and the writer looks and removes between two other operations: so
    nothing goes that anybody may still name.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tidying", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until all is looked through."""
        self._thread.join()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _work(self) -> None:
        batch: list[Path] = []
        try:
            for path in self._expired():
                batch.append(path)
                if len(batch) >= _BATCH:
                    self._remove(batch)
                    batch = []
            self._remove(batch)
        except (ApiError, OSError):
            _LOG.exception("what nobody linked could not be removed")

    def _expired(self) -> Iterator[Path]:
        oldest = self._engine.now() - self._engine.abandoned_seconds - MARGIN
        for parent, _, names in os.walk(self._engine.linked):
            for name in names:
                if self._stopping.is_set():
                    return
                issued = issued_at(name)
                if issued is not None and issued < oldest:
                    yield self._engine.linked / parent / name

    def _remove(self, batch: list[Path]) -> None:
        paths = batch.copy()

        def remove(connection: sqlite3.Connection) -> None:
            for path in paths:
                if not is_linked(self._engine, connection, path):
                    path.unlink(missing_ok=True)

        if paths:
            self._engine.writer.submit(remove)


def forget_lists(folder: Path, oldest: float) -> None:
    """Remove the lists below ``gc/`` that were written before ``oldest``; their folders may be about to be used."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = folder / parent / name
            with suppress(FileNotFoundError):  # two may tidy up at once
                if path.lstat().st_mtime < oldest:
                    path.unlink()
