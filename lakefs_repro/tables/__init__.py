"""Tables: which files are tables, their schema and statistics, contracts inferred and held to."""

from __future__ import annotations

from lakefs_repro.tables.files import TableFile, TableFormat, partition_values, table_format
from lakefs_repro.tables.validation import no_files, statistics, validate

__all__ = [
    "TableFile",
    "TableFormat",
    "no_files",
    "partition_values",
    "statistics",
    "table_format",
    "validate",
]
