"""``release``: several datasets' exact snapshots under one name; and how a release is shown and verified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from lakefs_repro.cli.connection import open_lake
from lakefs_repro.cli.exits import Exit
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.page import Column
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import counted, moment, short, size

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.ingest.release import ReleaseResult
    from lakefs_repro.model.report import ReleaseReport
    from lakefs_repro.snapshot.releases import Release
    from lakefs_repro.snapshot.snapshot import Snapshot

__all__ = ["Released", "ShownRelease", "VerifiedRelease", "command"]

_STATE: Final = "The release is there as a whole or not at all; the same command goes on from there."
_INPUTS = (Column("version"), Column("digest"), Column("asked for as"))
_DATASETS = (Column("version"), Column("files", right=True), Column("size", right=True), Column("rows", right=True),
             Column("digest"))  # fmt: skip
_REPORTS = (Column("version"), Column("is"), Column("files", right=True), Column("size", right=True),
            Column("first problem"))  # fmt: skip
_PINS = {"held": "kept by its pin", "moved": "NOT kept: its pin was moved", "missing": "NOT kept: it has no pin"}


class Released(Result):
    """What became of a release."""

    def __init__(self, result: ReleaseResult) -> None:
        self.where: Where = Where(result.engine, result.repository)
        self._result = result
        self.next = "" if result.outcome == "planned" else f"lakefs-repro show release:{result.name}"

    def data(self) -> Mapping[str, Any]:
        return self._result.to_json()

    def show(self, page: Page) -> None:
        result = self._result
        done = {
            "created": f"release:{result.name} created; nothing was copied, and main is as it was",
            "resumed": f"release:{result.name} completed: an interrupted release was taken up again",
            "unchanged": f"release:{result.name} is exactly this already; nothing was done",
            "planned": f"release:{result.name} would be created; nothing was done",
        }[result.outcome]
        page.line(done, strong=True)
        page.table(_INPUTS, ((f"{one.dataset}@{one.version}", short(one.digest), one.ref) for one in result.datasets))
        page.fields(
            [
                ("content", f"{counted(result.files, 'file')}, {size(result.bytes)}"),
                ("digest", result.digest),
                ("tag", result.tag),
                ("commit", short(result.commit)),
                ("in", str(self.where)),
            ]
        )


class ShownRelease(Result):
    """A release, described."""

    def __init__(self, where: Where, release: Release, *, files: bool) -> None:
        self.where: Where = where
        self._release = release
        self._snapshots = list(release.snapshots.values())
        self._files = files

    def data(self) -> Mapping[str, Any]:
        release = self._release
        described = {
            "ref": str(release),
            "release": release.name,
            "digest": release.digest,
            "commit": release.commit.id,
            "created": release.commit.created.isoformat(),
            "by": release.note.by or release.commit.committer,
            "message": release.commit.message,
            "pin": release.pin,
            "datasets": [_described(snapshot) for snapshot in self._snapshots],
        }
        if not self._files:
            return described
        entries = ({"path": e.path, "size": e.size, "sha256": e.sha256} for e in release.contents.files)
        return {**described, "entries": entries}

    def show(self, page: Page) -> None:
        release = self._release
        page.line(str(release), strong=True)
        page.table(_DATASETS, map(_row, self._snapshots))
        page.fields(
            [
                ("digest", release.digest),
                ("created", f"{moment(release.commit.created)} by {release.note.by or release.commit.committer}"),
                ("message", release.commit.message),
                ("data", _PINS[release.pin]),
                ("commit", release.commit.id),
                ("in", str(self.where)),
            ]
        )
        if self._files:
            page.line()
            for entry in release.contents.files:
                page.line(f"{entry.sha256:.12}  {entry.size:>13,}  {entry.path}")


def _described(snapshot: Snapshot) -> dict[str, Any]:
    said = snapshot.annotation
    return {
        "dataset": snapshot.dataset,
        "version": snapshot.version,
        "digest": snapshot.digest,
        "ingest_commit": snapshot.ingest_commit,
        "files": said.files,
        "bytes": said.bytes,
        "rows": said.rows,
    }


def _row(snapshot: Snapshot) -> tuple[str, ...]:
    said = snapshot.annotation
    rows = f"{said.rows:,}" if said.rows else ""
    return str(snapshot), f"{said.files:,}", size(said.bytes), rows, short(snapshot.digest)


class VerifiedRelease(Result):
    """What the verification of a whole release found; the check says no when anything is wrong."""

    def __init__(self, where: Where, report: ReleaseReport) -> None:
        self.where: Where = where
        self._report = report
        kept = report.pin == "held"
        self.exit = Exit.DONE if report.ok and kept else Exit.SAID_NO
        if not report.ok:
            self.next = "lakefs-repro doctor looks for what can be repaired"
        elif not kept:
            self.next = "lakefs-repro doctor --repair pins it again"

    def data(self) -> Mapping[str, Any]:
        return self._report.to_json()

    def show(self, page: Page) -> None:
        report = self._report
        page.line(f"{report.ref}: {'verified' if report.ok else 'NOT whole'}", strong=True)
        page.table(
            _REPORTS,
            (
                (
                    f"{each.dataset}@{each.version}",
                    "verified" if each.ok else counted(sum(each.counts.values()), "problem"),
                    f"{each.files:,}",
                    size(each.bytes),
                    f"{each.problems[0].path}: {each.problems[0].kind}" if each.problems else "",
                )
                for each in report.datasets
            ),
        )
        how = "every byte hashed" if report.deep else "every object read at its last byte"
        page.fields(
            [
                ("looked at", how),
                ("digest", report.digest),
                ("commit", short(report.commit)),
                ("data", _PINS[report.pin]),
                ("in", str(self.where)),
            ]
        )


@click.command("release", short_help="Release versions of several datasets as one.")
@click.argument("name")
@click.option("--use", "uses", metavar="REF", multiple=True, required=True,
              help="A version of a dataset, such as flights@1.2.0; once for each dataset.")  # fmt: skip
@click.option("-m", "--message", metavar="TEXT", default="", help="The commit's message.")
@click.option("--dry-run", is_flag=True, help="Look, verify and say what would be done; do nothing.")
@answering(state=_STATE)
def command(talk: Conversation, *, name: str, uses: tuple[str, ...], message: str, dry_run: bool) -> Released:
    """Release exact versions of several datasets as one, under NAME.

    One commit holds them together, one pin keeps the data of all of them, one tag names it; nothing is copied, and main
    does not move. A release is immutable: the same versions under the same NAME change nothing, others are refused.
    Read it with the REF release:NAME, and one dataset of it with release:NAME/DATASET.

    \b
    Examples:
      lakefs-repro release 2024-q3 --use flights@1.2.0 --use planes@2.0.0
      lakefs-repro restore release:2024-q3 --to train
    """  # noqa: D301 - \b is click's mark for lines to keep
    return Released(open_lake(talk).release(name, uses, message=message, dry_run=dry_run))
