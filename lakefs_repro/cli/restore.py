"""``restore``: put a snapshot into a folder, or make it the newest version of its dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lakefs_repro.cli.connection import open_lake, where_of
from lakefs_repro.cli.options import answering, dataset_of_ref
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import counted, short, size
from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.model.report import RestoreReport
    from lakefs_repro.restore.rollback import RollbackResult

__all__ = ["Restored", "RolledBack", "command"]

_STATE: Final = (
    "No file has its final name before it was verified, and main holds the whole new version or none of it; "
    "the same command goes on from there."
)


class Restored(Result):
    """What a restore put into a folder."""

    def __init__(self, where: Where, report: RestoreReport) -> None:
        self.where: Where = where
        self._report = report

    def data(self) -> Mapping[str, Any]:
        return self._report.to_json()

    def show(self, page: Page) -> None:
        report = self._report
        name = f"{report.dataset}@{report.version}" if report.version else report.ref
        done = {
            "created": f"{name} restored to {report.target}",
            "replaced": f"{name} restored to {report.target}, in place of what was restored there before",
            "unchanged": f"{report.target} holds {name} already; nothing was done",
            "planned": f"{name} would be restored to {report.target}; nothing was done",
        }[report.action]
        page.line(done, strong=True)
        planned = report.action == "planned"
        page.fields(
            [
                ("content", f"{counted(report.files, 'file')}, {size(report.bytes)}"
                 + ("" if planned else ", every SHA-256 verified")),
                ("to download" if planned else "downloaded",
                 f"{counted(report.downloaded, 'file')}, {size(report.downloaded_bytes)}"),
                ("right already", counted(report.reused, "file") if report.reused else ""),
                ("resumed", counted(report.resumed, "file") if report.resumed else ""),
                ("removed", counted(report.removed, "file") if report.removed else ""),
                ("digest", report.digest),
                ("in", str(self.where)),
            ]
        )  # fmt: skip


class RolledBack(Result):
    """What a rollback did."""

    def __init__(self, result: RollbackResult) -> None:
        self.where: Where = Where(result.engine, result.repository)
        self._result = result
        if result.outcome == "rolled-back":
            self.next = f"lakefs-repro show {result.dataset}@{result.version}"

    def data(self) -> Mapping[str, Any]:
        return self._result.to_json()

    def show(self, page: Page) -> None:
        result = self._result
        old = f"{result.dataset}@{result.rolled_back_to}"
        done = {
            "rolled-back": f"{result.dataset}@{result.version} created: the content of {old}, nothing copied",
            "planned": f"{result.dataset}@{result.version} would be created: the content of {old}; nothing was done",
            "unchanged": f"main holds the content of {old} already; nothing was done",
        }[result.outcome]
        page.line(done, strong=True)
        page.fields(
            [
                ("digest", short(result.digest)),
                ("after", f"{result.dataset}@{result.previous}" if result.previous else ""),
                ("commit", short(result.commit)),
                ("in", str(self.where)),
            ]
        )


@click.command("restore", short_help="Put a snapshot into a folder, or make it the newest version.")
@click.argument("ref")
@dataset_of_ref
@click.option("--to", metavar="DIR", type=click.Path(path_type=Path), help="The folder to put its files into.")
@click.option("--include", metavar="GLOB", multiple=True, help="With --to: these files only; repeatable.")
@click.option("--branch", metavar="main", help="Make it the newest version of its dataset in this branch.")
@click.option("-m", "--message", metavar="TEXT", default="", help="With --branch: the commit's message.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")
@answering(state=_STATE)
def command(
    talk: Conversation,
    *,
    ref: str,
    dataset: str | None,
    to: Path | None,
    include: tuple[str, ...],
    branch: str | None,
    message: str,
    dry_run: bool,
) -> Result:
    """Put the exact files of REF into a folder, or roll its dataset back to it.

    With --to, every file is verified before it gets its name, a new folder appears as a whole, and nothing is
    overwritten that was not restored; a whole release gets a folder for each of its datasets. With --branch main, a new
    patch version has the content of REF again: no byte is copied, other datasets stay as they are, and the history is
    kept.

    \b
    Examples:
      lakefs-repro restore flights@1.0.0 --to data/flights
      lakefs-repro restore flights@1.0.0#month=3 --to march --include '*.parquet'
      lakefs-repro restore release:2024-q3 --to train
      lakefs-repro restore flights@1.0.0 --branch main -m "April was wrong"
    """  # noqa: D301 - \b is click's mark for lines to keep
    if (to is None) == (branch is None):
        raise InvalidError(
            "A restore goes to a folder or to a branch.", hint="say --to DIR, or --branch main", kind="where-to"
        )
    if (include and branch) or (message and to):
        raise InvalidError(
            "--include goes with --to, and --message with --branch.",
            hint="lakefs-repro restore --help",
            kind="contradicting-options",
        )
    lake = open_lake(talk)
    if to is not None:
        return Restored(where_of(lake), lake.restore(ref, to, dataset=dataset, include=include, dry_run=dry_run))
    if branch != lake.config.project.branch:
        raise InvalidError(
            f"Versions live in {lake.config.project.branch}; {branch} is another branch.",
            hint=f"say --branch {lake.config.project.branch}",
            kind="not-the-main-branch",
        )
    return RolledBack(lake.roll_back(ref, dataset=dataset, message=message, dry_run=dry_run))
