"""``diff``: what changed between two snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from lakefs_repro.cli.connection import open_lake, where_of
from lakefs_repro.cli.exits import Exit
from lakefs_repro.cli.options import answering, dataset_of_ref
from lakefs_repro.cli.page import Column
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import size

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.model.difference import ChangeCounts, FileChange, PartitionChange
    from lakefs_repro.snapshot.difference import SnapshotDifference

__all__ = ["Differing", "command"]

Level = Literal["file", "partition"]

_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~", "renamed": ">"}
_PARTITIONS = (
    Column("partition"), Column("is"), Column("added", right=True), Column("removed", right=True),
    Column("changed", right=True), Column("renamed", right=True), Column("more", right=True),
    Column("less", right=True),
)  # fmt: skip


class Differing(Result):
    """The difference between two snapshots; with ``--exit-code`` the check says no when there is one."""

    def __init__(self, where: Where, found: SnapshotDifference, *, level: Level, exit_code: bool) -> None:
        self.where: Where = where
        self._found = found
        self._level = level
        self.exit = Exit.SAID_NO if exit_code and not found.same else Exit.DONE

    def data(self) -> Mapping[str, Any]:
        told: dict[str, Any] = (
            {"changes": (change.to_json() for change in self._found.files())}
            if self._level == "file"
            else {"partitions": (change.to_json() for change in self._found.partitions())}
        )
        return {**self._found.to_json(), "level": self._level, **told}

    def show(self, page: Page) -> None:
        found, counts = self._found, self._found.counts
        if found.same:
            page.line(f"{found.left} and {found.right} hold the same files", strong=True)
        else:
            page.line(f"{found.left} → {found.right}", strong=True)
        page.fields(
            [
                ("files", "" if found.same else _files(found.counts)),
                ("bytes", "" if found.same else f"{size(counts.bytes_added)} more, {size(counts.bytes_removed)} less"),
                ("in", str(self.where)),
            ]
        )
        if not found.renames_sought:
            page.line("  Too many files were added and removed to look for renames among them.")
        if found.same:
            return
        page.line()
        if self._level == "partition":
            page.table(_PARTITIONS, map(_partition_row, found.partitions()))
            return
        for change in found.files():
            page.line(_file_line(change))


def _files(counts: ChangeCounts) -> str:
    kinds = (("added", counts.added), ("removed", counts.removed), ("changed", counts.changed),
             ("renamed", counts.renamed))  # fmt: skip
    return ", ".join(f"{number:,} {kind}" for kind, number in kinds)


def _file_line(change: FileChange) -> str:
    before, after = change.before, change.after
    if change.kind == "renamed" and before and after:
        return f"{_SIGNS[change.kind]} {before.path} → {after.path}  ({size(after.size)})"
    if before and after:
        return f"{_SIGNS[change.kind]} {change.path}  ({size(before.size)} → {size(after.size)})"
    only = after or before
    return f"{_SIGNS[change.kind]} {change.path}  ({size(only.size) if only else ''})"


def _partition_row(change: PartitionChange) -> tuple[str, ...]:
    counts = change.counts
    return (
        change.partition or "(no partition)",
        change.state,
        *(f"{number:,}" if number else "" for number in (counts.added, counts.removed, counts.changed, counts.renamed)),
        size(counts.bytes_added) if counts.bytes_added else "",
        size(counts.bytes_removed) if counts.bytes_removed else "",
    )


@click.command("diff", short_help="Show what changed between two snapshots.")
@click.argument("left", metavar="A")
@click.argument("right", metavar="B")
@dataset_of_ref
@click.option("--level", type=click.Choice(["file", "partition"]), default="file", show_default=True,
              help="Tell each file, or count them by partition.")  # fmt: skip
@click.option("--exit-code", is_flag=True, help="Exit with 1 when they differ.")
@answering()
def command(
    talk: Conversation, *, left: str, right: str, dataset: str | None, level: Level, exit_code: bool
) -> Differing:
    """Show what must change to turn the snapshot A into B: files added (+), removed (-), changed (~), renamed (>).

    A and B are any REF, of a partition too. No data is read: the manifests have every SHA-256, and of them only
    chunks are read that differ. A file is renamed when the same bytes stood under another path.

    \b
    Examples:
      lakefs-repro diff flights@1.0.0 flights@1.1.0
      lakefs-repro diff flights@1.0.0 flights --level partition
      lakefs-repro diff 'flights@1.0.0#month=3' 'flights@main#month=3' --exit-code
    """  # noqa: D301 - \b is click's mark for lines to keep
    lake = open_lake(talk)
    talk.progress.step("compare")
    return Differing(where_of(lake), lake.diff(left, right, dataset=dataset), level=level, exit_code=exit_code)
