"""``advise``: say which approach to data versioning fits, and why, without writing anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakefs_repro import __version__
from lakefs_repro.cli.answers import answer_options, answered, estimated, typed_answers
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.page import Column
from lakefs_repro.cli.result import Result

if TYPE_CHECKING:
    from lakefs_repro.advice.project import Project
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page

__all__ = ["Advised", "command", "today", "tool"]

_COST = (
    Column("kept"),
    Column("after a month", right=True),
    Column("after a year", right=True),
    Column("USD a year", right=True),
)


class Advised(Result):
    """A recommendation and its plan."""

    def __init__(self, project: Project, plan: str, *, whole: bool) -> None:
        self._project = project
        self._plan = plan
        self._whole = whole
        self.next = "lakefs-repro init with the same options sets it up"

    def data(self) -> Mapping[str, Any]:
        project, advice = self._project, self._project.recommendation
        return {
            "approach": project.chosen,
            "recommended": advice.best.approach.name,
            "fits": advice.best.fits,
            "verdicts": [verdict.to_json() for verdict in (advice.best, *advice.others)],
            "cost": project.estimate.to_json(),
            "answers": project.answers.to_json(),
            "plan": self._plan,
        }

    def show(self, page: Page) -> None:
        if self._whole:
            for line in self._plan.splitlines():
                page.line(line)
        else:
            self._summary(page)

    def _summary(self, page: Page) -> None:
        from lakefs_repro.advice.amounts import size_of  # noqa: PLC0415 - beside its only use

        advice, estimate = self._project.recommendation, self._project.estimate
        best = advice.best
        verdict = "Use" if best.fits else "Nothing fits all answers; the nearest is"
        page.line(f"{verdict} {best.approach.title}", strong=True)
        for rule in best.good:
            page.line(f"  + {rule.because}")
        for rule in best.lacks:
            page.line(f"  - {rule.because}")
        page.line()
        page.line("What speaks most against the others", strong=True)
        page.fields((v.approach.title, v.lacks[0].because if v.lacks else "nothing") for v in advice.others)
        page.line()
        page.line("Storage", strong=True)
        page.table(
            _COST,
            (
                (cost.way, *map(size_of, cost.stored), "" if cost.year is None else f"{cost.year:,.0f}")
                for cost in (estimate.latest, estimate.shared, estimate.copies)
            ),
        )


@click.command("advise", short_help="Say which approach to data versioning fits, and why.")
@click.option("--dataset", "datasets", metavar="NAME", multiple=True, help="A dataset; repeatable.")
@click.option("--repository", metavar="NAME", help="The repository; by default named after the folder.")
@click.option("--format", "layout", type=click.Choice(["markdown", "text", "json"]), default="markdown",
              help="The whole plan (the default), a summary, or JSON.")  # fmt: skip
@click.option("--no-input", is_flag=True, help="Ask nothing; assume the default of what is not answered.")
@answer_options
@answering()
def command(
    talk: Conversation,
    *,
    datasets: tuple[str, ...],
    repository: str | None,
    layout: str,
    no_input: bool,
    **values: Any,
) -> Advised:
    """Say which approach to data versioning fits your answers, with reasons, costs and what the others would lack.

    Weighs lakeFS with this toolkit, the embedded engine only, DVC, Delta time travel, and Iceberg branches and tags.
    On a terminal it asks what no option answers. Prints a plan; writes nothing and talks to nobody.

    \b
    Examples:
      lakefs-repro advise
      lakefs-repro advise --storage s3 --volume 2TB --arrival append --writers spark --format text
    """  # noqa: D301 - \b is click's mark for lines to keep
    from lakefs_repro.advice.plan import render_plan  # noqa: PLC0415 - not for --help
    from lakefs_repro.advice.project import Project  # noqa: PLC0415
    from lakefs_repro.advice.recommend import recommend  # noqa: PLC0415
    from lakefs_repro.api.setup import check_repository_name, repository_name  # noqa: PLC0415
    from lakefs_repro.model.names import check_dataset_name  # noqa: PLC0415

    talk.json = talk.json or layout == "json"
    talk.asks = not no_input
    names = tuple(check_dataset_name(name) for name in datasets) or ("data",)
    home = check_repository_name(repository or repository_name(Path.cwd().name))
    answers = answered(talk, typed_answers(values))
    advice = recommend(answers)
    project = Project(
        answers=answers,
        recommendation=advice,
        estimate=estimated(answers, values["changed"], values["price"]),
        chosen=values["approach"] or advice.best.approach.name,
        datasets=names,
        repository=home,
        today=today(),
        tool=tool(),
    )
    return Advised(project, render_plan(project), whole=layout == "markdown")


def today() -> str:
    """The day in UTC, as plans write it."""
    return datetime.now(timezone.utc).date().isoformat()


def tool() -> str:
    """Name and version, as plans write them."""
    return f"lakefs-repro {__version__}"
