"""Pull requests: a wish to merge one branch into another, with a title and a status."""

from __future__ import annotations

import itertools
import json
import re
import time
from base64 import b32hexencode
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.errors import ApiError, bad_request, not_found
from lakefs_repro.embedded.store import refs
from lakefs_repro.embedded.store.engine import COMMITTER
from lakefs_repro.embedded.store.order import above

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.store.repositories import Repository

OPEN, CLOSED, MERGED = STATUSES = ("open", "closed", "merged")
_ID = re.compile(r"[0-9a-v]{20}")
_LAST_SECOND = 2**32 - 1
_numbers = itertools.count(time.time_ns())


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat().replace("+00:00", "Z")


def require_id(pull_id: str) -> None:
    if not _ID.fullmatch(pull_id):
        raise bad_request("argument pullRequestID: pull request id: invalid value: validation error")


def _new_id(now: float) -> str:
    """An id that lies before those of earlier seconds, and behind those of this one: lists begin with the newest."""
    count = next(_numbers) % 2**64
    return b32hexencode((_LAST_SECOND - int(now)).to_bytes(4, "big") + count.to_bytes(8, "big")).decode()[:20].lower()


def require_branches(connection: sqlite3.Connection, repository: Repository, source: str, destination: str) -> None:
    """Refuse what can't be merged whatever comes: no branches, or one and the same."""
    for argument, name in (("dest", destination), ("src", source)):
        if not name:  # as measured
            raise ApiError(500, f"argument {argument}: required value: validation error")
        refs.require_branch_id(name, argument)
    if source == destination:
        raise bad_request("source and destination branches are the same: same branch validation error")
    for name in (source, destination):
        refs.branch(connection, repository, name)


def create(connection: sqlite3.Connection, repository: Repository, said: dict[str, str], now: float) -> str:
    """Take a pull request down; its id. ``said`` is ``title``, ``description`` and both branches."""
    pull_id = _new_id(now)
    record = {**said, "author": COMMITTER, "creation_date": moment(now), "id": pull_id, "status": OPEN}
    row = (repository.id, pull_id, OPEN, json.dumps(record))
    connection.execute("INSERT INTO pulls VALUES (?, ?, ?, ?)", row)
    return pull_id


def find(connection: sqlite3.Connection, repository: Repository, pull_id: str) -> dict[str, Any]:
    query = "SELECT record FROM pulls WHERE repository = ? AND id = ?"
    row = connection.execute(query, (repository.id, pull_id)).fetchone()
    if row is None:
        raise not_found("pull request not found")
    record: dict[str, Any] = json.loads(row[0])
    return record


def update(
    connection: sqlite3.Connection, repository: Repository, pull_id: str, changes: dict[str, str], now: float
) -> None:
    """Change what is said; a status that ends a pull request dates the end, and nothing takes that date away again."""
    record = {**find(connection, repository, pull_id), **changes}
    if changes.get("status") in {CLOSED, MERGED}:
        record["closed_date"] = moment(now)
    key = (record["status"], json.dumps(record), repository.id, pull_id)
    connection.execute("UPDATE pulls SET status = ?, record = ? WHERE repository = ? AND id = ?", key)


def listing(
    connection: sqlite3.Connection, repository: Repository, *, status: str, prefix: str, after: str, limit: int
) -> list[dict[str, Any]]:
    """From the newest back; ``closed`` shows the merged ones, too."""
    wanted = {"open": (OPEN, OPEN), "closed": (CLOSED, MERGED)}.get(status)
    rows = connection.execute(
        "SELECT record FROM pulls WHERE repository = ? AND id > ? AND id >= ? AND id < ?"
        " AND (? IS NULL OR status IN (?, ?)) ORDER BY id LIMIT ?",
        (repository.id, after, prefix, above(prefix), wanted and wanted[0], *(wanted or ("", "")), limit),
    )
    return [json.loads(row[0]) for row in rows]
