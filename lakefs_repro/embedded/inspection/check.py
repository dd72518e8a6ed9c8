"""Whether everything that an engine's metadata names is there, and what lies there that nothing names."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lakefs_repro.embedded.inspection.files import note_files, unused_files
from lakefs_repro.embedded.inspection.findings import Inspection
from lakefs_repro.embedded.inspection.folder import reading
from lakefs_repro.embedded.inspection.references import gather
from lakefs_repro.embedded.store.formats import FORMAT_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 4 * 1024 * 1024


def check(root: Path, *, deep: bool = False, now: float | None = None) -> Inspection:
    """Look over an engine's folder, changing nothing. An engine may run on it: one moment of its metadata is seen.

    Args:
        root: the folder.
        deep: read every block and compare its SHA-256, rather than only its place and size.
        now: seconds since the epoch, by which files that nothing names are old enough to be waste.

    Raises:
        NotFoundError: the folder holds no engine's data.
        InvalidError: its format is another program's, or its database can't be read at all.
    """
    said = Inspection(deep, format=FORMAT_VERSION)
    with reading(root) as connection:
        try:
            look(connection, root, said, time.time() if now is None else now)
        except sqlite3.DatabaseError as error:
            said.found("database", f"the database is damaged: {error}")
    return said


def look(connection: sqlite3.Connection, root: Path, said: Inspection, now: float) -> None:
    """All checks on an open database; leaves the temporary tables of ``gather`` behind."""
    _database(connection, said)
    _refs(connection, said)
    gather(connection, said)
    _known(connection, said)
    _blocks(connection, root, said)
    note_files(connection, root, said)
    _waste(connection, root, said, now)


def _database(connection: sqlite3.Connection, said: Inspection) -> None:
    for (problem,) in connection.execute("PRAGMA quick_check(100)"):
        if problem != "ok":
            said.found("database", f"the database is damaged: {problem}")


def _refs(connection: sqlite3.Connection, said: Inspection) -> None:
    said.repositories = connection.execute("SELECT COUNT(*) FROM repositories").fetchone()[0]
    names = dict(connection.execute("SELECT id, name FROM repositories"))
    for kind in ("branches", "tags"):
        lost = connection.execute(
            f"SELECT repository, name, commit_id FROM {kind} r WHERE NOT EXISTS"  # noqa: S608  fixed names
            " (SELECT 1 FROM commits c WHERE c.repository = r.repository AND c.id = r.commit_id)"
        )
        for repository, name, commit in lost:
            where = names.get(repository, f"repository {repository}")
            said.found("refs", f"{where}: {kind} {name!r} names the commit {commit[:12]}, which is missing")
    has = "SELECT 1 FROM commits WHERE repository = ? AND id = ?"
    parents = connection.cursor()
    for repository, commit, named in connection.execute("SELECT repository, id, parents FROM commits"):
        said.commits += 1
        for parent in json.loads(named):
            if not parents.execute(has, (repository, parent)).fetchone():
                where = names.get(repository, f"repository {repository}")
                said.found("refs", f"{where}: the commit {commit[:12]} has lost its parent {parent[:12]}")


def _known(connection: sqlite3.Connection, said: Inspection) -> None:
    unknown = connection.execute(
        "SELECT u.whose, hex(u.id) FROM temp.used_blocks u LEFT JOIN blocks b ON b.id = u.id WHERE b.id IS NULL"
    )
    for path, block in unknown:
        said.found("blocks", f"{path!r} has its bytes in the block {block[:12].lower()}, which is not known")
    wrong = connection.execute(
        "SELECT u.whose, u.size, b.size FROM temp.used_blocks u JOIN blocks b ON b.id = u.id WHERE u.size != b.size"
    )
    for path, promised, size in wrong:
        # An upload's size is its block's; another one was given by a client that linked the block.
        said.remark("blocks", f"{path!r} was linked as {promised} bytes, and its block has {size}")


def _blocks(connection: sqlite3.Connection, root: Path, said: Inspection) -> None:
    ends: dict[int, int] = {}
    before: tuple[int, int] = (-1, 0)
    rows = connection.execute("SELECT id, size, pack, start FROM blocks ORDER BY pack, start, size")
    for identifier, size, pack, start in rows:
        said.blocks += 1
        said.bytes += size
        name = identifier.hex()
        if pack is None:
            file = root / "blocks" / name[:2] / name
            there = _size(file)
        else:
            file = root / "packs" / f"{pack:08d}.pack"
            there = ends[pack] if pack in ends else ends.setdefault(pack, _size(file))
            if size and pack == before[0] and start < before[1]:
                said.found("blocks", f"the block {name[:12]} overlaps another in {file.name}")
            before = (pack, max(start + size, before[1] if pack == before[0] else 0))
        _block(file, (start or 0, size), name, there, said)


def _block(file: Path, place: tuple[int, int], name: str, there: int, said: Inspection) -> None:
    start, size = place
    if there < 0:
        said.found("blocks", f"the block {name[:12]} is lost: {file.name} is missing")
    elif there < start + size:
        said.found("blocks", f"the block {name[:12]} is cut short: {file.name} ends before its {size} bytes do")
    elif said.deep and _hash(file, start, size) != name:
        said.found("blocks", f"the block {name[:12]} in {file.name} holds other bytes than it was given")


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except FileNotFoundError:
        return -1


def _hash(file: Path, start: int, size: int) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        opened.seek(start)
        while size and (chunk := opened.read(min(size, _CHUNK))):
            digest.update(chunk)
            size -= len(chunk)
    return digest.hexdigest()


def _waste(connection: sqlite3.Connection, root: Path, said: Inspection, now: float) -> None:
    waste = said.waste
    for table in ("metaranges", "ranges"):
        count, size = connection.execute(
            f"SELECT COUNT(*), COALESCE(SUM(LENGTH(data)), 0) FROM {table} WHERE id NOT IN"  # noqa: S608  fixed names
            f" (SELECT id FROM temp.used_{table})"
        ).fetchone()
        setattr(waste, table, count)
        waste.bytes += size
    count, size = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM blocks WHERE id NOT IN (SELECT id FROM temp.used_blocks)"
    ).fetchone()
    waste.blocks = count
    waste.bytes += size
    for file in unnamed_files(connection, root):
        waste.files += 1
        waste.bytes += max(0, _size(file))
    for _, size in unused_files(connection, root, now):
        waste.files += 1
        waste.bytes += size


def unnamed_files(connection: sqlite3.Connection, root: Path) -> Iterator[Path]:
    """Files of blocks that no row names: of uploads that were cut off, or that come to an end at this moment."""
    named = connection.cursor()
    for file in sorted((root / "blocks").glob("*/*")):
        try:
            key = bytes.fromhex(file.name)
        except ValueError:
            yield file
            continue
        if not named.execute("SELECT 1 FROM blocks WHERE id = ? AND pack IS NULL", (key,)).fetchone():
            yield file
