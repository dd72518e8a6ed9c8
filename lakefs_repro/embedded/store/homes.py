"""Where a folder has lain: what was linked before it was moved goes by the place of that time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

LINKED = "linked"


def homes(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Every place that an engine has run on this folder at."""
    row = connection.execute("SELECT value FROM settings WHERE name = 'homes'").fetchone()
    return () if row is None else tuple(json.loads(row[0]))


def move_in(connection: sqlite3.Connection, root: Path) -> tuple[str, ...]:
    """Remember that the folder lies at ``root`` now; all its homes."""
    known = homes(connection)
    if str(root) not in known:
        known = (*known, str(root))
        connection.execute("INSERT OR REPLACE INTO settings VALUES ('homes', ?)", (json.dumps(known),))
    return known
