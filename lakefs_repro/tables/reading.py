"""Files of a table as one Arrow table or DataFrame, with the contract's types and partition columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakefs_repro.errors import IntegrityError, InvalidError, NotFoundError
from lakefs_repro.tables import lazy
from lakefs_repro.tables.delta import DeltaTables
from lakefs_repro.tables.faults import about_content, explain
from lakefs_repro.tables.files import HIVE_NULL, TableFile
from lakefs_repro.tables.inference import infer_contract
from lakefs_repro.tables.layouts import TableLayouts, sort_by_layout
from lakefs_repro.tables.profile import COLUMNS_PER_QUERY
from lakefs_repro.tables.relation import SQL_TYPES, Layout, relation
from lakefs_repro.tables.session import Session, literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from lakefs_repro.model.contract import Contract, ContractProperty, ContractTable


def read_arrow(
    files: Sequence[TableFile],
    *,
    contract: Contract | None = None,
    table: str | None = None,
    delta: DeltaTables | None = None,
    spill_dir: Path | None = None,
    memory_limit: str = "1GB",
    threads: int = 2,
) -> pa.Table:
    """One table as a ``pyarrow.Table``, its rows in the order of paths and lines.

    Parquet columns keep their own types (widened where files differ); CSV and JSON Lines columns get the
    contract's, or, without a contract, those that all of their values have. ``key=value`` folders become
    columns.

    Args:
        files: files of a dataset; those of no or another table are passed over.
        contract: the dataset's; inferred from the files when None.
        table: which table; needed where the contract has several with files here.
        delta: the Delta tables of the dataset; found among ``files`` when None.
        spill_dir: for temporary links and spilled work.
        memory_limit: what DuckDB may hold beside the result.
        threads: of DuckDB.

    Raises:
        InvalidError: several tables and none named, or none at all.
        NotFoundError: the contract has no such table.
        IntegrityError: a file can't be read, or holds a value that is not of its column's type; or a Delta
            table can't be read as its log means it.
    """
    delta = DeltaTables.among(files) if delta is None else delta
    members = sorted(delta.rows(files), key=lambda file: file.path)
    if not members:
        delta.require_readable(files)
    contract = contract or infer_contract("data", members, delta=delta, spill_dir=spill_dir)
    chosen = _choose(contract, table, members)
    own = [file for file in members if not contract.ignores(file.path) and contract.table_for(file.path) is chosen]
    delta.require_readable(own)
    with Session(own, spill_dir=spill_dir, memory_limit=memory_limit, threads=threads, ordered=True) as session:
        layouts = sort_by_layout(session, chosen, range(len(own)))
        for number, reason in layouts.unreadable.items():
            raise IntegrityError(f"{own[number].path} can't be read as a table: {reason}", kind="unreadable-table")
        return _concatenated(session, layouts)


def read_pandas(
    files: Sequence[TableFile],
    *,
    contract: Contract | None = None,
    table: str | None = None,
    spill_dir: Path | None = None,
) -> pd.DataFrame:
    """``read_arrow`` as a ``pandas.DataFrame``. Missing integers become NaN, and the column float64."""
    found: pd.DataFrame = read_arrow(files, contract=contract, table=table, spill_dir=spill_dir).to_pandas()
    return found


def _choose(contract: Contract, name: str | None, files: Sequence[TableFile]) -> ContractTable:
    if name is not None:
        for candidate in contract.tables:
            if candidate.name == name:
                return candidate
        known = ", ".join(candidate.name for candidate in contract.tables) or "none"
        raise NotFoundError(f"the contract has no table {name!r}", hint=f"tables: {known}", kind="table-not-found")
    present = _present(contract, files)
    candidates = present or list(contract.tables)
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise InvalidError("there is no table among these files", hint="tables are .csv, .jsonl and .parquet files")
    names = ", ".join(candidate.name for candidate in candidates)
    raise InvalidError("there are several tables", hint=f"name one of them: {names}", kind="table-unnamed")


def _present(contract: Contract, files: Sequence[TableFile]) -> list[ContractTable]:
    found = [contract.table_for(file.path) for file in files if not contract.ignores(file.path)]
    names = {table.name for table in found if table is not None}
    return [table for table in contract.tables if table.name in names]


def _concatenated(session: Session, layouts: TableLayouts) -> Any:
    pa = lazy.pyarrow()
    parts: dict[int, Any] = {}
    for layout in layouts.layouts:
        if layout.head.format == "parquet":
            parts |= {number: _parquet(session, layout, number) for number in layout.numbers}
        else:
            # Neighbours in one query, so that the rows of the result lie in the order of the paths.
            parts |= {run[0]: _text(session, layout, run) for run in _runs(layout.numbers)}
    tables = [parts[number] for number in sorted(parts)]
    if not tables:
        return pa.table({column.column: pa.array([], _arrow_type(column)) for column in layouts.table.properties})
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise IntegrityError(
            f"the files of table {layouts.table.name!r} have columns of types that don't go together: {error}",
            kind="unreadable-table",
        ) from error


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _text(session: Session, layout: Layout, numbers: Sequence[int]) -> Any:
    columns = layout.table.properties
    arrays: list[Any] = []
    for start in range(0, len(columns), COLUMNS_PER_QUERY):
        part = range(start, min(start + COLUMNS_PER_QUERY, len(columns)))
        source = relation(session, layout, numbers, part)
        select = ", ".join(_or_complain(columns[i], i) for i in part)
        try:
            found = session.arrow(f"SELECT {select} FROM ({source})")  # noqa: S608 (text is quoted)
        except lazy.duckdb().Error as error:
            raise _broken(session, numbers, error) from error
        arrays += [_zoned(values, columns[i]) for values, i in zip(found.columns, part, strict=True)]
    return lazy.pyarrow().table(arrays, names=[column.column for column in columns])


def _or_complain(column: ContractProperty, i: int) -> str:
    refused = f"CAST(error({_complaint(column)}) AS {_sql_type(column)})"
    return f"CASE WHEN NOT n{i} AND t{i} IS NULL THEN {refused} ELSE t{i} END AS c{i}"


def _complaint(column: ContractProperty) -> str:
    return literal(f"a value of column {column.name!r} is no {column.logical_type}")


def _sql_type(column: ContractProperty) -> str:
    return SQL_TYPES[column.logical_type or "string"]


def _broken(session: Session, numbers: Sequence[int], error: Exception) -> Exception:
    if not about_content(error):
        return error
    culprit = session.named_in(str(error))
    file = session.files[numbers[0] if culprit is None else culprit]
    more = f" (or one of {len(numbers) - 1} files after it)" if culprit is None and len(numbers) > 1 else ""
    return IntegrityError(
        f"{file.path}{more} can't be read as a table: {explain(error, file)}", kind="unreadable-table"
    )


def _zoned(values: Any, column: ContractProperty) -> Any:
    if column.logical_type == "timestamp" and column.logical_type_options.timezone:
        return values.cast(lazy.pyarrow().timestamp("us", "UTC"))
    return values


def _parquet(session: Session, layout: Layout, number: int) -> Any:
    pa, pq = lazy.pyarrow(), lazy.parquet()
    try:
        with session.files[number].open() as stream:
            found = pq.ParquetFile(stream).read()
    except (pa.ArrowException, OSError) as error:
        raise IntegrityError(
            f"{session.files[number].path} can't be read as a table: {error}", kind="unreadable-table"
        ) from error
    return _with_partitions(found, layout.table, session.files[number].folders)


def _with_partitions(found: Any, table: ContractTable, folders: Mapping[str, str]) -> Any:
    pa = lazy.pyarrow()
    for column in table.properties:
        text = folders.get(column.column)
        if text is not None and column.column not in found.column_names:
            value = pa.scalar(None if text == HIVE_NULL else text, pa.string())
            kind = _arrow_type(column)
            values = pa.array([value]).cast(kind)
            found = found.append_column(column.column, pa.repeat(values[0], found.num_rows))
    return found


def _arrow_type(column: ContractProperty) -> Any:
    pa = lazy.pyarrow()
    zone = "UTC" if column.logical_type_options.timezone else None
    return {
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", zone),
        "time": pa.time64("us"),
    }.get(column.logical_type or "string", pa.string())
