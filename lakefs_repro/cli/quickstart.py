"""``quickstart``: the whole tool on real data, in a folder of its own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lakefs_repro.cli.conversation import Conversation
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.page import Column, Page, open_page
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import short, size

if TYPE_CHECKING:
    from lakefs_repro.api.lake import Lake
    from lakefs_repro.quickstart.story import Line, Summary

__all__ = ["Toured", "command"]

FOLDER: Final = "lakefs-repro-quickstart"
_COLUMNS = (
    Column("version"), Column("files", right=True), Column("size", right=True), Column("rows", right=True),
    Column("digest"), Column("kept"),
)  # fmt: skip


class Toured(Result):
    """What the quickstart has left behind."""

    def __init__(self, where: Where, summary: Summary, folder: Path, *, kept: bool) -> None:
        self.where: Where = where
        self._summary = summary
        self._folder = folder
        self._kept = kept
        go = f"cd {shlex.quote(str(folder))}"
        self.next = f"{go} && lakefs-repro show flights@1.1.0, then your own data: docs/tutorial/first-project.md"

    def data(self) -> Mapping[str, Any]:
        return {**self._summary.to_json(), "engine_running": self._kept}

    def show(self, page: Page) -> None:
        page.table(
            _COLUMNS,
            [
                (f"{v.dataset}@{v.version}", f"{v.files:,}", size(v.bytes), f"{v.rows or 0:,}", short(v.digest),
                 "yes" if v.pinned else "no")
                for v in self._summary.versions
            ],
        )  # fmt: skip
        page.line(f"in {self.where}; {self._summary.seconds:.1f} s")
        page.line()
        if self._kept:
            page.line(f"The engine still runs at {self._summary.endpoint}; `lakefs-repro server stop` there ends it.")
        else:
            page.line(
                "The engine was stopped; any command in the folder starts it again (or lakefs-repro server start)."
            )
        page.line(f"To be rid of all this, delete {self._folder}.")


@click.command("quickstart", short_help="See it all on real data, in a folder of its own.")
@click.option(
    "--folder", metavar="DIR", type=click.Path(path_type=Path), default=Path(FOLDER), show_default=True,
    help="Where; it must be new or empty.",
)  # fmt: skip
@click.option("--keep", is_flag=True, help="Leave the engine running.")
@answering(state="Delete the folder and type the command again.")
def command(talk: Conversation, *, folder: Path, keep: bool) -> Toured:
    """See it all on real data: 336,776 flights, in less than a minute, in a folder of its own.

    Three months become an immutable version, a fourth is appended, a damaged one is refused, the source is overwritten,
    and the first version comes back byte for byte. Each step shows the command that does the same.

    Needs the demo's data: pip install 'lakefs-repro[demo]'
    """
    from lakefs_repro.quickstart.story import Story  # noqa: PLC0415 - every room, not for --help

    story = Story(folder, _set_up)
    page = None if talk.json or talk.quiet else open_page(sys.stdout)
    try:
        for line in story.tell():
            if page:
                _print(page, line)
    finally:
        if not keep:
            _stop(folder)
    return Toured(Where("embedded", story.summary.repository), story.summary, folder, kept=keep)


def _print(page: Page, line: Line) -> None:
    if line.kind == "title":
        page.line()
        page.line(line.text, strong=True)
    elif line.kind == "command":
        page.line(f"   $ {line.text}", strong=True)
    else:
        page.line(f"   {line.text}" if line.kind == "text" else f"     {line.text}")
    sys.stdout.flush()


def _set_up(folder: Path) -> Lake:
    """What ``lakefs-repro init --embedded --dataset flights`` does in a folder."""
    from lakefs_repro.api.config import FILE_NAME, load_config  # noqa: PLC0415 - see command
    from lakefs_repro.api.connect import connect  # noqa: PLC0415
    from lakefs_repro.cli.init import Wishes, set_up  # noqa: PLC0415

    silent = Conversation()
    silent.quiet = True
    set_up(silent, folder, Wishes("embedded", None, None, ("flights",), "", create=None, force=False))
    return connect(load_config(folder / FILE_NAME))


def _stop(folder: Path) -> None:
    from lakefs_repro.api.config import FILE_NAME, load_config  # noqa: PLC0415 - see command
    from lakefs_repro.embedded import process  # noqa: PLC0415

    if (folder / FILE_NAME).exists():
        process.stop(load_config(folder / FILE_NAME).engine_root)
