"""Sample data: the names that lakeFS' own sample has, with content of our own, made from code."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from functools import cache
from typing import TYPE_CHECKING

from lakefs_repro.embedded.store import objects, protection
from lakefs_repro.embedded.store.committing import CommitRequest, commit
from lakefs_repro.embedded.store.entry import Entry

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.repositories import Repository

_COUNTRIES = ("Aquaria", "Borealis", "Cascadia", "Deltania", "Estuaria")
_LAKES = 100_000
_MULTIPLIER = 2_654_435_761  # Knuth's, which spreads consecutive numbers over 32 bits
_SPREAD = 2**32
_DEEPEST = 1000.0
_README = """# Sample data

This repository was made with `sample_data`. Its objects have the names that lakeFS' own sample has, so that code which
reads them runs here, too; what is in them was made up here.

| object | what it is |
|---|---|
| `lakes.parquet` | 100,000 invented lakes: `Hylak_id`, `Lake_name`, `Country`, `Depth_m` |
| `data/lakes.source.md` | where they come from |
| `images/` | pictures of one colour each |

Things to try: make a branch, delete the lakes of one country there, commit, look at the diff, merge, revert.
"""
_SOURCE = """# Where the lakes come from

From a formula. No name, country or depth is real.
"""
_PICTURES = (
    "commit-change-02",
    "commit-change",
    "create-lakefs-branch",
    *(f"duckdb-editor-{number:02d}" for number in range(2, 7)),
    *(f"duckdb-main-{number:02d}" for number in range(1, 4)),
    *(f"hooks-{number:02d}" for number in range(9)),
    "merge01",
    "merge02",
    "quickstart-step-01-query",
    "quickstart-step-02-branch",
    "quickstart-step-03-merge",
    "quickstart-step-04-rollback",
    "quickstart-step-05-actions",
    "repo-contents",
)
_ANIMATION = "waving-axolotl-transparent-w90"
_GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")


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


@cache
def _files() -> dict[str, bytes]:
    return {
        "README.md": _README.encode(),
        "data/lakes.source.md": _SOURCE.encode(),
        **{f"images/{name}.png": _picture(name) for name in _PICTURES},
        f"images/{_ANIMATION}.gif": _GIF,
        "lakes.parquet": _lakes(),
    }


def _picture(name: str) -> bytes:
    """A PNG of 16 by 16 pixels, in a colour of its own."""
    size, colour = 16, hashlib.sha256(name.encode()).digest()[:3]
    rows = (b"\0" + colour * size) * size
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _lakes() -> bytes:
    import numpy as np  # noqa: PLC0415  heavy, and the engine starts without them
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    numbers = np.arange(1, _LAKES + 1)
    noise = numbers * _MULTIPLIER % _SPREAD
    table = pa.table(
        {
            "Hylak_id": numbers,
            "Lake_name": pc.binary_join_element_wise("Lake", pa.array(numbers).cast(pa.string()), " "),
            "Country": pa.array(_COUNTRIES).take(pa.array(noise % len(_COUNTRIES))),
            "Depth_m": noise / _SPREAD * _DEEPEST,
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()
