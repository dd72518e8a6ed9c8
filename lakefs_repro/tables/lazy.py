"""The heavy libraries of this room, imported when a table is really read."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def duckdb() -> Any:
    return import_module("duckdb")


def duckdb_sees_cut_gzip() -> bool:
    """Whether this DuckDB refuses a gzip file without its end: up to 1.5.4 (measured) it takes what is there."""
    return int(duckdb().__version__.partition(".")[0]) > 1


def pyarrow() -> Any:
    return import_module("pyarrow")


def parquet() -> Any:
    return import_module("pyarrow.parquet")


def fsspec() -> Any:
    return import_module("fsspec")


def pandas() -> Any:
    return import_module("pandas")
