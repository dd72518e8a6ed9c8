"""What hooks did: runs, their hooks, and what each had to say."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.store import repositories

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.store.repositories import Repository

COMPLETED, FAILED, SKIPPED = "completed", "failed", "skipped"
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True)
class HookRun:
    """One hook of a run; ``started`` is None for one that was skipped."""

    id: str
    action: str
    hook: str
    status: str
    started: float | None = None
    ended: float | None = None
    output: str = ""

    def shown(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "action": self.action,
            "hook_id": self.hook,
            "hook_run_id": self.id,
            "start_time": _NEVER if self.started is None else timestamp(self.started),
            "status": self.status,
        }
        return told if self.ended is None else {**told, "end_time": timestamp(self.ended)}


@dataclass(frozen=True)
class Run:
    """All hooks of one event."""

    id: str
    event: str
    branch: str
    commit_id: str
    started: float
    ended: float
    status: str

    def shown(self) -> dict[str, Any]:
        return {
            "branch": self.branch,
            "commit_id": self.commit_id,
            "end_time": timestamp(self.ended),
            "event_type": self.event,
            "run_id": self.id,
            "start_time": timestamp(self.started),
            "status": self.status,
        }


def timestamp(moment: float) -> str:
    """RFC 3339 in UTC, to the microsecond."""
    second = int(moment)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(second))}.{int((moment - second) * 1e6):06d}Z"


class RunIds:
    """Run ids of 20 characters that sort as lakeFS' do: the newest second first, within it as they were made."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._process = secrets.randbits(40)
        self._count = secrets.randbits(20)

    def make(self, now: int) -> str:
        with self._guard:
            self._count += 1
            number = ((0xFFFFFFFF - now) << 64) | (self._process << 24) | (self._count & 0xFFFFFF)
        number <<= 4  # 96 bits in 20 characters of five
        return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(95, -1, -5))


def save(connection: sqlite3.Connection, repository: Repository, run: Run, hooks: list[HookRun]) -> None:
    """Keep a run; nothing when its repository was deleted meanwhile, perhaps by the hook itself."""
    if not repositories.exists(connection, repository):
        return
    connection.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (repository.id, run.id, run.event, run.branch, run.commit_id, run.started, run.ended, run.status),
    )
    connection.executemany(
        "INSERT INTO hook_runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(repository.id, run.id, h.id, h.action, h.hook, h.status, h.started, h.ended, h.output) for h in hooks],
    )


def name_commit(connection: sqlite3.Connection, repository: Repository, run_id: str, commit_id: str) -> None:
    """A commit that a run let pass has its id now."""
    connection.execute(
        "UPDATE runs SET commit_id = ? WHERE repository = ? AND id = ?", (commit_id, repository.id, run_id)
    )


def listing(
    connection: sqlite3.Connection, repository: Repository, *, branch: str, commit: str, after: str, limit: int
) -> list[Run]:
    """Runs by id, perhaps of one branch, or of commits whose id begins with ``commit``."""
    rows = connection.execute(
        "SELECT id, event, branch, commit_id, started, ended, status FROM runs WHERE repository = ? AND id > ?"
        " AND (? = '' OR branch = ?) AND substr(commit_id, 1, length(?)) = ? ORDER BY id LIMIT ?",
        (repository.id, after, branch, branch, commit, commit, limit),
    )
    return [Run(*row) for row in rows]


def find(connection: sqlite3.Connection, repository: Repository, run_id: str) -> Run | None:
    row = connection.execute(
        "SELECT id, event, branch, commit_id, started, ended, status FROM runs WHERE repository = ? AND id = ?",
        (repository.id, run_id),
    ).fetchone()
    return None if row is None else Run(*row)


def hooks_of(
    connection: sqlite3.Connection, repository: Repository, run_id: str, *, after: str, limit: int
) -> list[HookRun]:
    """The hooks of a run by id, their output left out."""
    rows = connection.execute(
        "SELECT id, action, hook, status, started, ended FROM hook_runs WHERE repository = ? AND run = ? AND id > ?"
        " ORDER BY id LIMIT ?",
        (repository.id, run_id, after, limit),
    )
    return [HookRun(*row) for row in rows]


def output_of(connection: sqlite3.Connection, repository: Repository, run_id: str, hook_run: str) -> str | None:
    row = connection.execute(
        "SELECT output FROM hook_runs WHERE repository = ? AND run = ? AND id = ?", (repository.id, run_id, hook_run)
    ).fetchone()
    return None if row is None else row[0]
