"""``init`` by answers: the approach that fits is recommended, agreed to and set up, with its plan and its files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lakefs_repro.advice.approaches import APPROACHES, OURS, ApproachName
from lakefs_repro.advice.ci import ci_file
from lakefs_repro.advice.contract import GLOBS, contract_path, starting_contract
from lakefs_repro.advice.plan import PLAN_PATH, render_plan
from lakefs_repro.advice.project import Project
from lakefs_repro.advice.recommend import Recommendation, recommend
from lakefs_repro.api.config import FILE_NAME, ProjectConfig, find_login, load_config, parse_project
from lakefs_repro.api.setup import check_repository_name, repository_name
from lakefs_repro.cli.advise import today, tool
from lakefs_repro.cli.answers import answered, estimated
from lakefs_repro.cli.preparing import Wishes, agreed, prepare
from lakefs_repro.cli.project_file import ignore_state, project_text
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.writing import Written, agree_on, write_all
from lakefs_repro.errors import InvalidError
from lakefs_repro.model.names import check_dataset_name

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page

__all__ = ["Advice", "AdvisedSetUp", "set_up_advised"]

_TOLD: Final = 3
_DATASET: Final = "data"
_NONE: Final = "-"
_STATES: Final = {"written": "written", "unchanged": "is as it was", "kept": "kept: it says something else"}


@dataclass(frozen=True, slots=True)
class Advice:
    """What was typed beside :class:`Wishes`: answers, and what overrules the advice."""

    typed: Mapping[str, str | None]
    approach: ApproachName | None
    changed: str | None
    price: str | None
    sample: Path | None


class AdvisedSetUp(Result):
    """A project that is set up as advised, or against it."""

    def __init__(self, project: Project, files: Sequence[Written], *, prepared: bool, ignored: bool) -> None:
        self._project = project
        self._files = files
        self._prepared = prepared
        self._ignored = ignored
        self.where = Where(project.chosen, project.repository) if project.ours else None
        if not project.ours:
            self.next = f"{PLAN_PATH} ends with the commands to type"
        elif prepared:
            name = f" --dataset {project.dataset}" if len(project.datasets) > 1 else ""
            self.next = f"lakefs-repro ingest FOLDER{name}"
        else:
            self.next = "when the server is there, and LAKECTL_* or ~/.lakectl.yaml have its keys: lakefs-repro init"

    def data(self) -> Mapping[str, Any]:
        best = self._project.recommendation.best
        return {
            "approach": self._project.chosen,
            "recommended": best.approach.name,
            "fits": best.fits,
            "datasets": list(self._project.datasets),
            "prepared": self._prepared,
            "files": [{"path": file.path, "state": file.state} for file in self._files],
            "gitignore_changed": self._ignored,
        }

    def show(self, page: Page) -> None:
        page.line(f"Set up for {self._project.approach.title}", strong=True)
        page.fields((file.path, _STATES[file.state]) for file in self._files)
        if self.where:
            page.line(f"repository {self.where}: {'ready' if self._prepared else 'not made yet, no server is known'}")


def set_up_advised(talk: Conversation, folder: Path, wishes: Wishes, advice: Advice) -> AdvisedSetUp:
    """Ask, recommend, show what would be written, and do it; nothing is changed before all is agreed to.

    Raises:
        AlreadyExistsError: there is a configuration that says something else, and ``force`` is false.
        InvalidError: an answer is none, or it was not agreed to.
    """
    answers = answered(talk, advice.typed)
    recommendation = recommend(answers)
    _tell(talk, recommendation)
    chosen = _chosen(talk, recommendation, wishes, advice.approach)
    wishes = replace(wishes, engine=chosen if chosen in OURS else None)
    there = _there(folder, wishes) if chosen in OURS else None
    datasets = tuple(there.datasets) if there and there.datasets else _datasets(talk, wishes)
    repository, endpoint = _place(talk, folder, wishes, there)
    project = Project(
        answers=answers,
        recommendation=recommendation,
        estimate=estimated(answers, advice.changed, advice.price),
        chosen=chosen,
        datasets=datasets,
        repository=repository,
        today=today(),
        tool=tool(),
        endpoint=endpoint or "",
    )
    contracts = _contracts(talk, project, advice.sample) if project.ours and there is None else {}
    named = tuple((name, contract_path(name)) for name in contracts)
    if there:
        named = tuple((name, one.contract) for name, one in there.datasets.items() if one.contract)
    project = replace(project, contracts=named)
    wanted = there or _wanted(project)
    writable = agree_on(talk, folder, _files(project, contracts, wanted, there), force=wishes.force)
    branch, prepared = _prepared(talk, folder, wanted, wishes)
    if wanted and there is None:
        wanted = wanted.model_copy(update={"branch": branch})
    files = write_all(folder, _files(project, contracts, wanted, there), writable)
    ignored = ignore_state(folder) if project.ours else False
    return AdvisedSetUp(project, files, prepared=prepared, ignored=ignored)


def _tell(talk: Conversation, recommendation: Recommendation) -> None:
    best = recommendation.best
    talk.say("")
    talk.say(f"{'Recommended' if best.fits else 'Nothing fits all answers; the nearest'}: {best.approach.title}")
    for rule in best.good[:_TOLD]:
        talk.say(f"  + {rule.because}")
    for rule in best.lacks[:_TOLD]:
        talk.say(f"  - {rule.because}")
    if recommendation.close:
        talk.say(f"It is a close call: {recommendation.close.approach.title} would do nearly as well.")


def _chosen(
    talk: Conversation, recommendation: Recommendation, wishes: Wishes, approach: ApproachName | None
) -> ApproachName:
    if approach and wishes.engine not in {None, approach}:
        raise InvalidError(
            f"--approach {approach} and an engine of another kind contradict each other.",
            hint="name one of them",
            kind="contradicting-options",
        )
    best = recommendation.best.approach.name
    named = approach or wishes.engine
    if named is None and talk.can_ask:
        named = talk.ask("Set up", default=best, choices=[one.name for one in APPROACHES])
    return next((one.name for one in APPROACHES if one.name == named), best)


def _there(folder: Path, wishes: Wishes) -> ProjectConfig | None:
    """The configuration that is there and stays."""
    file = folder / FILE_NAME
    if wishes.force or not file.exists():
        return None
    return agreed(load_config(file).project, wishes, file)


def _datasets(talk: Conversation, wishes: Wishes) -> tuple[str, ...]:
    names: Sequence[str] = wishes.datasets
    if not names and talk.can_ask:
        names = talk.ask("Datasets, with blanks between", default=_DATASET).replace(",", " ").split()
    return tuple(check_dataset_name(name) for name in names) or (_DATASET,)


def _place(talk: Conversation, folder: Path, wishes: Wishes, there: ProjectConfig | None) -> tuple[str, str | None]:
    """The repository's name, and the server's address where the configuration should have one."""
    if there:
        return there.repository, there.endpoint
    name = wishes.repository or repository_name(folder.resolve().name)
    if wishes.repository is None and wishes.engine and talk.can_ask:
        name = talk.ask("Repository", default=name)
    endpoint = wishes.endpoint
    if wishes.engine == "lakefs" and endpoint is None and talk.can_ask:
        known = find_login(os.environ, Path.home())
        said = talk.ask(f"Address of the server, {_NONE} for none yet", default=known.endpoint if known else _NONE)
        endpoint = None if said == _NONE or (known and said == known.endpoint) else said
    return check_repository_name(name), endpoint


def _wanted(project: Project) -> ProjectConfig | None:
    if not project.ours:
        return None
    contracts = dict(project.contracts)
    settings: dict[str, Any] = {
        "engine": project.chosen,
        "repository": project.repository,
        "endpoint": project.endpoint or None,
        "datasets": {name: {"contract": contracts.get(name)} for name in project.datasets},
    }
    return parse_project(settings, "the command line")


def _prepared(talk: Conversation, folder: Path, wanted: ProjectConfig | None, wishes: Wishes) -> tuple[str, bool]:
    """The branch that versions live in, and whether the repository is ready; without a server it can't be."""
    if wanted is None:
        return "main", False
    if wanted.engine == "lakefs" and find_login(os.environ, Path.home(), wanted.endpoint) is None:
        return wanted.branch, False
    ready, _ = prepare(talk, folder, wanted, wishes)
    if ready.note:
        talk.note(ready.note)
    return ready.main, True


