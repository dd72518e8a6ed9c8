"""What a command returns: one value that is written as text or as JSON."""

from __future__ import annotations

import json
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, TextIO

from lakefs_repro.cli.exits import Exit

if TYPE_CHECKING:
    from lakefs_repro.cli.page import Page

__all__ = ["Result", "Where", "write_json"]

_IN_MEMORY: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Where:
    """The engine and the repository that a result is about."""

    engine: str
    repository: str

    def __str__(self) -> str:
        return f"{self.repository} ({'embedded engine' if self.engine == 'embedded' else 'lakeFS'})"


class Result(ABC):
    """A command's result. ``to_json`` is an interface: keys are only ever added.

    Attributes:
        where: what it is about; None before there is a repository.
        exit: the exit code.
        next: what a person may want to type now; told on stderr.
    """

    where: Where | None = None
    exit: Exit = Exit.DONE
    next: str = ""

    @abstractmethod
    def data(self) -> Mapping[str, Any]:
        """What goes into the JSON document; an iterator becomes a list without being held in memory."""

    @abstractmethod
    def show(self, page: Page) -> None:
        """Write it for people."""

    def to_json(self) -> dict[str, Any]:
        """The whole document, engine and repository first."""
        named = {"engine": self.where.engine, "repository": self.where.repository} if self.where else {}
        return {**named, **self.data()}


def write_json(value: Mapping[str, Any], out: TextIO) -> None:
    """Write one JSON document, whole or not at all: what fails while it is made leaves ``out`` untouched."""
    with tempfile.SpooledTemporaryFile(_IN_MEMORY, mode="w+", encoding="utf-8") as spool:
        _write_object(value, spool)
        spool.seek(0)
        shutil.copyfileobj(spool, out)


def _write_object(value: Mapping[str, Any], out: IO[str]) -> None:
    separator = "{\n  "
    for key, one in value.items():
        out.write(f"{separator}{json.dumps(key)}: ")
        separator = ",\n  "
        if isinstance(one, Iterator):
            _write_list(one, out)
        else:
            out.write(json.dumps(one, indent=2).replace("\n", "\n  "))
    out.write("\n}\n" if value else "{}\n")


def _write_list(items: Iterator[Any], out: IO[str]) -> None:
    separator = "\n    "
    out.write("[")
    for item in items:
        out.write(separator + json.dumps(item))
        separator = ",\n    "
    out.write("]" if separator == "\n    " else "\n  ]")
