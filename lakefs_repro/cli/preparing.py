"""What ``init`` does whoever decided: compare with the configuration that is there, and make the repository ready."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lakefs_repro.cli.connection import open_endpoint
from lakefs_repro.errors import AlreadyExistsError, InvalidError, NotFoundError

if TYPE_CHECKING:
    from lakefs_repro.api.config import ProjectConfig
    from lakefs_repro.api.setup import Prepared
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.lake.repository import Server

__all__ = ["Wishes", "agreed", "prepare"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for; what is None was left open.

    Attributes:
        asked: whether the engine is an answer to a question, so that the rest may be asked, too.
    """

    engine: str | None
    endpoint: str | None
    repository: str | None
    datasets: tuple[str, ...]
    namespace: str
    create: bool | None
    force: bool
    asked: bool = False


def agreed(there: ProjectConfig, wishes: Wishes, file: Path) -> ProjectConfig:
    """The configuration that is there, when nothing that was asked for contradicts it.

    Raises:
        AlreadyExistsError: something does.
    """
    asked = {
        "engine": (wishes.engine, there.engine),
        "endpoint": (wishes.endpoint, there.endpoint),
        "repository": (wishes.repository, there.repository),
        "datasets": (", ".join(d for d in wishes.datasets if d not in there.datasets) or None, None),
    }
    for key, (wish, fact) in asked.items():
        if wish is not None and wish != fact:
            raise AlreadyExistsError(
                f"{file.name} is there already, and does not say `{key}: {wish}`. Nothing was changed.",
                hint=f"edit {file.name}, or replace it with --force",
                kind="configuration-exists",
            )
    return there


def prepare(talk: Conversation, folder: Path, wanted: ProjectConfig, wishes: Wishes) -> tuple[Prepared, str]:
    """Make the repository ready, asking before it is created where somebody sits there; and the server's address.

    Raises:
        NotFoundError: it is not there, and is not to be made.
        InvalidError: a namespace must be named.
    """
    from lakefs_repro.api.config import Config  # noqa: PLC0415 - not for --help
    from lakefs_repro.api.connect import open_server  # noqa: PLC0415
    from lakefs_repro.api.setup import prepare_repository  # noqa: PLC0415

    talk.progress.step("starting the engine" if wanted.engine == "embedded" else "asking the server")
    endpoint = open_endpoint(Config(project=wanted, folder=folder))
    server = open_server(endpoint)
    name, namespace = wanted.repository, wishes.namespace
    ask = talk.can_ask and wanted.engine == "lakefs" and wishes.create is None
    try:
        ready = prepare_repository(server, name, namespace=namespace, create=wishes.create is not False and not ask)
    except NotFoundError as error:
        if not ask or error.kind != "repository-not-found":
            raise
        if not talk.agrees(f"There is no repository {name}. Create it?", default=True):
            raise
        if not namespace:
            namespace = talk.ask("Storage namespace", default=_guessed_namespace(server, name))
        ready = prepare_repository(server, name, namespace=namespace)
    return ready, endpoint.url


def _guessed_namespace(server: Server, name: str) -> str | None:
    from lakefs_repro.api.setup import default_namespace  # noqa: PLC0415 - not for --help

    try:
        return default_namespace(server.info(), name)
    except InvalidError:
        return None
