"""The plan as Markdown: the same project gives the same text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lakefs_repro.advice.amounts import count_of, size_of
from lakefs_repro.advice.answers import shown, told
from lakefs_repro.advice.ci import check_commands, ci_file
from lakefs_repro.advice.cost import Cost, Estimate
from lakefs_repro.advice.mechanics import BY_ITSELF, MECHANICS, PLACES
from lakefs_repro.advice.prices import PRICES_OF
from lakefs_repro.advice.project import Project
from lakefs_repro.advice.questions import QUESTIONS
from lakefs_repro.advice.recommend import Verdict
from lakefs_repro.advice.rule import Rule
from lakefs_repro.advice.steps import next_commands, retention

__all__ = ["PLAN_PATH", "render_plan"]

PLAN_PATH: Final = "docs/data-versioning-plan.md"
_MOST_LACKS: Final = 4

_WHY: Final = """\
Code is in git, parameters are in the tracker, the environment is in a lock file. The data is at a path, and what lies
there changes. So a model can't be made again: nobody knows which rows trained it, and if somebody knew, the rows would
be gone. Data versioning is the missing link, and it takes four things: a *name* that means the same data for ever, a
*gate* so that only good data gets one, a *guarantee* that the data is still there when it is asked for, and a *record*
of what came from what that outlives it. A copy in a dated folder has none of the last three."""


def render_plan(project: Project) -> str:
    """The whole document."""
    return "\n\n".join(_sections(project)) + "\n"


def _sections(project: Project) -> Iterator[str]:
    yield f"# Data versioning plan: {', '.join(project.datasets)}"
    yield (
        f"Written on {project.today} by {project.tool}, from the answers at the end: {told(project.answers)}, "
        f"{size_of(project.answers.growth)} more each month. Change an answer and write it anew: `lakefs-repro advise "
        "--help`."
    )
    yield "## Why data versioning is the missing link"
    yield _WHY
    yield from _recommended(project)
    yield from _others(project)
    yield from _mechanics(project)
    yield from _cost(project.estimate)
    yield "## Retention"
    yield from retention(project)
    yield from _pipeline(project)
    yield "## Next commands"
    yield _block("sql" if project.chosen in {"delta", "iceberg"} else "sh", next_commands(project))
    yield "## The answers"
    yield _table(
        ("question", "answer", "flag"),
        (
            (q.text, shown(project.answers, q.field) + _assumed(project, q.field), f"`{q.flag}`")
            for q in QUESTIONS
        ),
    )  # fmt: skip


def _recommended(project: Project) -> Iterator[str]:
    advice, best = project.recommendation, project.recommendation.best
    yield "## Recommendation"
    if best.fits:
        yield f"**Use {best.approach.title}**: {best.approach.what}."
    else:
        yield (
            f"**Nothing fits all answers.** The nearest is {best.approach.title}: {best.approach.what}. Read what it "
            "lacks before anything is built on it."
        )
        freed = max(advice.others, key=lambda verdict: verdict.otherwise)
        if freed.otherwise > max(best.score, 0):
            yield f"Think again about the answer that rules out {freed.approach.title}: {freed.lacks[0].because}"
    yield _reasons(best.good)
    if best.lacks:
        yield "What to keep in mind:"
        yield _reasons(best.lacks)
    if advice.close:
        yield f"It is a close call: {advice.close.approach.title} would do nearly as well, and habit may decide."
    if project.chosen != best.approach.name:
        verdict = advice.verdict(project.chosen)
        yield f"**Decided otherwise: this plan sets up {verdict.approach.title}.** What speaks for it, and against:"
        yield _reasons((*verdict.good, *verdict.lacks)) or "- No rule speaks for or against it."


def _others(project: Project) -> Iterator[str]:
    yield "## What the others would lack"
    for verdict in project.recommendation.others:
        yield f"**{_upper(verdict.approach.title)}** ({verdict.approach.what}): {_standing(verdict)}"
        yield _reasons(verdict.lacks[:_MOST_LACKS])
        if len(verdict.lacks) > _MOST_LACKS:
            yield f"and {count_of(len(verdict.lacks) - _MOST_LACKS, 'lesser point')}."


def _standing(verdict: Verdict) -> str:
    if not verdict.possible:
        return "ruled out."
    if not verdict.good:
        return "nothing in your answers speaks for it."
    return f"in its favour: {verdict.good[0].because} Against it:"


def _mechanics(project: Project) -> Iterator[str]:
    mechanics = MECHANICS[project.chosen]
    yield "## Snapshot, diff and lineage"
    yield f"On {_storage(project)}: {PLACES[project.chosen][project.answers.storage]}."
    said, source = BY_ITSELF[project.answers.storage]
    yield "Without any of this: " + said + (f" ([source]({source}))" if source else "")
    for word, text in (("Snapshot", mechanics.snapshot), ("Diff", mechanics.diff), ("Lineage", mechanics.lineage)):
        yield f"**{word}.** " + text.replace("{dataset}", project.dataset)


def _cost(estimate: Estimate) -> Iterator[str]:
    inputs = estimate.inputs
    yield "## Storage cost"
    yield _table(
        ("what is kept", "bytes after 1 month", "after a year", "first month", "twelfth month", "the whole year"),
        (_row(name, cost) for name, cost in (
            ("the newest state only", estimate.latest),
            ("versions that share unchanged files (this toolkit, DVC's remote, table formats)", estimate.shared),
            ("a full copy for each version", estimate.copies),
        )),
    )  # fmt: skip
    yield f"Sharing unchanged files saves {estimate.saved:.0%} of what full copies take after a year."
    price = (
        f"${inputs.price.storage:g} for a GB and month, ${inputs.price.writes:g} for 1,000 writes "
        f"({inputs.price.what}{'' if 'given' in inputs.price.what else f'; list price, written down on {PRICES_OF}'})"
        if inputs.price
        else "none: disks of your own have no list price; `--price` takes yours"
    )
    yield "\n".join(
        (
            (
                f"- V, volume now: {size_of(inputs.volume)}; g, growth a month: {size_of(inputs.growth)}; n, versions "
                f"a month: {inputs.versions:,}"
            ),
            f"- c, share of the bytes there that each version rewrites: {inputs.changed:.0%} (`--changed` takes yours)",
            f"- R, retention: {inputs.keep:.1f} months of 30 days; the newest version is kept always",
            f"- price: {price}",
            (
                "- version i has S(i) = V + g·i/n bytes; at the end of month m the newest is i = n·m, and older ones "
                "are kept from i ≥ n·(m - R)"
            ),
            "- full copies: S(n·m) + Σ S(i); shared files: S(n·m) + Σ c·S(i), both over the older versions kept",
        )
    )
    yield (
        "Not in it: reading, traffic out of the region, working copies and caches on your machines (with DVC one on "
        "each), the server that lakeFS runs on, and compaction of tables, which rewrites files that nobody changed."
    )


def _row(name: str, cost: Cost) -> tuple[str, ...]:
    month = ("n/a", "n/a") if cost.month is None else tuple(_dollars(value) for value in cost.month)
    year = "n/a" if cost.year is None else _dollars(cost.year)
    return (name, size_of(cost.stored[0]), size_of(cost.stored[1]), *month, year)


def _pipeline(project: Project) -> Iterator[str]:
    name, tools = project.dataset, project.answers.tools
    yield "## Pipeline integration"
    if project.ours:
        yield "The job that makes the data ends with one command, and its exit code is the gate's answer (1: refused):"
        yield _block("sh", (f"lakefs-repro ingest FOLDER --dataset {name} --job JOB --query-file QUERY.sql --json",))
        for _, path in project.contracts:
            yield f"`{path}` is what it is held to, and a start: name the columns that somebody relies on."
        yield "The training job names a version, never a path, and fails before it starts when that is not whole:"
        yield _block(
            "sh", (f"lakefs-repro verify {name}@1.0.0 && lakefs-repro restore {name}@1.0.0 --to train/{name}",)
        )
    made = ci_file(project)
    commands = ", ".join(f"`{command}`" for command in check_commands(project))
    if made:
        yield f"CI checks every day and for every change, by `{made[0]}`: {commands}."
    else:
        yield f"You named no CI system. Have something run this every day: {commands}."
    if "mlflow" in tools:
        what = "version and digest" if project.ours else "version"
        yield f"MLflow: log the {what} as parameters of each run, so that a run leads to its data."
    if "airflow" in tools:
        yield "Airflow: naming the version is the last task of the DAG that makes the data; its failure stops the rest."


def _reasons(rules: Iterable[Rule]) -> str:
    return "\n".join(f"- {rule.because} ([{rule.id}]({_address(rule.source)}))" for rule in rules)


def _address(source: str) -> str:
    home = "https://github.com/lakefs-repro/lakefs-repro/blob/main/"
    return source if source.startswith("https:") else home + source


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _block(language: str, lines: Iterable[str]) -> str:
    return f"```{language}\n" + "\n".join(lines) + "\n```"


def _assumed(project: Project, field: str) -> str:
    return " (assumed)" if field in project.answers.assumed else ""


def _storage(project: Project) -> str:
    return shown(project.answers, "storage")


def _dollars(value: float) -> str:
    return f"${value:,.2f}" if value < 100 else f"${value:,.0f}"  # noqa: PLR2004 - cents tell nothing beyond that


def _upper(text: str) -> str:
    return text if text.startswith("lakeFS") else text[0].upper() + text[1:]
