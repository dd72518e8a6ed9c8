"""Removing what nothing refers to, and writing packs anew that are mostly holes.

First the rows go, in one transaction, then the files: a crash in between leaves files without a name, which the next
tidying finds. Only that a file was once linked is forgotten after it is gone: a tidying takes it for that alone.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakefs_repro.embedded.inspection.check import look, unnamed_files
from lakefs_repro.embedded.inspection.files import forget_files, unused_files
from lakefs_repro.embedded.inspection.findings import Inspection
from lakefs_repro.embedded.inspection.folder import DATABASE, changing
from lakefs_repro.embedded.store.folders import sync_folder
from lakefs_repro.embedded.store.formats import FORMAT_VERSION
from lakefs_repro.errors import RejectedError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

_WORTH_REWRITING = 0.5
_WORTH_VACUUM = 0.25


@dataclass(frozen=True)
class Tidied:
    """What a tidying did; ``bytes`` is by how much the folder's files have shrunk."""

    blocks: int
    ranges: int
    metaranges: int
    files: int
    packs: int
    bytes: int


def tidy(root: Path, *, now: float | None = None) -> Tidied:
    """Remove what no commit and no staged change refers to, and give its space back. No engine may run meanwhile.

    Killed at any moment, nothing that is referred to is lost, and the next tidying does the rest.

    Raises:
        ConflictError: an engine runs on the folder.
        RejectedError: something is wrong with the folder: what is in use can't be told for sure then. What
            clients claimed wrongly does not count.
        NotFoundError, InvalidError: as for ``check``.
    """
    moment = time.time() if now is None else now
    with changing(root) as connection:
        before = _used(root)
        said = Inspection(deep=False, format=FORMAT_VERSION)
        look(connection, root, said, moment)
        if not said.ok:
            raise RejectedError(
                f"{root} is not sound, so nothing was removed: {said.troubles[0].message}.",
                hint="`lakefs-repro doctor --engine` names everything that is wrong",
                kind="engine-folder-damaged",
            )
        _remove_rows(connection)
        packs = _rewrite_packs(connection, root)
        doomed = [*unnamed_files(connection, root), *(file for file, _ in unused_files(connection, root, moment))]
        for file in doomed:
            file.unlink()
        forget_files(connection, root)
        _remove_packs(connection, root)
        _shrink(connection)
    waste = said.waste
    return Tidied(waste.blocks, waste.ranges, waste.metaranges, len(doomed), packs, max(0, before - _used(root)))


def _used(root: Path) -> int:
    files = [root / DATABASE, root / f"{DATABASE}-wal", *(root / "packs").iterdir(), *(root / "blocks").glob("*/*")]
    files += (file for file in (root / "linked").rglob("*") if file.is_file())
    return sum(file.lstat().st_size for file in files if file.exists())


def _remove_rows(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for table in ("metaranges", "ranges", "blocks"):
        connection.execute(f"DELETE FROM {table} WHERE id NOT IN (SELECT id FROM temp.used_{table})")  # noqa: S608  fixed
    connection.execute("DELETE FROM claimed_trees WHERE id NOT IN (SELECT id FROM temp.used_metaranges)")
    connection.execute("COMMIT")


def _rewrite_packs(connection: sqlite3.Connection, root: Path) -> int:
    """Copy the blocks of packs that are mostly holes into new packs: whole and on disk before they count."""
    folder = root / "packs"
    known = connection.execute("SELECT pack, SUM(size) FROM blocks WHERE pack IS NOT NULL GROUP BY pack").fetchall()
    numbers = [int(file.stem) for file in folder.glob("*.pack") if file.stem.isdigit()]
    following = max([-1, *numbers, *(number for number, _ in known)]) + 1
    rewritten = 0
    for number, live in known:
        file = folder / f"{number:08d}.pack"
        if live > file.lstat().st_size * _WORTH_REWRITING:
            continue
        _rewrite(connection, file, number, following)
        following += 1
        rewritten += 1
    return rewritten


def _rewrite(connection: sqlite3.Connection, file: Path, number: int, new: int) -> None:
    rows = connection.execute("SELECT id, size, start FROM blocks WHERE pack = ? ORDER BY start", (number,)).fetchall()
    target, moved, end = file.with_name(f"{new:08d}.pack"), [], 0
    with file.open("rb") as old, target.open("wb") as written:
        os.fchmod(written.fileno(), 0o600)
        for identifier, size, start in rows:
            old.seek(start)
            data = old.read(size)
            written.write(data)
            moved.append((new, end, identifier))
            end += len(data)
        written.flush()
        os.fsync(written.fileno())
    sync_folder(file.parent)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("UPDATE blocks SET pack = ?, start = ? WHERE id = ?", moved)
    connection.execute("COMMIT")


def _remove_packs(connection: sqlite3.Connection, root: Path) -> None:
    named = {number for (number,) in connection.execute("SELECT DISTINCT pack FROM blocks WHERE pack IS NOT NULL")}
    for file in (root / "packs").glob("*.pack"):
        if not file.stem.isdigit() or int(file.stem) not in named:
            file.unlink()
    sync_folder(root / "packs")


def _shrink(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    free = connection.execute("PRAGMA freelist_count").fetchone()[0]
    if free > pages * _WORTH_VACUUM:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
