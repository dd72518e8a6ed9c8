"""The rows of a snapshot, from files that were downloaded into a private folder and verified."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakefs_repro import tables
from lakefs_repro.errors import InvalidError
from lakefs_repro.model.entry import Entry
from lakefs_repro.transfer.download import Download

if TYPE_CHECKING:
    from lakefs_repro.snapshot.snapshot import Snapshot


def read_tables(snapshot: Snapshot, *, columns: Sequence[str] | None, table: str | None) -> Any:
    """All rows of one table, read by the contract that was captured with them.

    The files lie in a folder of their own below the state folder while they are read, and are gone afterwards.

    Raises:
        InvalidError: no file is a table; the disk has no room; or an unknown column is asked for.
        IntegrityError: a file's bytes are not those that were ingested.
    """
    contract = snapshot.contract
    found, logs, there = _files_of(snapshot, table)
    if not found:
        raise InvalidError(
            f"{snapshot} holds no rows{f' of a table {table!r}' if table else ''}: none of its files is a table.",
            hint="`.files` lists what it has, and `.open(path)` reads any file",
            kind="not-tables",
        )
    scratch = snapshot.context.state / "reading"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        delta = tables.DeltaTables.among(_downloaded(snapshot, logs, folder / "logs"), there)
        own = [entry for entry in found if delta.is_row_file(entry.path)]
        if not own:
            delta.require_readable(tables.TableFile(entry.path, folder) for entry in found)
        files = delta.rows(_downloaded(snapshot, own, folder / "files"))
        rows = tables.read_arrow(files, contract=contract, table=table, delta=delta, spill_dir=folder)
    return rows if columns is None else _only(rows, columns, snapshot)


def _files_of(snapshot: Snapshot, table: str | None) -> tuple[list[Entry], list[Entry], set[str]]:
    """The selected files that may hold rows of the table, the logs of Delta tables, and all paths of table files."""
    contract = snapshot.contract
    found, logs, there = [], [], set()
    for entry in snapshot.files.everything():
        if tables.is_delta_log(entry.path):
            logs.append(entry)
        if not tables.table_format(entry.path):
            continue
        there.add(entry.path)
        if not snapshot.selects(entry.path) or contract.ignores(entry.path):
            continue
        if table is None or ((known := contract.table_for(entry.path)) and known.name == table):
            found.append(entry)
    return found, logs, there


def _downloaded(snapshot: Snapshot, entries: Sequence[Entry], folder: Path) -> list[tables.TableFile]:
    folder.mkdir()
    _require_room(folder, sum(entry.size for entry in entries), snapshot)
    downloads, files = [], []
    for number, entry in enumerate(entries):
        # A path may be hostile, or too long here: its number is its name, and only its suffixes tell the format.
        local = folder / f"{number}{''.join(Path(entry.path).suffixes[-2:])[-32:]}"
        downloads.append(Download(snapshot.wanted(entry), local, folder / f"{number}.part"))
        files.append(tables.TableFile(entry.path, local))
    snapshot.downloader().save(snapshot.ingest_commit, downloads, durable=False)
    return files


def _only(rows: Any, columns: Sequence[str], snapshot: Snapshot) -> Any:
    unknown = [name for name in columns if name not in rows.column_names]
    if unknown:
        raise InvalidError(
            f"{snapshot} has no column {', '.join(unknown)}.",
            hint=f"it has {', '.join(rows.column_names)}",
            kind="column-not-found",
        )
    return rows.select(list(columns))


def _require_room(folder: Path, size: int, snapshot: Snapshot) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise InvalidError(
            f"{snapshot} has {size} bytes of tables, and {folder} has room for {free}.",
            hint="read a partition of it, such as flights@1.0.0#month=1, or make room",
            kind="not-enough-space",
        )
