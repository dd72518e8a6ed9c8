"""Work in the background that a client starts and asks about later; how it ended is kept for a day."""

from __future__ import annotations

import json
import logging
import secrets
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.errors import ApiError, not_found
from lakefs_repro.embedded.store import repositories

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.repositories import Repository

_LOG = logging.getLogger(__name__)
_KEPT_SECONDS = 24 * 60 * 60


class Tasks:
    """The tasks of an engine. What its end interrupts is forgotten: asking for it answers 404."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._running: dict[tuple[int, str], dict[str, Any]] = {}

    def begin(self, repository: Repository, kind: str) -> str:
        """Take a task down as running; its id, which ``kind`` begins."""
        task_id = kind + secrets.token_urlsafe(15)
        self._running[repository.id, task_id] = self._status(task_id, completed=False)
        return task_id

    def run(self, repository: Repository, task_id: str, work: Callable[[], dict[str, Any]]) -> None:
        """Do the work of a task that was begun, and keep its result or why there is none. Not for the loop's thread."""
        try:
            status = {**self._status(task_id, completed=True), "result": work()}
        except ApiError as problem:
            status = {**self._status(task_id, completed=True), "error": {"message": problem.message}}
        except Exception as problem:  # noqa: BLE001  whoever asks for the status learns of it
            _LOG.error("a task failed", exc_info=problem)
            message = f"internal error: {type(problem).__name__}"
            status = {**self._status(task_id, completed=True), "error": {"message": message}}
        now = self._engine.now()

        def save(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM tasks WHERE updated < ?", (now - _KEPT_SECONDS,))
            if repositories.exists(connection, repository):
                row = (repository.id, task_id, now, json.dumps(status))
                connection.execute("INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?)", row)

        try:
            self._engine.writer.submit(save)
        except ApiError:
            _LOG.exception("the outcome of a task could not be kept")
        finally:
            self._running.pop((repository.id, task_id), None)

    def status(self, connection: sqlite3.Connection, repository: Repository, task_id: str) -> dict[str, Any]:
        """How a task stands; 404 for one that is not known, or is of another repository."""
        running = self._running.get((repository.id, task_id))
        if running is not None:
            return running
        query = "SELECT status FROM tasks WHERE repository = ? AND id = ?"
        row = connection.execute(query, (repository.id, task_id)).fetchone()
        if row is None:
            raise not_found()
        status: dict[str, Any] = json.loads(row[0])
        return status

    def _status(self, task_id: str, *, completed: bool) -> dict[str, Any]:
        now = datetime.fromtimestamp(self._engine.moment(), timezone.utc)
        return {"completed": completed, "task_id": task_id, "update_time": now.isoformat().replace("+00:00", "Z")}
