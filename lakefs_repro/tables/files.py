"""Which files are tables, and what their paths say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

if TYPE_CHECKING:
    from pathlib import Path

TableFormat = Literal["csv", "jsonl", "parquet"]

_SUFFIXES: dict[str, TableFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class TableFile:
    """A file of a dataset: its dataset-relative path, with ``/``, and where its bytes lie."""

    path: str
    local: Path


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
