"""What clients began and never finished, found when an engine starts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


def forget_unlinked(folder: Path, connection: sqlite3.Connection, oldest: float) -> None:
    """Remove files below ``linked/`` last written before ``oldest`` that no entry names.

    Only names that carry a signature count: formats before the second kept no record of what was linked.
    """
    for parent, _, names in os.walk(folder):
        for name in names:
            path = folder / parent / name
            if "," in name and path.lstat().st_mtime < oldest and not _is_linked(folder, connection, path):
                path.unlink(missing_ok=True)


def _is_linked(folder: Path, connection: sqlite3.Connection, path: Path) -> bool:
    key = (str(path.relative_to(folder)),)
    return connection.execute("SELECT 1 FROM linked WHERE name = ?", key).fetchone() is not None


def forget_shelves(connection: sqlite3.Connection) -> None:
    """Remove what an import had put aside when its engine was killed."""
    connection.execute("DELETE FROM staged WHERE branch < 0")
