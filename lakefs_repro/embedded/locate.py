"""Where a block lies on disk: for inspection, backup and tests, without a running engine and beside one."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from lakefs_repro.embedded.store.blocks import Place
from lakefs_repro.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path


def locate(root: Path, block: str) -> Place:
    """The file and the bytes of it that hold ``block`` (a SHA-256 in hex, the end of a physical address).

    Raises:
        NotFoundError: the engine on ``root`` has no such block.
    """
    connection = sqlite3.connect(f"file:{root / 'metadata.sqlite'}?mode=ro", uri=True)
    try:
        row = connection.execute(
            "SELECT size, pack, start FROM blocks WHERE id = ?", (bytes.fromhex(block),)
        ).fetchone()
    finally:
        connection.close()
    if row is None:
        raise NotFoundError(f"the embedded engine on {root} has no block {block}.", kind="block-not-found")
    size, pack, start = row
    if pack is None:
        return Place(root / "blocks" / block[:2] / block, 0, size, None)
    return Place(root / "packs" / f"{pack:08d}.pack", start, size, pack)
