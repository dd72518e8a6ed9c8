"""The beginning (CSV) or the footer (Parquet) of a table file: which columns it has.

Reading a head costs one small read per file and no DuckDB query, so that thousands of small files can be
sorted into groups of the same layout, each of which is then read by one query.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakefs_repro.tables import lazy
from lakefs_repro.tables.arrow_types import logical_type
from lakefs_repro.tables.files import TableFile, TableFormat, is_gzipped, table_format, table_suffix, unzipped
from lakefs_repro.transfer.parallel import run_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_FIRST_READ = 64 << 10
_LONGEST_HEADER = 2 << 20
# A head that lies elsewhere is mostly waiting.
_AT_ONCE = 16
_DELIMITERS = (",", ";", "\t", "|")


class UnreadableError(Exception):
    """A file that is not what its name promises; the message says why, without its values."""


@dataclass(frozen=True, slots=True)
class Footer:
    """What the footer of a Parquet file knows about one column; None where it does not say."""

    nulls: int | None = None
    minimum: Any = None
    maximum: Any = None

    @property
    def has_bounds(self) -> bool:
        return self.minimum is not None


@dataclass(frozen=True, slots=True)
class Head:
    """The columns of one file. ``logical`` and ``physical`` types are known for Parquet only."""

    format: TableFormat
    columns: tuple[str, ...] = ()
    logical: tuple[str | None, ...] = ()
    physical: tuple[str, ...] = ()
    nullable: tuple[bool, ...] = ()
    delimiter: str = ""
    header: bool = True
    gzipped: bool = False
    rows: int | None = None
    footers: Mapping[str, Footer] = field(default_factory=dict, compare=False)

    @property
    def layout(self) -> tuple[Any, ...]:
        """Equal for files that one query can read together."""
        return (self.format, self.columns, self.physical, self.delimiter, self.header, self.gzipped)


def read_head(file: TableFile, *, delimiter: str | None = None, header: bool | None = True) -> Head:
    """The head of ``file``.

    Args:
        file: a file of a table format.
        delimiter: of CSV; found from the first line when None.
        header: whether the first line of CSV names the columns; None guesses.

    Raises:
        UnreadableError: empty, damaged, or not what its name promises.
    """
    found = table_format(file.path)
    if found == "parquet":
        return _parquet_head(file)
    if found == "jsonl":
        return _jsonl_head(file)
    if delimiter is None and table_suffix(file.path) == ".tsv":
        delimiter = "\t"
    return _csv_head(file, delimiter, header=header)


def read_heads(
    files: Sequence[TableFile],
    numbers: Iterable[int],
    *,
    delimiter: str | None = None,
    header: bool | None = True,
    whole: bool = False,
) -> Iterator[tuple[int, Head | UnreadableError]]:
    """The heads of many files, in the order of ``numbers``, or why there is none; of remote ones many at once.

    See :func:`read_head` for the arguments. With ``whole``, a gzip file that was cut off has none, where DuckDB would
    take what is left of it for all.
    """
    to_the_end = whole and not lazy.duckdb_sees_cut_gzip()

    def read(number: int) -> tuple[int, Head | UnreadableError]:
        try:
            if to_the_end and is_gzipped(files[number].path):
                _read_to_the_end(files[number])
            return number, read_head(files[number], delimiter=delimiter, header=header)
        except UnreadableError as error:
            return number, error

    wanted = list(numbers)
    far = any(files[number].local is None for number in wanted)
    found = dict(run_all(read, wanted, threads=_AT_ONCE if far else 1))
    for number in wanted:
        yield number, found[number]


def _jsonl_head(file: TableFile) -> Head:
    # DuckDB takes a file of a single byte for an empty one, whatever the byte is.
    start = _read(file, 2)
    if len(start) == 1 and not start.isspace():
        raise UnreadableError("line 1: not valid JSON")
    return Head("jsonl", gzipped=is_gzipped(file.path))


def _csv_head(file: TableFile, delimiter: str | None, *, header: bool | None) -> Head:
    text = _beginning(file)
    if not text.strip("\r\n"):
        if header is False:
            return Head("csv", delimiter=delimiter or ",", header=False, gzipped=is_gzipped(file.path))
        raise UnreadableError("the file is empty: it has not even a header")
    delimiter = delimiter or max(_DELIMITERS, key=lambda candidate: _plausible(_first_row(text, candidate)))
    row = _first_row(text, delimiter)
    has_header = _looks_like_header(row) if header is None else header
    # A nameless column (pandas writes its index so) goes by its place.
    columns = tuple((has_header and name) or f"column{place}" for place, name in enumerate(row))
    twice = next((name for name in columns if columns.count(name) > 1), None) if len(set(columns)) < len(row) else None
    if twice is not None:
        raise UnreadableError(f"the header names the column {twice!r} twice")
    return Head("csv", columns, delimiter=delimiter, header=has_header, gzipped=is_gzipped(file.path))


def _beginning(file: TableFile) -> str:
    raw = _read(file, _FIRST_READ)
    if b"\n" not in raw and b"\r" not in raw:
        raw = _read(file, _LONGEST_HEADER)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableError("the text is UTF-16; UTF-8 is expected")
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(raw)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnreadableError(f"line {line}: not UTF-8 text") from error


def _read(file: TableFile, length: int) -> bytes:
    try:
        with unzipped(file) as stream:
            return stream.read(length)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnreadableError(f"not a whole gzip file: {error}") from error


def _read_to_the_end(file: TableFile) -> None:
    try:
        with unzipped(file) as stream:
            while stream.read(_LONGEST_HEADER):
                pass
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnreadableError(f"not a whole gzip file: {error}") from error


def _first_row(text: str, delimiter: str) -> list[str]:
    lines = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=delimiter)
    try:
        return next(lines, [])
    except csv.Error as error:
        raise UnreadableError(f"line 1: {error}") from error


def _plausible(row: list[str]) -> int:
    """The number of fields, or 0 where a quote inside a field shows that it was cut at a wrong place."""
    return 0 if any('"' in name for name in row) else len(row)


def _looks_like_header(row: list[str]) -> bool:
    """Names, not data: not all numbers (as years may be), and no fraction or sign among them."""
    names = [name for name in row if name.strip()]
    numbers = [name for name in names if _is_number(name)]
    return len(numbers) < max(len(names), 1) and all(name.strip().isdigit() for name in numbers)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parquet_head(file: TableFile) -> Head:
    pa, pq = lazy.pyarrow(), lazy.parquet()
    try:
        with file.open() as stream:
            metadata = pq.read_metadata(stream)
        schema = metadata.schema.to_arrow_schema()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0].partition(" '/")[0]
        raise UnreadableError(f"not a whole Parquet file: {reason}") from error
    return Head(
        "parquet",
        tuple(schema.names),
        tuple(logical_type(column.type) for column in schema),
        tuple(str(column.type) for column in schema),
        tuple(column.nullable for column in schema),
        rows=metadata.num_rows,
        footers=_footers(metadata, schema),
    )


def _footers(metadata: Any, schema: Any) -> dict[str, Footer]:
    leaves: dict[str, list[int]] = {}
    for number in range(metadata.num_columns):
        top = metadata.schema.column(number).path
        leaves.setdefault(top if top in schema.names else top.partition(".")[0], []).append(number)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    footers: dict[str, Footer] = {}
    for column in schema:
        chunks = [[group.column(leaf) for leaf in leaves.get(column.name, ())] for group in groups]
        footers[column.name] = _footer(chunks, nullable=column.nullable)
    return footers


def _footer(chunks: list[list[Any]], *, nullable: bool) -> Footer:
    statistics = [chunk.statistics for row_group in chunks for chunk in row_group]
    if any(found is None or not found.has_null_count for found in statistics):
        return Footer(nulls=None if nullable else 0)
    nulls = sum(found.null_count for found in statistics)
    if any(len(row_group) != 1 for row_group in chunks):
        # Of a nested column only this is certain: no null leaf, no null above it.
        return Footer(nulls=0 if nulls == 0 or not nullable else None)
    filled = [
        found
        for row_group, found in zip(chunks, statistics, strict=True)
        if row_group[0].num_values > found.null_count or found.has_min_max
    ]
    if not filled or not all(found.has_min_max for found in filled):
        return Footer(nulls=nulls)
    return Footer(nulls, min(found.min for found in filled), max(found.max for found in filled))
