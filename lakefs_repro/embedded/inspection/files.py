"""Files below ``linked/`` and imported ones: whether those that entries name are there, and which nothing names."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from lakefs_repro.embedded.store.addresses import file_at, issued_at
from lakefs_repro.embedded.store.engine import ABANDONED_SECONDS
from lakefs_repro.embedded.store.homes import homes
from lakefs_repro.embedded.store.leftovers import MARGIN

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from lakefs_repro.embedded.inspection.findings import Inspection


def note_files(connection: sqlite3.Connection, root: Path, said: Inspection) -> None:
    """Remark what is not there, and fill ``used_files`` with the names of files that entries name.

    A missing file is only remarked: clients may link what they never wrote, and imported files are not ours.
    """
    linked, known = root / "linked", homes(connection)
    # Without regard to case, as some file systems are: a name too many only keeps a file.
    connection.execute("CREATE TEMP TABLE used_files (name TEXT PRIMARY KEY COLLATE NOCASE) WITHOUT ROWID")
    note = connection.cursor()
    for address, path in connection.execute("SELECT address, whose FROM temp.used_addresses"):
        file = file_at(root, known, address)
        if not _is_there(file):
            said.remark("linked", f"{path!r} has its bytes in {file}, which is missing")
        names = {(name,) for name in (_relative(linked, file), file.name) if name}
        note.executemany("INSERT OR IGNORE INTO temp.used_files VALUES (?)", names)


def _is_there(file: Path) -> bool:
    try:
        return file.is_file()
    except (OSError, ValueError):  # too long a name, or a folder that may not be read
        return False


def _relative(linked: Path, file: Path) -> str:
    """A file's name below ``linked/``, however its address leads there; empty for one that lies elsewhere."""
    try:
        return str(file.resolve().relative_to(linked.resolve()))
    except (OSError, ValueError, RuntimeError):  # also: a NUL, links in a circle
        return ""


def unused_files(connection: sqlite3.Connection, root: Path, now: float) -> Iterator[tuple[Path, int]]:
    """Files below ``linked/`` that no entry names and that are too old to be linked still, with their sizes.

    What is neither at an address of ours nor was ever linked is somebody else's, and stays.
    Addresses hold whole paths, and not every home of a folder may be known: a file whose bare name some address ends
    in stays.
    """
    linked = (root / "linked").resolve()
    oldest = now - ABANDONED_SECONDS - MARGIN
    named = connection.cursor()
    used = "SELECT 1 FROM temp.used_files WHERE name IN (?, ?)"
    known = "SELECT 1 FROM linked WHERE name = ?"
    for parent, _, names in os.walk(linked):
        for name in names:
            file = Path(parent, name)
            size, below = _old(file, oldest), str(file.relative_to(linked))
            if size is None or named.execute(used, (below, name)).fetchone():
                continue
            if issued_at(name) is not None or named.execute(known, (below,)).fetchone():
                yield file, size


def forget_files(connection: sqlite3.Connection, root: Path) -> None:
    """Forget that entries once named files that none names any more and that are gone."""
    linked = (root / "linked").resolve()
    rows = connection.execute("SELECT name FROM linked WHERE name NOT IN (SELECT name FROM temp.used_files)").fetchall()
    gone = [(name,) for (name,) in rows if not _is_there(linked / name)]
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("DELETE FROM linked WHERE name = ?", gone)
    connection.execute("COMMIT")


def _old(file: Path, oldest: float) -> int | None:
    """The size of a file that was issued, written and put there before ``oldest``; None for any other."""
    try:
        found = file.lstat()
    except FileNotFoundError:  # an engine that runs tidies up, too
        return None
    newest = max(found.st_mtime, found.st_ctime, issued_at(file.name) or 0)
    return found.st_size if stat.S_ISREG(found.st_mode) and newest < oldest else None
