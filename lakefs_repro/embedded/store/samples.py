"""Sample data of our own, made from code: a page that says what it is, and one small table in two formats."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING

from lakefs_repro.embedded.store import objects, protection
from lakefs_repro.embedded.store.committing import CommitRequest, commit
from lakefs_repro.embedded.store.entry import Entry

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.repositories import Repository

_COUNTRIES = ("Aquaria", "Borealis", "Cascadia", "Deltania", "Estuaria")
_LAKES = 200
_COLUMNS = ("lake_id", "lake_name", "country", "depth_m", "area_km2")
_README = """# Sample data

This repository was made with `sample_data`. The lakes in it are invented: no name, country or number is real.

| object | what it is |
|---|---|
| `data/lakes.csv` | 200 lakes, as text |
| `lakes.parquet` | the same table, as Parquet |

Things to try: make a branch, delete the lakes of one country there, commit, look at the diff, merge, revert.
"""


def populate(engine: Engine, repository: Repository) -> None:
    """Commit the sample data to the default branch, and protect that branch. Not for the loop's thread.

    Raises:
        ApiError: 403, the repository is read-only.
    """
    repository.require_writable()
    branch, files = repository.default_branch, _files()

    def stage(connection: sqlite3.Connection) -> None:
        for path, data in files.items():
            block = hashlib.sha256(data).hexdigest()
            checksum = hashlib.md5(data).hexdigest()
            entry = Entry(path, checksum, len(data), engine.now(), block, "application/octet-stream", None)
            engine.blocks.add_small(connection, block, data)
            objects.stage(engine, connection, repository, branch, entry)

    engine.writer.submit(stage)
    commit(engine, repository, branch, CommitRequest("Add sample data"))
    engine.writer.submit(lambda connection: protection.set_rules(connection, repository, [branch], None))


def _files() -> dict[str, bytes]:
    rows = [_lake(number) for number in range(1, _LAKES + 1)]
    return {"README.md": _README.encode(), "data/lakes.csv": _csv(rows), "lakes.parquet": _parquet(rows)}


def _lake(number: int) -> tuple[int, str, str, float, float]:
    """The same lake whenever it is asked for."""
    noise = hashlib.sha256(b"lake %d" % number).digest()
    country = _COUNTRIES[noise[0] % len(_COUNTRIES)]
    return number, f"Lake {number:03d}", country, 1 + noise[1] + noise[2] / 256, 0.5 + noise[3] * noise[4] / 64


def _csv(rows: list[tuple[int, str, str, float, float]]) -> bytes:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    return table.getvalue().encode()


def _parquet(rows: list[tuple[int, str, str, float, float]]) -> bytes:
    import pyarrow as pa  # noqa: PLC0415  heavy, and the engine starts without it
    import pyarrow.parquet as pq  # noqa: PLC0415

    sink = io.BytesIO()
    pq.write_table(pa.table(dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))), sink)
    return sink.getvalue()
