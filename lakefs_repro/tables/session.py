"""A DuckDB connection that can read given files and touch nothing else.

File names and the SQL of contracts are untrusted. So each file is reached under a name that is a number, which
DuckDB can neither take for a glob nor for a piece of SQL: a symbolic link to a local file, a name in a file system
of our own for a remote one. The connection is locked before its first query: no other path, no extension, no
setting, no Python variable is in reach.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lakefs_repro.errors import InvalidError
from lakefs_repro.tables import lazy
from lakefs_repro.tables.faults import limit_reached
from lakefs_repro.tables.files import TableFile, is_gzipped, table_format
from lakefs_repro.tables.ranges import PROTOCOL, Failures, filesystem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from lakefs_repro.ports import Ranged

MEMORY_LIMIT = "160MB"
"""Keeps the whole process below 300 MB; ten million unique keys fit, by way of the disk."""

_NAME_LENGTH = 8
_LONG_LIST = 100
_GLOB_LETTERS = re.compile(r"[*?\[\\]")


def literal(text: str) -> str:
    """``text`` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """``name`` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def one_of(value: str, texts: Sequence[str]) -> str:
    """SQL for whether ``value`` is one of ``texts``.

    DuckDB makes a join of an IN with several constants, and of list_contains: for each of fifty columns
    that costs hundreds of megabytes, and rows lose their order.
    """
    listed = ", ".join(literal(text) for text in texts)
    if len(texts) > _LONG_LIST:
        return f"{value} IN ({listed})"
    return f"(coalesce(list_position([{listed}]::VARCHAR[], {value}), 0) > 0)"


class Session:
    """Files and a locked connection over them; a file is known by its number in ``files``.

    Args:
        files: the only files that the connection can read.
        spill_dir: where larger-than-memory work is spilled; created when missing. Nothing is left there.
        memory_limit: what DuckDB may hold, such as ``256MB``.
        threads: of DuckDB.
        ordered: keep the order of files and rows (costs memory; for reading back).
    """

    def __init__(
        self,
        files: Sequence[TableFile],
        *,
        spill_dir: Path | None,
        memory_limit: str,
        threads: int,
        ordered: bool = False,
    ) -> None:
        self.files = tuple(files)
        self._limits = {
            "memory_limit": memory_limit,
            "threads": str(threads),
            "preserve_insertion_order": str(ordered).lower(),
        }
        self._spill_dir = spill_dir
        self._stack = contextlib.ExitStack()
        self._failures = Failures()
        self._remote: dict[str, Ranged] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            spill = _folder(stack, self._spill_dir)
            self._links = _folder(stack, _without_globs(self._spill_dir))
            self._prefix = f"{self._links}/"
            # As long as the other prefix, so that the number stands at the same place in both.
            self._remote_prefix = f"{PROTOCOL}://".ljust(len(self._prefix), "-")
            for number, file in enumerate(self.files):
                if file.local is not None:
                    Path(self.link(number)).symlink_to(file.local.absolute())
            self.connection = self._connect(spill)
            stack.callback(self.connection.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        # The connection keeps its file system for ever: what that knows must not lead back to the connection.
        self._failures.first = None
        self._remote.clear()
        limit = limit_reached(error)
        if limit is not None:
            raise limit from error

    def link(self, number: int) -> str:
        """The path under which the connection knows file ``number``."""
        path = self.files[number].path
        prefix = self._remote_prefix if self.files[number].local is None else self._prefix
        suffix = f".{table_format(path)}" + (".gz" if is_gzipped(path) else "")
        return f"{prefix}{number:0{_NAME_LENGTH}d}{suffix}"

    def links(self, numbers: Sequence[int]) -> str:
        """An SQL list of links."""
        return "[" + ", ".join(literal(self.link(number)) for number in numbers) + "]"

    def number_of(self, column: str) -> str:
        """SQL that turns a file name of DuckDB back into the file's number."""
        return f"CAST(substring({column}, {len(self._prefix) + 1}, {_NAME_LENGTH}) AS INTEGER)"

    def named_in(self, message: str) -> int | None:
        """The number of the one file that an error message of DuckDB names."""
        prefix = f"(?:{re.escape(self._prefix)}|{re.escape(self._remote_prefix)})"
        names = {int(name) for name in re.findall(rf"{prefix}(\d{{{_NAME_LENGTH}}})", message)}
        return names.pop() if len(names) == 1 else None

    def rows(self, sql: str, values: Sequence[Any] = (), *, limit: int | None = None) -> list[tuple[Any, ...]]:
        """What ``sql`` answers with ``values`` in the place of its question marks, at most ``limit`` rows.

        Raises:
            LakefsReproError: a remote file could not be read.
        """
        with self._true_errors():
            answer = self.connection.execute(sql, values)
            found: list[tuple[Any, ...]] = answer.fetchall() if limit is None else answer.fetchmany(limit)
            return found

    def arrow(self, sql: str) -> Any:
        """What ``sql`` answers, as a ``pyarrow.Table``; raises as :meth:`rows` does."""
        with self._true_errors():
            return self.connection.sql(sql).to_arrow_table()

    def run(self, sql: str) -> None:
        """Do what ``sql`` says; raises as :meth:`rows` does."""
        with self._true_errors():
            self.connection.execute(sql)

    @contextlib.contextmanager
    def _true_errors(self) -> Iterator[None]:
        """What went wrong while a remote file was read, instead of DuckDB's account of it."""
        try:
            yield
        except lazy.duckdb().Error as error:
            if self._failures.first is not None:
                raise self._failures.first from error
            raise

    @contextlib.contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Interrupts what the connection does after ``seconds``."""
        timer = threading.Timer(seconds, self.connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _connect(self, spill: str) -> Any:
        connection = lazy.duckdb().connect(
            ":memory:",
            config={
                **self._limits,
                "temp_directory": spill,
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "python_enable_replacements": "false",
            },
        )
        allowed = {self.link(number) for number in range(len(self.files))}
        allowed.update(str(file.local.resolve()) for file in self.files if file.local is not None)
        paths = ", ".join(literal(path) for path in sorted(allowed))
        self._remote |= {self.link(n): file.remote for n, file in enumerate(self.files) if file.remote is not None}
        if self._remote:
            connection.register_filesystem(filesystem(self._remote, self._failures))
        connection.execute(f"SET allowed_paths = [{paths}]")
        # A moment without an offset is read as UTC, on every machine.
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return connection


def _folder(stack: contextlib.ExitStack, parent: Path | None) -> str:
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="lakefs-repro-tables-", dir=None if parent is None else parent.absolute())
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _without_globs(folder: Path | None) -> Path | None:
    """``folder``, or None (the system's temporary folder) where DuckDB would expand its name."""
    if folder is not None and not _GLOB_LETTERS.search(str(folder.absolute())):
        return folder
    if _GLOB_LETTERS.search(tempfile.gettempdir()):
        raise InvalidError(
            f"no folder for links to table files: {tempfile.gettempdir()} holds glob characters",
            hint="set TMPDIR to a folder without * ? [ or a backslash in its name",
        )
    return None
