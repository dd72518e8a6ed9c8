"""Tables: which files are tables, their schema and statistics, contracts inferred and held to."""

from __future__ import annotations

from lakefs_repro.tables.delta import DeltaTable, DeltaTables, is_delta_log
from lakefs_repro.tables.files import TableFile, TableFormat, partition_values, table_format
from lakefs_repro.tables.inference import infer_contract
from lakefs_repro.tables.reading import read_arrow, read_pandas
from lakefs_repro.tables.validation import no_files, statistics, validate
from lakefs_repro.tables.writing import write_table

__all__ = [
    "DeltaTable",
    "DeltaTables",
    "TableFile",
    "TableFormat",
    "infer_contract",
    "is_delta_log",
    "no_files",
    "partition_values",
    "read_arrow",
    "read_pandas",
    "statistics",
    "table_format",
    "validate",
    "write_table",
]
