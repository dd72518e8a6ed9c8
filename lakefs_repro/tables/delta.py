"""Which Parquet files of a dataset are rows, where some of its folders are Delta tables.

Of a folder with a ``_delta_log`` only the files that the log's newest version names hold rows. The log itself,
checkpoints, change data and files that were removed, but not yet vacuumed, belong to the snapshot and to no table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lakefs_repro.errors import IntegrityError, InvalidError
from lakefs_repro.model.table_report import Severity, Violation
from lakefs_repro.tables.delta_log import (
    LOG_FOLDER,
    SIDECARS,
    DataFile,
    DeltaState,
    UnusableLogError,
    printable,
    replay,
)
from lakefs_repro.tables.files import HIVE_NULL, TableFile, table_format

if TYPE_CHECKING:
    from lakefs_repro.model.contract import Contract

_LOG_FILE = re.compile(
    rf"(?:(.*)/)?{LOG_FOLDER}/(?:\d{{20}}\.(?:json|checkpoint\.[^/]+)|{SIDECARS}/[^/]+\.parquet)", re.DOTALL
)


def is_delta_log(path: str) -> bool:
    """Whether ``path`` is a part of a Delta table's log that is needed to know the table's files."""
    return _LOG_FILE.fullmatch(path) is not None


@dataclass(frozen=True)
class DeltaTable:
    """A folder with a log. ``files`` is by dataset-relative path.

    Where they are not known ``problem`` says why, and ``suspects`` are all files that could be it.
    """

    folder: str
    version: int = -1
    files: dict[str, DataFile] = field(default_factory=dict)
    problem: str = ""
    damaged: bool = False
    suspects: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        return f"{self.folder}/" if self.folder else ""

    @property
    def name(self) -> str:
        return self.folder or "the dataset"


class DeltaTables:
    """The Delta tables among the files of a dataset.

    Args:
        tables: the tables; inner folders win over outer ones.
    """

    def __init__(self, tables: Iterable[DeltaTable] = ()) -> None:
        self.tables = tuple(sorted(tables, key=lambda table: table.folder))
        self._by_folder = {table.folder: table for table in self.tables}

    @classmethod
    def among(cls, files: Iterable[TableFile], paths: Collection[str] | None = None) -> DeltaTables:
        """Find the logs among ``files`` and replay them.

        Args:
            files: files of a dataset, those of the logs among them; only logs are read.
            paths: every path of the dataset, where ``files`` are not all of it: a file that a log names must be
                among them.

        Raises:
            LakefsReproError: a remote log could not be read.
        """
        members = list(files)
        logs: dict[str, list[TableFile]] = {}
        for file in members:
            match = _LOG_FILE.fullmatch(file.path)
            if match:
                logs.setdefault(match[1] or "", []).append(file)
        if not logs:
            return cls()
        there = {file.path for file in members} if paths is None else paths
        return cls(_table(folder, own, there) for folder, own in logs.items())

    def owner(self, path: str) -> DeltaTable | None:
        """The table in whose folder ``path`` lies."""
        folder = path
        while folder and self._by_folder:
            folder = folder.rpartition("/")[0]
            if folder in self._by_folder:
                return self._by_folder[folder]
        return None

    def is_row_file(self, path: str) -> bool:
        """Whether the file holds rows: of a Delta table only where its log says so."""
        owner = self.owner(path)
        return table_format(path) is not None and (owner is None or path in owner.files)

    def rows(self, files: Iterable[TableFile]) -> list[TableFile]:
        """Those of ``files`` that hold rows, with the partition values that a log gives them."""
        return [self._known(file) for file in files if self.is_row_file(file.path)]

    def violations(self, contract: Contract) -> Iterator[Violation]:
        """What is wrong with the logs, and what of the tables can't be checked.

        It is an error where a log is damaged, and where the contract promises a table that can't be looked at.
        """
        for table in self.tables:
            where = f"{table.prefix}{LOG_FOLDER}"
            if table.problem:
                promised = any(contract.table_for(path) and not contract.ignores(path) for path in table.suspects)
                severity: Severity = "error" if table.damaged or promised else "warning"
                message = (
                    f"the Delta log of {table.name} can't be followed, so its rows are not checked: {table.problem}"
                )
                yield Violation("", where, "", "delta-log", 0, (), message, severity)
            hidden = sum(file.has_deleted_rows for file in table.files.values())
            if hidden:
                message = (
                    f"{hidden:,} files of the Delta table {table.name} have rows that deletion vectors hide; "
                    "checks and counts still see them"
                )
                yield Violation("", where, "", "delta-log", 0, (), message, "warning")

    def require_readable(self, files: Iterable[TableFile]) -> None:
        """Refuse to read rows of a table that can't be read as its writers mean it.

        Raises:
            InvalidError: the log asks for more than is known here, or hides rows of ``files``.
            IntegrityError: the log is damaged.
        """
        for file in files:
            owner = self.owner(file.path)
            if owner is None:
                continue
            problem = owner.problem
            if not problem and file.path in owner.files and owner.files[file.path].has_deleted_rows:
                problem = "deletion vectors hide some of its rows"
            if problem:
                cls = IntegrityError if owner.damaged else InvalidError
                raise cls(
                    f"the Delta table {owner.name} can't be read here: {problem}",
                    hint="restore the snapshot, and read the folder with a Delta library",
                    kind="delta-log",
                )

    def _known(self, file: TableFile) -> TableFile:
        owner = self.owner(file.path)
        if owner is None:
            return file
        values = owner.files[file.path].partitions
        texts = {name: HIVE_NULL if value is None else value for name, value in values.items()}
        return replace(file, partitions=texts, root=owner.folder)


def _table(folder: str, logs: Sequence[TableFile], there: Collection[str]) -> DeltaTable:
    try:
        return _of_state(folder, replay(logs), there)
    except UnusableLogError as error:
        log = f"{folder}/{LOG_FOLDER}/".lstrip("/")
        inside = [path for path in there if path.startswith(f"{folder}/".lstrip("/")) and not path.startswith(log)]
        suspects = tuple(path for path in inside if table_format(path))
        return DeltaTable(folder, problem=str(error), damaged=error.damaged, suspects=suspects)


def _of_state(folder: str, state: DeltaState, there: Collection[str]) -> DeltaTable:
    prefix = f"{folder}/" if folder else ""
    files: dict[str, DataFile] = {}
    for (path, _), file in state.files.items():
        if table_format(path) != "parquet":
            raise UnusableLogError("it names files that are no Parquet files", damaged=False)
        if prefix + path not in there:
            raise UnusableLogError(f"version {state.version} names {printable(path)}, which is not there", damaged=True)
        files[prefix + path] = file
    return DeltaTable(folder, state.version, files)
