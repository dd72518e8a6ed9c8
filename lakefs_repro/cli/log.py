"""``log``: the history of a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from lakefs_repro.cli.connection import open_lake, where_of
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import counted, moment, short, size

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.model.report import LogEntry

__all__ = ["History", "command"]


class History(Result):
    """What happened to a dataset, newest first."""

    def __init__(self, where: Where, dataset: str, entries: Iterable[LogEntry]) -> None:
        self.where: Where = where
        self._dataset, _, self._partition = dataset.partition("#")
        self._entries = entries

    def data(self) -> Mapping[str, Any]:
        return {
            "dataset": self._dataset,
            "partition": self._partition,
            "entries": (entry.to_json() for entry in self._entries),
        }

    def show(self, page: Page) -> None:
        for entry in self._entries:
            _show_entry(page, entry)
        page.line(f"in {self.where}")


def _show_entry(page: Page, entry: LogEntry) -> None:
    rolled = f", content of {entry.rolled_back_to} again" if entry.rolled_back_to else ""
    unreleased = "" if entry.released else " (no version: its tag is not there)"
    page.line(f"{entry.dataset}@{entry.version}{rolled}{unreleased}", strong=True)
    rows = f", {counted(entry.rows, 'row')}" if entry.rows else ""
    page.fields(
        [
            ("when", f"{moment(entry.created)} by {entry.by}"),
            ("message", entry.message),
            ("content", f"{counted(entry.files, 'file')}, {size(entry.bytes)}{rows}"),
            ("files", _changes(entry)),
            ("external", "its bytes lie outside the repository's storage" if entry.external else ""),
            ("digest", short(entry.digest)),
            ("of the part", short(entry.part_digest)),
            ("commit", short(entry.commit)),
        ]
    )
    page.line()


def _changes(entry: LogEntry) -> str:
    if entry.added is None or entry.changed is None or entry.removed is None:
        return "what changed can't be told: a manifest is gone"
    return f"{entry.added:,} added, {entry.changed:,} changed, {entry.removed:,} removed"


@click.command("log", short_help="Show the history of a dataset.")
@click.argument("dataset")
@click.option("-n", "--most", metavar="N", type=click.IntRange(min=1), help="The newest N only.")
@answering()
def command(talk: Conversation, *, dataset: str, most: int | None) -> History:
    """Show what happened to DATASET in main, newest first: ingests and rollbacks, by whom, and what they changed.

    With a partition, such as 'flights#year=2024', only what changed it, counted in it alone.
    """
    lake = open_lake(talk)
    return History(where_of(lake), dataset, islice(lake.log(dataset), most))
