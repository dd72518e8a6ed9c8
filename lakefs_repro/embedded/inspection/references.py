"""What commits and staged changes refer to, directly and through trees. The one place that says what is in use.

It is gathered in temporary tables on disk, so that memory does not grow with the repository.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from lakefs_repro.embedded.store import metaranges, ranges
from lakefs_repro.embedded.store.entry import SHA256_HEX_LENGTH

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from lakefs_repro.embedded.inspection.findings import Inspection
    from lakefs_repro.embedded.store.ranges import Range, RangeInfo

_BATCH = 10_000


def gather(connection: sqlite3.Connection, said: Inspection) -> None:
    """Fill ``used_metaranges``, ``used_ranges``, ``used_blocks`` and ``used_addresses``; what is missing is noted."""
    connection.execute("CREATE TEMP TABLE used_metaranges (id TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("CREATE TEMP TABLE used_ranges (id TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute(
        "CREATE TEMP TABLE used_blocks (id BLOB, size INTEGER, whose TEXT, PRIMARY KEY (id, size)) WITHOUT ROWID"
    )
    connection.execute("CREATE TEMP TABLE used_addresses (address TEXT PRIMARY KEY, whose TEXT) WITHOUT ROWID")
    connection.execute(
        "INSERT OR IGNORE INTO temp.used_metaranges SELECT DISTINCT metarange FROM commits WHERE metarange != ''"
    )
    _through_metaranges(connection, said)
    _through_ranges(connection, said)
    staged = connection.execute("SELECT address, size, path FROM staged WHERE address IS NOT NULL")
    _use(connection, ((address, size, f"{path} (staged)") for address, size, path in staged))


def _through_metaranges(connection: sqlite3.Connection, said: Inspection) -> None:
    query = (
        "SELECT u.id, m.data, c.id FROM temp.used_metaranges u LEFT JOIN metaranges m ON m.id = u.id"
        " LEFT JOIN claimed_trees c ON c.id = u.id"
    )
    for identifier, data, claimed in connection.execute(query):
        if data is None and claimed is not None:
            said.remark("trees", f"the tree {identifier[:12]!r} was never there: a client named it as a commit's")
            continue
        if data is None:
            said.found("trees", f"the tree {identifier[:12]} is missing, which commits name")
            continue
        try:
            tree = metaranges.decode(data)
        except (ValueError, TypeError, zlib.error) as error:
            said.found("trees", f"the tree {identifier[:12]} can't be read: {error}")
            continue
        if metaranges.encode(tree.ranges)[0] != identifier:
            said.found("trees", f"the tree {identifier[:12]} is not what its name promises")
        connection.executemany(
            "INSERT OR IGNORE INTO temp.used_ranges VALUES (?)", [(info.id,) for info in tree.ranges]
        )
        _in_order(tree.ranges, identifier, said)


def _in_order(infos: Iterable[RangeInfo], tree: str, said: Inspection) -> None:
    before = ""
    for info in infos:
        if info.first <= before and before:
            said.found("trees", f"the tree {tree[:12]} is out of order at {info.first!r}")
        before = info.last


def _through_ranges(connection: sqlite3.Connection, said: Inspection) -> None:
    query = "SELECT u.id, r.data FROM temp.used_ranges u LEFT JOIN ranges r ON r.id = u.id"
    for identifier, data in connection.execute(query):
        said.ranges += 1
        if data is None:
            said.found("trees", f"the range {identifier[:12]} is missing, which trees name")
            continue
        try:
            run = ranges.decode(data)
            entries = [run.entry(index) for index in range(len(run))]
            same = ranges.encode(entries)[0].id == identifier
        except (ValueError, TypeError, KeyError, IndexError, zlib.error) as error:
            said.found("trees", f"the range {identifier[:12]} can't be read: {error}")
            continue
        if not same:
            said.found("trees", f"the range {identifier[:12]} is not what its name promises")
        _use(connection, _addresses(run))


def _addresses(run: Range) -> Iterator[tuple[str, int, str]]:
    for index in range(len(run)):
        entry = run.entry(index)
        yield entry.address, entry.size, entry.path


def _use(connection: sqlite3.Connection, rows: Iterable[tuple[str, int, str]]) -> None:
    blocks, others = [], []
    for address, size, whose in rows:
        if len(address) == SHA256_HEX_LENGTH and "/" not in address:
            blocks.append((bytes.fromhex(address), size, whose))
        else:
            others.append((address, whose))
        if len(blocks) >= _BATCH:
            connection.executemany("INSERT OR IGNORE INTO temp.used_blocks VALUES (?, ?, ?)", blocks)
            blocks.clear()
    connection.executemany("INSERT OR IGNORE INTO temp.used_blocks VALUES (?, ?, ?)", blocks)
    connection.executemany("INSERT OR IGNORE INTO temp.used_addresses VALUES (?, ?)", others)
