"""Where results are written for people: plain text anywhere, tables by rich on a terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from lakefs_repro.cli.text import plain

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Column", "Page", "PlainPage", "RichPage", "open_page"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; numbers stand on the right."""

    name: str
    right: bool = False


class Page(Protocol):
    """One result's text."""

    def line(self, text: str = "", *, strong: bool = False) -> None:
        """A line."""

    def fields(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Labels and values; empty values are left out."""

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
        """A table; columns without a value in any row are left out."""

    def exactly(self, text: str) -> None:
        """Text for a program, with its line ends; on a terminal, without what it would obey."""


class PlainPage:
    """Text without a single escape sequence, for files, pipes and logs."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def line(self, text: str = "", *, strong: bool = False) -> None:  # noqa: ARG002 - plain text knows no weight
        self._out.write(plain(text) + "\n")

    def fields(self, pairs: Iterable[tuple[str, str]]) -> None:
        kept = [(label, value) for label, value in pairs if value]
        width = max((len(label) for label, _ in kept), default=0)
        for label, value in kept:
            self.line(f"  {label:<{width}}  {plain(value)}")

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
        columns, cells = _used(columns, rows)
        widths = [max(len(column.name), *(len(row[i]) for row in cells)) for i, column in enumerate(columns)]
        for row in ([column.name.upper() for column in columns], *cells):
            padded = [
                f"{cell:>{width}}" if column.right else f"{cell:<{width}}"
                for cell, width, column in zip(row, widths, columns, strict=True)
            ]
            self.line("  ".join(padded).rstrip())

    def exactly(self, text: str) -> None:
        self._out.write(text)


class RichPage:
    """The same on a terminal: tables with lines, and weight where it helps."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, text: str = "", *, strong: bool = False) -> None:
        self._print(plain(text), style="bold" if strong else None)

    def fields(self, pairs: Iterable[tuple[str, str]]) -> None:
        from rich.table import Table  # noqa: PLC0415 - only on a terminal

        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim")
        grid.add_column(overflow="fold")
        for label, value in pairs:
            if value:
                grid.add_row(f"  {label}", self._text(value))
        self._print(grid)

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
        from rich import box  # noqa: PLC0415 - only on a terminal
        from rich.table import Table  # noqa: PLC0415

        columns, cells = _used(columns, rows)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(column.name, justify="right" if column.right else "left", overflow="fold")
        for row in cells:
            table.add_row(*(self._text(cell) for cell in row))
        self._print(table)

    def exactly(self, text: str) -> None:
        self.line(text.removesuffix("\n"))

    def _text(self, value: str) -> Any:
        from rich.text import Text  # noqa: PLC0415 - never parsed for markup, whatever a path or message holds

        return Text(plain(value))

    def _print(self, what: Any, style: str | None = None) -> None:
        self._console.print(what, style=style, markup=False, highlight=False, soft_wrap=isinstance(what, str))


def open_page(out: TextIO) -> Page:
    """The page for a stream: rich on a terminal, plain text elsewhere."""
    return RichPage(console_for(out)) if out.isatty() else PlainPage(out)


def console_for(out: TextIO) -> Console:
    """A rich console on a terminal; ``NO_COLOR`` keeps colour and weight away."""
    from rich.console import Console  # noqa: PLC0415 - only on a terminal

    return Console(file=out, color_system=None if os.environ.get("NO_COLOR") else "auto", emoji=False)


def _used(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> tuple[list[Column], list[list[str]]]:
    cells = [[plain(cell) for cell in row] for row in rows]
    used = [i for i in range(len(columns)) if any(row[i] for row in cells)]
    return [columns[i] for i in used], [[row[i] for i in used] for row in cells]
