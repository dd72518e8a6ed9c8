"""Writing a DataFrame or an Arrow table as a file of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakefs_repro.errors import InvalidError
from lakefs_repro.tables import lazy

if TYPE_CHECKING:
    from pathlib import Path

ROWS_PER_GROUP = 1 << 17


def write_table(data: Any, path: Path) -> None:
    """Write ``data`` as Parquet (zstd): equal tables give equal bytes with the same library versions.

    A DataFrame's index is written as a column where it has a name, and is otherwise left out: row numbers
    that differ after a filter would change the bytes of the same rows.

    Args:
        data: a ``pandas.DataFrame``, ``pyarrow.Table`` or ``pyarrow.RecordBatch``.
        path: the file to write; overwritten.

    Raises:
        InvalidError: another kind of object, column names that repeat, or values that Parquet can't hold.
    """
    pa = lazy.pyarrow()
    try:
        table = _as_arrow(data)
        if len(set(table.column_names)) < table.num_columns:
            raise InvalidError("two columns of the table have the same name", kind="bad-table")
        lazy.parquet().write_table(table, path, compression="zstd", row_group_size=ROWS_PER_GROUP)
    except pa.ArrowException as error:
        raise InvalidError(f"the table can't be written as Parquet: {error}", kind="bad-table") from error


def _as_arrow(data: Any) -> Any:
    pa = lazy.pyarrow()
    if isinstance(data, pa.Table):
        # Row groups must not depend on how the table was put together.
        return data.combine_chunks()
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, lazy.pandas().DataFrame):
        named = [name for name in data.index.names if name is not None]
        unnamed = [level for level, name in enumerate(data.index.names) if name is None]
        frame = data.reset_index(level=unnamed, drop=True) if unnamed and named else data
        return pa.Table.from_pandas(frame, preserve_index=bool(named)).combine_chunks()
    raise InvalidError(
        f"a {type(data).__name__} is no table",
        hint="give a pandas.DataFrame or a pyarrow.Table",
        kind="bad-table",
    )
