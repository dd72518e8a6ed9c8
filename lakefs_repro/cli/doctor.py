"""``doctor``: look everything over, and repair what can be repaired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakefs_repro.cli.agreement import agree
from lakefs_repro.cli.connection import open_lake, read_config, where_of
from lakefs_repro.cli.exits import Exit
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import counted
from lakefs_repro.errors import DeniedError, InvalidError, LakefsReproError, UnavailableError

if TYPE_CHECKING:
    from lakefs_repro.api.config import Config
    from lakefs_repro.api.lake import Lake
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.doctor.finding import Finding

__all__ = ["Examined", "command"]

_MARKS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}


@dataclass(frozen=True, slots=True)
class Repaired:
    """A repair that was tried: what was done, or why it was not."""

    does: str
    done: bool
    said: str


class Examined(Result):
    """What the doctor found, and what was repaired."""

    def __init__(self, where: Where, findings: Iterable[Finding], repairs: Sequence[Repaired] = ()) -> None:
        self.where: Where = where
        self._findings = tuple(findings)
        self._repairs = tuple(repairs)
        self._problems = sum(f.state == "problem" for f in self._findings)
        self._warnings = sum(f.state == "warning" for f in self._findings)
        if self._problems:
            self.exit = Exit.SAID_NO
        if any(f.repair for f in self._findings) and not repairs:
            self.next = "lakefs-repro doctor --repair does what is offered"

    def data(self) -> Mapping[str, Any]:
        return {
            "ok": not self._problems,
            "problems": self._problems,
            "warnings": self._warnings,
            "findings": [finding.to_json() for finding in self._findings],
            "repairs": [{"does": r.does, "done": r.done, "said": r.said} for r in self._repairs],
        }

    def show(self, page: Page) -> None:
        for repaired in self._repairs:
            page.line(f"{'repaired' if repaired.done else 'NOT repaired'}: {repaired.said}", strong=True)
        for finding in self._findings:
            page.line(f"{_MARKS[finding.state]}  {finding.check}: {finding.message}", strong=finding.state != "ok")
            if finding.repair:
                page.line(f"         repair offered: {finding.repair.does}")
            elif finding.hint:
                page.line(f"         hint: {finding.hint}")
        verdict = f"{counted(self._problems, 'problem')}, {counted(self._warnings, 'warning')}"
        page.line(f"{verdict} in {self.where}", strong=True)


@click.command("doctor", short_help="Look everything over, and repair what can be.")
@click.option("--repair", is_flag=True, help="Do the repairs that are offered, after showing them.")
@click.option("--yes", is_flag=True, help="Do them without asking.")
@click.option("--dataset", metavar="NAME", help="Look at the versions and ingests of this one only.")
@click.option("--engine", is_flag=True, help="Look over the embedded engine's folder instead: blocks, trees, waste.")
@click.option("--deep", is_flag=True, help="With --engine, read every block and compare its SHA-256.")
@click.option(
    "--root",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --engine, the engine's folder; by default that of the configuration.",
)
@answering(state="Each repair is done wholly or not at all; the same command goes on with the rest.")
def command(
    talk: Conversation, *, repair: bool, yes: bool, dataset: str | None, engine: bool, deep: bool, root: Path | None
) -> Result:
    """Look over the server, the repository, half-done ingests and every version; exit with 1 when a problem is left.

    Changes nothing without --repair. With it, the plan is shown and agreed to first; where nobody can be asked, --yes
    says so beforehand.

    With --engine, look over the folder of an embedded engine, which may run meanwhile; --repair then removes what
    nothing refers to any more, and wants the engine stopped.
    """
    if yes and not repair:
        raise InvalidError("--yes goes with --repair.", hint="add --repair", kind="contradicting-options")
    if not engine and (deep or root):
        raise InvalidError("--deep and --root go with --engine.", hint="add --engine", kind="contradicting-options")
    if engine:
        from lakefs_repro.cli.doctor_engine import examine  # noqa: PLC0415 - sqlite3 and all, not for --help

        return examine(talk, root, deep=deep, repair=repair, agreed=yes, dataset=dataset)
    config = read_config()
    try:
        lake = open_lake(talk, config)
    except (UnavailableError, DeniedError) as error:
        return _unconnected(config, error)
    from lakefs_repro.doctor.diagnose import diagnose  # noqa: PLC0415 - all rooms, not for --help

    talk.progress.step("looking it over")
    found = diagnose(lake.context, dataset=dataset)
    if not repair or not found.repairable:
        return Examined(where_of(lake), found)
    plan = [finding.repair.does for finding in found.repairable if finding.repair]
    agree(talk, plan, agreed=yes, command="lakefs-repro doctor")
    repairs = [_repaired(talk, lake, finding) for finding in found.repairable]
    return Examined(where_of(lake), diagnose(lake.context, dataset=dataset), repairs)


def _unconnected(config: Config, error: LakefsReproError) -> Examined:
    """What can be told of a server that does not let us in."""
    from lakefs_repro.cli.connection import open_endpoint  # noqa: PLC0415 - beside its only use
    from lakefs_repro.doctor.connection import check_connection  # noqa: PLC0415 - see command
    from lakefs_repro.doctor.finding import Finding  # noqa: PLC0415

    where = Where(config.project.engine, config.project.repository)
    try:
        findings = check_connection(open_endpoint(config))
    except LakefsReproError as worse:
        return Examined(where, [Finding("endpoint", "problem", worse.message, worse.hint)])
    if all(finding.state != "problem" for finding in findings):
        findings = (*findings, Finding("endpoint", "problem", error.message, error.hint))
    return Examined(where, findings)


def _repaired(talk: Conversation, lake: Lake, finding: Finding) -> Repaired:
    from lakefs_repro.doctor.repair import repair  # noqa: PLC0415 - see command

    does = finding.repair.does if finding.repair else ""
    talk.progress.step(does)
    try:
        return Repaired(does, done=True, said=repair(lake.context, finding))
    except LakefsReproError as error:
        return Repaired(does, done=False, said=f"{does}: {error.message}")
