"""What is wrong with a file that DuckDB can't read, in words for people."""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING

from lakefs_repro.errors import LakefsReproError, UnavailableError
from lakefs_repro.tables import lazy
from lakefs_repro.tables.files import table_format, unzipped

if TYPE_CHECKING:
    from lakefs_repro.tables.files import TableFile


_DISK_FULL = "no space left"


def limit_reached(error: BaseException | None) -> LakefsReproError | None:
    """The error for people when DuckDB ran out of memory or disk; None for any other."""
    duckdb = lazy.duckdb()
    if isinstance(error, duckdb.Error) and _DISK_FULL in str(error).lower():
        return UnavailableError(
            "no space is left for the work that does not fit in memory while tables are read",
            hint="free some space, or name another folder for temporary files (TMPDIR)",
            kind="disk-full",
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return UnavailableError(
            "reading the tables needs more memory than it may take",
            hint="allow more with memory_limit, such as 1GB",
            kind="memory-limit",
        )
    return None


def about_content(error: Exception) -> bool:
    """Whether a DuckDB error is about the content of a file, not about a query, its limits or this package."""
    duckdb = lazy.duckdb()
    ours = (
        duckdb.ParserException,
        duckdb.BinderException,
        duckdb.CatalogException,
        duckdb.PermissionException,
        duckdb.OutOfMemoryException,
        duckdb.InterruptException,
        duckdb.InternalException,
        duckdb.FatalException,
    )
    full = _DISK_FULL in str(error).lower()
    return isinstance(error, duckdb.Error) and not isinstance(error, ours) and not full


_WRONG_WIDTH = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
_LINE = re.compile(r"(?:CSV Error on Line: |in line )(\d+)")


def explain(error: Exception, file: TableFile) -> str:
    """What a DuckDB error says about ``file``, without values of its rows and without paths."""
    text = str(error)
    line = _line(text, file)
    where = f"line {line}: " if line else ""
    width = _WRONG_WIDTH.search(text)
    if width:
        return f"{where}{width.group(2)} values where the header has {width.group(1)} columns"
    for sign, words in _SIGNS.items():
        if sign in text.lower():
            return where + words
    return where + _plain(text)


# The name under which a session knows a file.
_NUMBERED = re.compile(r":?\s*[\"']?(?:/|ranged://)[^\s\"']*\d{8}\.(?:csv|jsonl|parquet)(?:\.gz)?[\"']?")
_SIGNS = {
    "unicode": "not UTF-8 text",
    "utf-8": "not UTF-8 text",
    "unterminated quote": "a quoted value has no end",
    "maximum line size": "a line of more than 2 MB",
    "malformed json": "not valid JSON",
    "maximum_object_size": "a JSON object of more than 16 MB",
}


def _plain(text: str) -> str:
    first = text.split("\n", 1)[0]
    first = re.sub(r"^[A-Za-z ]+ Error: ", "", first)
    first = _NUMBERED.sub("", first)
    return re.sub(r"\s*[\"'](?:/[^\"']*)[\"']", "", first)[:200] or "it can't be read"


def _line(text: str, file: TableFile) -> int | None:
    found = _LINE.search(text)
    if found is None:
        return None
    return _bad_json_line(file, int(found.group(1))) if table_format(file.path) == "jsonl" else int(found.group(1))


def _bad_json_line(file: TableFile, told: int) -> int | None:
    """The line at fault: DuckDB 2.0 names the one after it."""
    try:
        with unzipped(file) as stream:
            for number, line in enumerate(stream, start=1):
                if number >= told - 1 and not _is_json(line):
                    return number
                if number > told:
                    break
    except (OSError, EOFError, zlib.error):
        return None
    return None


def _is_json(line: bytes) -> bool:
    try:
        return not line.strip() or json.loads(line) is not Ellipsis
    except (ValueError, RecursionError):
        return False