def _files(
    project: Project, contracts: Mapping[str, str], wanted: ProjectConfig | None, there: ProjectConfig | None
) -> list[tuple[str, str]]:
    """Paths and texts of everything that belongs to the project, but for a configuration that stays."""
    files = [(FILE_NAME, project_text(wanted))] if wanted and there is None else []
    files += [(contract_path(name), text) for name, text in contracts.items()]
    made = ci_file(project)
    return [*files, *([made] if made else []), (PLAN_PATH, render_plan(project))]


def _contracts(talk: Conversation, project: Project, sample: Path | None) -> dict[str, str]:
    """A starting contract for each dataset, by name; inferred where there is a sample of a single one."""
    single = len(project.datasets) == 1
    if sample and not single:
        raise InvalidError(
            "--sample goes with a single dataset.", hint="name one --dataset", kind="contradicting-options"
        )
    if sample is None and single and talk.can_ask and project.answers.data_format in GLOBS:
        sample = _sample_asked(talk)
    if sample:
        return {project.dataset: _inferred(project, sample)}
    made = {name: starting_contract(name, project.answers) for name in project.datasets}
    return {name: text for name, text in made.items() if text is not None}


def _sample_asked(talk: Conversation) -> Path | None:
    while True:
        said = talk.ask(f"A folder with some of the data, to begin the contract from, {_NONE} for none", default=_NONE)
        if said == _NONE:
            return None
        if Path(said).exists():
            return Path(said)
        talk.say(f"{said} is not there.")


def _inferred(project: Project, sample: Path) -> str:
    """The contract that a sample keeps.

    Raises:
        InvalidError: there is no table in it.
    """
    from lakefs_repro.ingest.scan import scan  # noqa: PLC0415 - the tables' libraries, only where they are needed
    from lakefs_repro.tables import TableFile, infer_contract, table_format  # noqa: PLC0415

    found = [TableFile(file.path, file.local) for file in scan([sample]).files]
    if not any(table_format(file.path) for file in found):
        raise InvalidError(
            f"{sample} holds no table.", hint="name a folder with CSV, JSON Lines or Parquet files", kind="not-tables"
        )
    talk_of = "Inferred from a sample: columns and types as they are. Add what users rely on: required, keys, ranges."
    return f"# {talk_of}\n{infer_contract(project.dataset, found).dump()}"
