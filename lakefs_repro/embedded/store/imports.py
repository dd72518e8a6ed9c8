"""Imports under way and done: each in a thread of its own, with a status that can be asked for."""

from __future__ import annotations

import itertools
import json
import logging
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.errors import ApiError, conflict, not_found
from lakefs_repro.embedded.store import repositories, staging
from lakefs_repro.embedded.store.sources import SourceError

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.repositories import Repository

_AT_ONCE = 2
_KEPT_SECONDS = 7 * 24 * 60 * 60
_CANCELED, _STOPPED = "Canceled", "the engine was stopped meanwhile"
_LOG = logging.getLogger(__name__)


class _CanceledError(Exception):
    """Somebody does not want it any more, or the engine stops."""


class Job:
    """One import that runs. Once it is landing it can't be cancelled: it is done, or has failed, a moment later."""

    def __init__(self) -> None:
        self.ingested = 0
        self._guard = threading.Lock()
        self._landing = False
        self._canceled: str | None = None

    def cancel(self, reason: str) -> bool:
        """Whether it comes in time."""
        with self._guard:
            if not self._landing:
                self._canceled = self._canceled or reason
            return self._canceled is not None

    def proceed(self) -> None:
        """Go on, or raise when the import was cancelled."""
        if self._canceled:
            raise _CanceledError(self._canceled)

    def begin_landing(self) -> None:
        """Go on to where there is no way back, or raise when the import was cancelled."""
        with self._guard:
            self.proceed()
            self._landing = True

    def count(self, ingested: int) -> None:
        self.ingested += ingested

    def error(self) -> str | None:
        """Why it will come to nothing, once that is known."""
        return self._canceled


Work = Callable[[Job, int], dict[str, Any]]  # gets a shelf to put entries on; gives the commit, as it is shown


class Imports:
    """The imports of an engine. What an engine's end interrupts is said to have failed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._running: dict[tuple[int, str], Job] = {}
        self._shelves = itertools.count(1)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="import")

    def start(self, repository: Repository, work: Work) -> str:
        """Begin an import; its id. Not for the event loop's thread."""
        job, import_id = Job(), secrets.token_hex(10)
        status = self._status(0, error=_STOPPED)
        self._running[repository.id, import_id] = job
        self._engine.writer.submit(lambda connection: self._save(connection, repository, import_id, status))
        self._threads.submit(self._run, job, repository, import_id, work)
        return import_id

    def status(self, connection: sqlite3.Connection, repository: Repository, import_id: str) -> dict[str, Any]:
        """How an import stands; 404 for one that is not known, or is of another repository."""
        job = self._running.get((repository.id, import_id))
        if job is not None:
            return self._status(job.ingested, error=job.error())
        return _saved(connection, repository, import_id)

    def cancel(self, repository: Repository, import_id: str) -> None:
        """Stop an import; 409 when it is done. Not for the event loop's thread."""
        job = self._running.get((repository.id, import_id))
        if job is not None:
            if not job.cancel(_CANCELED):
                raise conflict("conflict found")
            return

        def save(connection: sqlite3.Connection) -> None:
            known = _saved(connection, repository, import_id)
            if known["completed"]:
                raise conflict("conflict found")
            self._save(connection, repository, import_id, self._status(known["ingested_objects"], error=_CANCELED))

        self._engine.writer.submit(save)

    def _run(self, job: Job, repository: Repository, import_id: str, work: Work) -> None:
        shelf = -next(self._shelves)
        commit, error = None, None
        try:
            commit = work(job, shelf)
        except _CanceledError as problem:
            error = str(problem)
        except SourceError as problem:
            error = f"error on ingest: {problem}"
        except ApiError as problem:
            error = problem.message
        except Exception as problem:  # noqa: BLE001  whoever asks for the status learns of it
            _LOG.error("an import failed", exc_info=problem)
            error = f"internal error: {type(problem).__name__}"
        status = self._status(job.ingested, error=error, commit=commit)

        def save(connection: sqlite3.Connection) -> None:
            staging.clear(connection, shelf)
            self._save(connection, repository, import_id, status)

        try:
            self._engine.writer.submit(save)
        except ApiError:
            _LOG.exception("the outcome of an import could not be kept")
        finally:
            self._running.pop((repository.id, import_id), None)

    def _status(
        self, ingested: int, *, error: str | None = None, commit: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        now = datetime.fromtimestamp(self._engine.moment(), timezone.utc)
        status: dict[str, Any] = {
            "completed": commit is not None,
            "ingested_objects": ingested,
            "update_time": now.isoformat().replace("+00:00", "Z"),
        }
        if error is not None:
            status["error"] = {"message": f"import error: {error}"}
        if commit is not None:
            status |= {"commit": commit, "metarange_id": commit["meta_range_id"]}
        return status

    def _save(
        self, connection: sqlite3.Connection, repository: Repository, import_id: str, status: dict[str, Any]
    ) -> None:
        now = self._engine.now()
        connection.execute("DELETE FROM imports WHERE updated < ?", (now - _KEPT_SECONDS,))
        if not repositories.exists(connection, repository):
            return
        row = (repository.id, import_id, now, json.dumps(status))
        connection.execute("INSERT OR REPLACE INTO imports VALUES (?, ?, ?, ?)", row)

    def close(self) -> None:
        """Cancel what runs, and wait for it."""
        for job in list(self._running.values()):
            job.cancel(_STOPPED)
        self._threads.shutdown(wait=True)


def _saved(connection: sqlite3.Connection, repository: Repository, import_id: str) -> dict[str, Any]:
    query = "SELECT status FROM imports WHERE repository = ? AND id = ?"
    row = connection.execute(query, (repository.id, import_id)).fetchone()
    if row is None:
        raise not_found()
    status: dict[str, Any] = json.loads(row[0])
    return status
