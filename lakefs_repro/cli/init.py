"""``init``: name the server and the repository of a project, and make the repository ready."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakefs_repro.cli.answers import answer_options, typed_answers
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.preparing import Wishes, agreed, prepare
from lakefs_repro.cli.project_file import ignore_state, project_text, write_whole
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from lakefs_repro.api.config import ProjectConfig
    from lakefs_repro.api.setup import Prepared
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page

__all__ = ["SetUp", "Wishes", "command", "set_up"]

_STATE = "What was made stays; the same command goes on from there."


class SetUp(Result):
    """A project that is ready."""

    def __init__(
        self, project: ProjectConfig, ready: Prepared, endpoint: str, file: Path, *, written: bool, ignored: bool
    ) -> None:
        self.where = Where(project.engine, ready.repository)
        self._project = project
        self._ready = ready
        self._endpoint = endpoint
        self._file = file
        self._written = written
        self._ignored = ignored
        name = f" --dataset {min(project.datasets)}" if len(project.datasets) > 1 else ""
        self.next = f"lakefs-repro ingest FOLDER{name if project.datasets else ' --dataset NAME'}"

    def data(self) -> Mapping[str, Any]:
        return {
            "endpoint": self._endpoint,
            "branch": self._ready.main,
            "namespace": self._ready.namespace,
            "created": self._ready.created,
            "protected": list(self._ready.protected),
            "datasets": list(self._project.datasets),
            "file": str(self._file),
            "written": self._written,
            "gitignore_changed": self._ignored,
        }

    def show(self, page: Page) -> None:
        page.line(f"{self._file.name} {'written' if self._written else 'is as it was'}", strong=True)
        made = "created" if self._ready.created else "was there already"
        page.fields(
            [
                ("engine", self._project.engine),
                ("endpoint", self._endpoint),
                ("repository", f"{self._ready.repository} ({made})"),
                ("namespace", self._ready.namespace),
                ("protected", ", ".join(self._ready.protected)),
                ("datasets", ", ".join(self._project.datasets)),
                ("ignored", ".lakefs-repro/ (in .gitignore)" if self._ignored else ""),
            ]
        )


@click.command("init", short_help="Set up a project in this folder.")
@click.option("--embedded", is_flag=True, help="Use the embedded engine on this machine; asks nothing.")
@click.option("--endpoint", metavar="URL", help="The lakeFS server; by default that of LAKECTL_* or ~/.lakectl.yaml.")
@click.option("--repository", metavar="NAME", help="The repository; by default named after the folder.")
@click.option("--dataset", "datasets", metavar="NAME", multiple=True, help="A dataset of the project; repeatable.")
@click.option("--namespace", metavar="URI", default="", help="The storage namespace of a new repository.")
@click.option("--create/--no-create", default=None, help="Make the repository when it is not there; the default.")
@click.option("--force", is_flag=True, help="Replace a lakefs-repro.yaml that says something else.")
@click.option("--no-input", is_flag=True, help="Ask nothing, on a terminal either.")
@click.option("--sample", metavar="FOLDER", type=click.Path(path_type=Path),
              help="With answers: some of the data, which the starting contract is inferred from.")  # fmt: skip
@answer_options
@answering(state=_STATE)
def command(
    talk: Conversation,
    *,
    embedded: bool,
    endpoint: str | None,
    repository: str | None,
    datasets: tuple[str, ...],
    namespace: str,
    create: bool | None,
    force: bool,
    no_input: bool,
    sample: Path | None,
    **values: Any,
) -> Result:
    """Set up a project in this folder.

    Writes lakefs-repro.yaml and makes the repository ready: it is created when it is not there, with a hidden ledger
    branch, and protected against writes that go past the validation. On a terminal, what is not named is asked for.

    Who does not know yet what to use answers questions instead, on a terminal or by options (--storage and the
    following; see advise): the approach that fits is set up, with a plan in docs/data-versioning-plan.md, starting
    contracts and a CI file. What would be written is shown first, and a file that is there is never replaced unasked.

    \b
    Examples:
      lakefs-repro init --embedded
      lakefs-repro init --endpoint https://lakefs.example.com --repository demand --dataset flights
      lakefs-repro init --storage local --volume 20GB --server no --tools none --dataset flights
    """  # noqa: D301 - \b is click's mark for lines to keep
    if embedded and endpoint:
        raise InvalidError(
            "--embedded and --endpoint contradict each other.", hint="name one of them", kind="contradicting-options"
        )
    talk.asks = not no_input
    engine = "embedded" if embedded else "lakefs" if endpoint else None
    wishes = Wishes(engine, endpoint, repository, datasets, namespace, create, force)
    typed = typed_answers(values)
    advice = any(value is not None for value in (*typed.values(), *values.values(), sample))
    if not advice and engine is None and talk.can_ask and (force or not (Path.cwd() / "lakefs-repro.yaml").exists()):
        wishes = _engine_asked(talk, wishes)
        advice = wishes.engine is None
    if not advice:
        return set_up(talk, Path.cwd(), wishes)
    from lakefs_repro.cli.advised import Advice, set_up_advised  # noqa: PLC0415 - not for --help

    return set_up_advised(talk, Path.cwd(), wishes, Advice(typed, sample=sample, **values))


def _engine_asked(talk: Conversation, wishes: Wishes) -> Wishes:
    """The wishes with an engine, or without one when questions are to find what fits."""
    said = talk.ask(
        "Engine: a lakeFS server, one embedded on this machine, or advise to find out by questions",
        default="advise",
        choices=("lakefs", "embedded", "advise"),
    )
    return wishes if said == "advise" else replace(wishes, engine=said, asked=True)


def set_up(talk: Conversation, folder: Path, wishes: Wishes) -> SetUp:
    """Make a folder a project; idempotent.

    Raises:
        AlreadyExistsError: there is a configuration that says something else, and ``force`` is false.
        InvalidError: something needed was not named, and nobody is there to ask.
    """
    from lakefs_repro.api.config import FILE_NAME, load_config  # noqa: PLC0415 - pydantic and YAML, not for --help

    file = folder / FILE_NAME
    there = load_config(file).project if file.exists() and not wishes.force else None
    wanted = agreed(there, wishes, file) if there else _asked(talk, folder, wishes)
    ready, endpoint = prepare(talk, folder, wanted, wishes)
    project = wanted.model_copy(update={"branch": there.branch if there else ready.main})
    if there is None:
        write_whole(file, project_text(project))
    ignored = ignore_state(folder)
    if ready.note:
        talk.note(ready.note)
    return SetUp(project, ready, endpoint, file, written=there is None, ignored=ignored)


def _asked(talk: Conversation, folder: Path, wishes: Wishes) -> ProjectConfig:
    """The configuration by flags, and by questions where somebody sits there."""
    from lakefs_repro.api.config import find_login, parse_project  # noqa: PLC0415 - see set_up
    from lakefs_repro.api.setup import check_repository_name, repository_name  # noqa: PLC0415
    from lakefs_repro.model.names import check_dataset_name  # noqa: PLC0415

    ask = talk.can_ask and (wishes.engine != "embedded" or wishes.asked)
    known = find_login(os.environ, Path.home(), wishes.endpoint)
    engine, endpoint = wishes.engine, wishes.endpoint
    if engine is None:
        if known is None:
            raise InvalidError(
                "No lakeFS server is named, and none is configured by LAKECTL_* or ~/.lakectl.yaml.",
                hint="lakefs-repro init --embedded, or lakefs-repro init --endpoint URL",
                kind="no-configuration",
            )
        engine = "lakefs"
    if engine == "lakefs" and ask and endpoint is None:
        given = talk.ask("Address of the server", default=known.endpoint if known else None)
        endpoint = None if known and given == known.endpoint else given
    repository = wishes.repository or repository_name(folder.resolve().name)
    if ask and wishes.repository is None:
        repository = talk.ask("Repository", default=repository)
    datasets = wishes.datasets
    if ask and not datasets:
        said = talk.ask("Datasets, with blanks between (may be left empty)", default="")
        datasets = tuple(said.replace(",", " ").split())
    settings: dict[str, Any] = {
        "engine": engine,
        "repository": check_repository_name(repository),
        "endpoint": endpoint,
        "datasets": {check_dataset_name(name): {} for name in datasets},
    }
    return parse_project(settings, "the command line")
