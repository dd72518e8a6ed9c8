"""How far long work has come, on stderr: bars on a terminal, lines with ``--debug``, else only what must be said."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, Protocol, TextIO

from lakefs_repro.cli.text import plain, size
from lakefs_repro.ports import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

__all__ = ["Watch", "open_watch"]

_BYTES: Final = ("B", "bytes")
_WORDS: Final = {
    "scan": "finding files",
    "hash": "hashing",
    "look": "looking at what is there",
    "validate": "validating",
    "branch": "opening a branch",
    "upload": "uploading",
    "trim": "putting the tree together",
    "sidecar": "writing the manifest",
    "commit": "committing",
    "confirm": "comparing the commit with the manifest",
    "pin": "pinning",
    "merge": "merging",
    "recheck": "looking again",
    "tag": "tagging",
    "ledger": "recording",
    "cleanup": "tidying",
    "tidy": "looking at the branch again",
    "compare": "comparing with what is there",
    "download": "downloading",
    "manifest": "reading the manifest",
    "probe": "reading the end of each object",
    "read": "reading and hashing",
}


class Watch(Progress, Protocol):
    """Progress that can be told to leave the terminal alone."""

    def close(self) -> None:
        """Clear what is shown; nothing may be told afterwards."""


class Notes:
    """No progress; notes alone."""

    def __init__(self, err: TextIO, *, quiet: bool) -> None:
        self._err = err
        self._quiet = quiet

    def step(self, name: str, *, total: int | None = None, unit: str = "") -> None:
        """Say nothing."""

    def advance(self, amount: int = 1) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        if not self._quiet:
            self._err.write(f"note: {plain(text)}\n")
            self._err.flush()

    def close(self) -> None:
        """There is nothing to clear."""


class Lines(Notes):
    """A line for each step, with the time since the start."""

    def __init__(self, err: TextIO) -> None:
        super().__init__(err, quiet=False)
        self._started = time.monotonic()

    def step(self, name: str, *, total: int | None = None, unit: str = "") -> None:
        much = "" if total is None else size(total) if unit in _BYTES else f"{total:,} {unit}".rstrip()
        shown = f" ({much})" if much else ""
        self._err.write(f"debug: {time.monotonic() - self._started:7.3f} s  {plain(name)}{shown}\n")
        self._err.flush()


class Bars:
    """One line that moves: the current step, with a bar where its size is known.

    Args:
        console: the terminal.
        patience_s: work that is done sooner shows nothing.
    """

    def __init__(self, console: Console, *, patience_s: float = 0.3) -> None:
        from rich.progress import (  # noqa: PLC0415 - only on a terminal
            BarColumn,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress  # noqa: PLC0415

        self._progress = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[much]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        self._lock = threading.Lock()
        self._task: TaskID | None = None
        self._unit = ""
        self._total: int | None = None
        self._done = 0
        self._closed = False
        self._begin = threading.Timer(patience_s, self._show)
        self._begin.daemon = True
        self._begin.start()

    def step(self, name: str, *, total: int | None = None, unit: str = "") -> None:
        with self._lock:
            self._total, self._unit, self._done = total, unit, 0
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task = self._progress.add_task(_WORDS.get(name, plain(name)), total=total, much="")

    def advance(self, amount: int = 1) -> None:
        with self._lock:
            self._done += amount
            if self._task is not None:
                self._progress.update(self._task, completed=self._done, much=self._much())

    def note(self, text: str) -> None:
        self._progress.console.print(f"note: {plain(text)}", markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._begin.cancel()
            if self._progress.live.is_started:
                self._progress.stop()

    def _show(self) -> None:
        with self._lock:
            if not self._closed:
                self._progress.start()

    def _much(self) -> str:
        if self._unit in _BYTES:
            return f"{size(self._done)} of {size(self._total)}" if self._total is not None else size(self._done)
        return f"{self._done:,} of {self._total:,}" if self._total is not None else f"{self._done:,}"


def open_watch(err: TextIO, *, quiet: bool, debug: bool) -> Watch:
    """What fits a stream: bars on a terminal, lines with ``debug``, otherwise notes, or nothing when ``quiet``."""
    if debug:
        return Lines(err)
    if quiet or not err.isatty():
        return Notes(err, quiet=quiet)
    from lakefs_repro.cli.page import console_for  # noqa: PLC0415 - rich, only on a terminal

    return Bars(console_for(err))
