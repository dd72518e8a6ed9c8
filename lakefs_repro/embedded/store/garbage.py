"""The lists that a garbage collection of a repository begins with, as files below ``gc/``. Nothing is collected."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import bad_request, not_found
from lakefs_repro.embedded.store import repositories
from lakefs_repro.embedded.store.addresses import SCHEME
from lakefs_repro.embedded.store.entry import SHA256_HEX_LENGTH
from lakefs_repro.embedded.store.homes import LINKED
from lakefs_repro.embedded.store.leftovers import forget_lists
from lakefs_repro.embedded.store.retention import Dated, Rules, retained

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.repositories import Repository

PAGE = 100_000
_LISTS = "_lakefs/retention/gc"


@dataclass(frozen=True)
class CommitLists:
    """A run's list of commits; ``file`` is below the folder of all lists."""

    run_id: str
    file: str


@dataclass(frozen=True)
class UncommittedList:
    """One page of what is staged; ``location`` is empty when the page is, ``token`` after the last one."""

    run_id: str
    location: str
    token: str


def location(engine: Engine, file: str) -> str:
    """The address of a list, or of a folder of lists."""
    return f"{SCHEME}{engine.garbage / file}"


def addresses_location(engine: Engine, repository: Repository) -> str:
    """Where a collector puts its own lists of addresses."""
    return location(engine, f"{repository.name}/{_LISTS}/addresses") + "/"


def list_commits(engine: Engine, repository: Repository) -> CommitLists:
    """Write down the commits that a collection would keep now.

    Raises:
        ApiError: 404, the repository has no rules.
    """
    with engine.database.snapshot() as connection:
        rules = _rules(connection, repository)
        trees, commits = _commits(connection, repository)
        query = "SELECT name, commit_id FROM branches WHERE repository = ?"
        heads = dict(connection.execute(query, (repository.id,)).fetchall())
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("commit_id", "expired", "metarange_id"))
    for identifier in sorted(retained(commits, heads, rules, engine.moment())):
        writer.writerow((identifier, "false", trees[identifier]))
    run_id = secrets.token_hex(10)
    file = f"{repository.name}/{_LISTS}/commits/run_id={run_id}/commits.csv"
    _write(engine, file, table.getvalue().encode())
    return CommitLists(run_id, file)


def _rules(connection: sqlite3.Connection, repository: Repository) -> Rules:
    rules = repositories.setting(connection, repository, "gc_rules")
    if rules is None or not any(rules.values()):
        raise not_found("get gc rules: not found")
    days = {rule["branch_id"]: rule["retention_days"] for rule in rules["branches"] or []}
    return Rules(rules["default_retention_days"], days)


def _commits(connection: sqlite3.Connection, repository: Repository) -> tuple[dict[str, str], dict[str, Dated]]:
    trees: dict[str, str] = {}
    commits: dict[str, Dated] = {}
    query = "SELECT id, parents, creation_date, metarange FROM commits WHERE repository = ?"
    for identifier, parents, date, tree in connection.execute(query, (repository.id,)):
        trees[identifier] = tree
        commits[identifier] = Dated((json.loads(parents) or [""])[0], date)
    return trees, commits


def list_uncommitted(engine: Engine, repository: Repository, token: str, page: int = PAGE) -> UncommittedList:
    """Write down one page of the addresses that are staged on some branch, and in no commit for that.

    Raises:
        ApiError: 400, the token is none of ours.
    """
    run_id, after = _position(token) if token else (secrets.token_hex(10), (0, ""))
    rows = _staged(engine, repository, after, page + 1)
    more = len(rows) > page
    rows = rows[:page]
    known = {(_relative(engine, repository, address), mtime) for _, _, address, mtime in rows}
    entries = sorted((name, mtime) for name, mtime in known if name)
    folder = f"{repository.name}/{_LISTS}/uncommitted/{run_id}/uncommitted"
    if entries:
        _write(engine, f"{folder}/{secrets.token_hex(10)}.parquet", _parquet(entries))
    where = location(engine, folder) + "/" if entries or token else ""
    return UncommittedList(run_id, where, _token(run_id, rows[-1][0], rows[-1][1]) if more else "")


def _staged(
    engine: Engine, repository: Repository, after: tuple[int, str], limit: int
) -> list[tuple[int, str, str, int]]:
    query = (
        "SELECT branch, path, address, mtime FROM staged WHERE (branch, path) > (?, ?) AND address IS NOT NULL"
        " AND branch IN (SELECT id FROM branches WHERE repository = ?) ORDER BY branch, path LIMIT ?"
    )
    return engine.database.reader().execute(query, (*after, repository.id, limit)).fetchall()


def _relative(engine: Engine, repository: Repository, address: str) -> str:
    """An address as seen from the repository's storage; empty for one that lies elsewhere, which nobody collects."""
    if len(address) == SHA256_HEX_LENGTH and "/" not in address:
        return f"data/{address}"
    below = repository.namespace.removeprefix(SCHEME).strip("/")
    for root in (repository.namespace, *(f"{SCHEME}{home}/{LINKED}/{below}" for home in engine.homes)):
        if address.startswith(f"{root}/"):
            return address.removeprefix(f"{root}/")
    return ""


def _parquet(entries: list[tuple[str, int]]) -> bytes:
    import pyarrow as pa  # noqa: PLC0415  heavy, and the engine starts without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    schema = pa.schema(
        [
            pa.field("physical_address", pa.string(), nullable=False),
            pa.field("creation_date", pa.int64(), nullable=False),
        ]
    )
    names, dates = [name for name, _ in entries], [date for _, date in entries]
    sink = io.BytesIO()
    pq.write_table(pa.table([names, dates], schema=schema), sink, compression="gzip")
    return sink.getvalue()


def _token(run_id: str, branch: int, path: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([run_id, branch, path]).encode()).decode()


def _position(token: str) -> tuple[str, tuple[int, str]]:
    try:
        run_id, branch, path = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
        bytes.fromhex(run_id)  # it becomes part of a file's name
        return run_id, (int(branch), str(path))
    except (binascii.Error, ValueError, TypeError):
        raise bad_request("invalid continuation token") from None


def _write(engine: Engine, name: str, data: bytes) -> None:
    forget_lists(engine.garbage, engine.moment() - engine.abandoned_seconds)
    file = engine.garbage / name
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_bytes(data)
