"""Opening an engine's folder without an engine: to read beside a running one, or to change while none runs."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lakefs_repro.embedded.store.engine import hold
from lakefs_repro.embedded.store.formats import FORMAT_VERSION
from lakefs_repro.errors import InvalidError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATABASE = "metadata.sqlite"


@contextmanager
def reading(root: Path) -> Iterator[sqlite3.Connection]:
    """The metadata at one moment, beside whoever is at work; temporary tables may be made.

    Raises:
        NotFoundError: the folder holds no engine's data.
        InvalidError: its format is not this program's.
    """
    connection = _open(root, read_only=True)
    try:
        connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()


@contextmanager
def changing(root: Path) -> Iterator[sqlite3.Connection]:
    """The metadata, to change it: the folder is held, as by an engine.

    Raises:
        ConflictError: an engine runs on it.
        NotFoundError, InvalidError: as for ``reading``.
    """
    _require_data(root)
    with hold(root):
        connection = _open(root, read_only=False)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            yield connection
        finally:
            connection.close()


def _require_data(root: Path) -> None:
    if not (root / DATABASE).is_file():
        raise NotFoundError(
            f"{root} holds no data of an embedded engine.",
            hint="name its folder with --root; `lakefs-repro server status` shows it",
            kind="engine-folder-not-found",
        )


def _open(root: Path, *, read_only: bool) -> sqlite3.Connection:
    _require_data(root)
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(f"file:{root / DATABASE}?mode={mode}", uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA temp_store = FILE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        connection.close()
        raise InvalidError(
            f"{root / DATABASE} can't be read as a database: {error}.",
            hint="bring the folder back from a backup",
            kind="engine-database-damaged",
        ) from error
    if version != FORMAT_VERSION:
        connection.close()
        raise InvalidError(
            f"{root / DATABASE} has on-disk format {version}, and this program looks over format {FORMAT_VERSION}.",
            hint="start and stop the engine once to upgrade it" if version < FORMAT_VERSION else "upgrade lakefs-repro",
            kind="engine-format-newer" if version > FORMAT_VERSION else "engine-format-older",
        )
    return connection
