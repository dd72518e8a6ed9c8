"""Which files are tables, and what their paths say."""

from __future__ import annotations

import contextlib
import gzip
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal
from urllib.parse import unquote

from lakefs_repro.errors import InternalError
from lakefs_repro.tables.ranges import RangedStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lakefs_repro.ports import Ranged

TableFormat = Literal["csv", "jsonl", "parquet"]

_SUFFIXES: dict[str, TableFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
READ_AHEAD = 64 << 10
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class TableFile:
    """A file of a dataset, and where its bytes lie: on this machine, or elsewhere, to be read by ranges.

    Args:
        path: relative to the dataset, with ``/``.
        local: the file on this machine.
        remote: its bytes elsewhere. Exactly one of the two is given.
        partitions: the values of its partition columns, where its folders don't say them.
        root: the folder of the Delta table that it belongs to.
    """

    path: str
    local: Path | None = None
    remote: Ranged | None = None
    partitions: Mapping[str, str] | None = None
    root: str | None = None

    def __post_init__(self) -> None:
        if (self.local is None) == (self.remote is None):
            raise InternalError(f"{self.path}: a table file lies either here or elsewhere")

    @property
    def size(self) -> int:
        """Its size in bytes."""
        if self.remote is not None:
            return self.remote.size
        return self.here.stat().st_size

    @property
    def folders(self) -> Mapping[str, str]:
        """The values of its partition columns, outermost first: from its folders, or as its table's log has them."""
        return partition_values(self.path) if self.partitions is None else self.partitions

    @property
    def here(self) -> Path:
        """The local file.

        Raises:
            InternalError: the bytes lie elsewhere.
        """
        if self.local is None:
            raise InternalError(f"{self.path} is not on this machine")
        return self.local

    def open(self) -> BinaryIO:
        """The bytes, from any place; of a remote file only what is asked for is fetched."""
        if self.remote is not None:
            return io.BufferedReader(RangedStream(self.remote), READ_AHEAD)
        return self.here.open("rb")


@contextlib.contextmanager
def unzipped(file: TableFile) -> Iterator[BinaryIO]:
    """The content of ``file``, unpacked where its name says that it is gzipped."""
    with file.open() as stream:
        if is_gzipped(file.path):
            with gzip.open(stream, "rb") as content:
                yield content  # type: ignore[misc]
        else:
            yield stream


def table_format(path: str) -> TableFormat | None:
    """The table format that the name of ``path`` promises; None for a file that is no table.

    Text formats may be compressed by gzip (``.csv.gz``); capitals don't matter.
    """
    name, found = _split(path)
    return None if not name else found


def table_suffix(path: str) -> str:
    """The suffix that decided ``table_format``, in lower case and without ``.gz``."""
    name = path.lower().removesuffix(".gz")
    return name[name.rfind(".") :]


def is_gzipped(path: str) -> bool:
    return path.lower().endswith(".gz")


def stem(path: str) -> str:
    """The file's name without folders and without the suffixes of its format."""
    name = path.rpartition("/")[2]
    if is_gzipped(name):
        name = name[:-3]
    return name[: name.rfind(".")] if "." in name else name


def partition_values(path: str) -> dict[str, str]:
    """The ``key=value`` folders of a Hive-style path, decoded, outermost first."""
    values: dict[str, str] = {}
    for folder in path.split("/")[:-1]:
        key, equals, value = folder.partition("=")
        if key and equals:
            values[unquote(key)] = unquote(value)
    return values


def plain_folder(path: str) -> str:
    """The folder of ``path`` without its ``key=value`` levels."""
    return "/".join(folder for folder in path.split("/")[:-1] if not _is_partition(folder))


def _is_partition(folder: str) -> bool:
    key, equals, _ = folder.partition("=")
    return bool(key and equals)


def partition_of(path: str) -> str:
    """What ``scope: partition`` groups by: the ``key=value`` folders, or else the folder."""
    folders = path.split("/")[:-1]
    return "/".join([folder for folder in folders if _is_partition(folder)] or folders)


def _split(path: str) -> tuple[str, TableFormat | None]:
    name = path.rpartition("/")[2].lower()
    gzipped = name.endswith(".gz")
    bare, dot, suffix = name.removesuffix(".gz").rpartition(".")
    found = _SUFFIXES.get(dot + suffix)
    if found == "parquet" and gzipped:
        return "", None
    return bare, found
