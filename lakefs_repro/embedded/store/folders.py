"""Folders that are still there after a power cut."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class DurableFolders:
    """Makes folders below ``top``, which lies on disk itself, and brings their names to disk.

    That a folder is there says nothing: another thread may have made it a moment ago and not synced it yet, or a
    process that was killed before it could. So every process syncs each one once before it puts something into it.
    """

    def __init__(self, top: Path) -> None:
        self._top = top
        self._synced: set[Path] = set()

    def make(self, folder: Path) -> None:
        """Make ``folder`` and those above it; afterwards all of them survive a crash."""
        if folder in self._synced and folder.exists():
            return
        for each in reversed([folder, *folder.parents]):
            if each != self._top and each.is_relative_to(self._top):
                each.mkdir(mode=0o700, exist_ok=True)
                sync_folder(each.parent)
        self._synced.add(folder)


def sync_folder(folder: Path) -> None:
    """Make names that were created in ``folder`` survive a crash."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
