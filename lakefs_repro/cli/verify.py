"""``verify``: prove that a snapshot's data is there and right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from lakefs_repro.cli.connection import open_lake, where_of
from lakefs_repro.cli.exits import Exit
from lakefs_repro.cli.options import answering, dataset_of_ref
from lakefs_repro.cli.page import Column
from lakefs_repro.cli.release import VerifiedRelease
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import counted, short, size
from lakefs_repro.model.ref import named_release

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.model.report import VerifyReport

__all__ = ["Verified", "command"]

_SHOWN = 50
_COLUMNS = (Column("path"), Column("problem"), Column("detail"))
_PINS = {"held": "kept by its pin", "moved": "NOT kept: its pin was moved", "missing": "NOT kept: it has no pin"}
_EXTERNAL = "the pin keeps no bytes that lie outside the repository's storage: they can change or go"


class Verified(Result):
    """What a verification found; the check says no when anything is wrong."""

    def __init__(self, where: Where, report: VerifyReport) -> None:
        self.where: Where = where
        self._report = report
        kept = report.pin in (None, "held")
        self.exit = Exit.DONE if report.ok and kept else Exit.SAID_NO
        if not report.ok:
            self.next = "lakefs-repro doctor looks for what can be repaired"
        elif not kept:
            self.next = "lakefs-repro doctor --repair pins it again"

    def data(self) -> Mapping[str, Any]:
        return self._report.to_json()

    def show(self, page: Page) -> None:
        report = self._report
        name = f"{report.dataset}@{report.version}" if report.version else report.ref
        problems = sum(report.counts.values())
        verdict = "verified" if report.ok else f"{counted(problems, 'problem')} found"
        page.line(f"{name}: {verdict}", strong=True)
        if report.problems:
            page.table(_COLUMNS, ((p.path, p.kind, p.detail) for p in report.problems[:_SHOWN]))
            if problems > _SHOWN:
                page.line(f"and {counted(problems - _SHOWN, 'more problem')}; --json names up to a thousand")
        how = "every byte hashed" if report.deep else "every object read at its last byte"
        if report.external and not report.deep:
            how += ", and those that lie elsewhere compared with what was noted of them"
        page.fields(
            [
                ("looked at", f"{counted(report.files, 'file')}, {size(report.bytes)}; {how}"),
                ("read", f"{size(report.read_bytes)} in {report.seconds:.1f} s"),
                ("digest", report.digest),
                ("commit", short(report.commit)),
                ("data", _PINS[report.pin] if report.pin else ""),
                ("external", _EXTERNAL if report.external else ""),
                ("in", str(self.where)),
            ]
        )


@click.command("verify", short_help="Prove that a snapshot's data is there and right.")
@click.argument("ref")
@dataset_of_ref
@click.option("--deep", is_flag=True, help="Read every byte and compare every SHA-256.")
@answering()
def command(talk: Conversation, *, ref: str, dataset: str | None, deep: bool) -> Result:
    """Prove that the data of REF is there: read every object at its last byte, or with --deep the whole of it.

    Exits with 1 when anything is wrong, also when a version is there today but has lost the pin that keeps it.
    REF is for example flights@1.2.0, flights@^1.1, flights@latest, flights@1.2.0#month=3, a commit, a branch,
    a digest or a lakefs:// URI; or a whole release, release:2024-q3.
    """
    lake = open_lake(talk)
    name = named_release(ref) if dataset is None else None
    if name is not None:
        return VerifiedRelease(where_of(lake), lake.verify_release(name, deep=deep))
    return Verified(where_of(lake), lake.verify(ref, dataset=dataset, deep=deep))
