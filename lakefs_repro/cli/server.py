"""``server``: the embedded engine of this project, or of any folder."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lakefs_repro.cli.connection import read_config
from lakefs_repro.cli.exits import Exit
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.result import Result
from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.embedded.process import ServerInfo

__all__ = ["Engine", "command"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Engine(Result):
    """The state of an embedded engine."""

    def __init__(
        self, root: Path, repository: str | None, running: ServerInfo | None, *, said: str, credentials: bool = False
    ) -> None:
        self._root = root
        self._repository = repository
        self._running = running
        self._said = said
        self._credentials = credentials

    def data(self) -> Mapping[str, Any]:
        running = self._running
        found: dict[str, Any] = {
            "engine": "embedded",
            "repository": self._repository,
            "root": str(self._root),
            "running": running is not None,
            "endpoint": running.endpoint if running else None,
            "pid": running.pid if running else None,
            "version": running.version if running else None,
        }
        if running and self._credentials:
            found["access_key_id"] = running.access_key_id
            found["secret_access_key"] = running.secret_access_key
        return found

    def show(self, page: Page) -> None:
        running = self._running
        if running and self._credentials:
            # Only what a shell can run: `eval "$(lakefs-repro server start --show-credentials)"`.
            for name, value in (
                ("LAKECTL_SERVER_ENDPOINT_URL", running.endpoint),
                ("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", running.access_key_id),
                ("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", running.secret_access_key),
            ):
                page.line(f"export {name}={shlex.quote(value)}")
            return
        page.line(f"The embedded engine {self._said}.", strong=True)
        page.fields(
            [
                ("endpoint", running.endpoint if running else ""),
                ("process", str(running.pid) if running else ""),
                ("version", running.version if running else ""),
                ("data", str(self._root)),
                ("repository", self._repository or ""),
            ]
        )


def _engine_options(function: Decorated) -> Decorated:
    return click.option(
        "--root", metavar="DIR", type=click.Path(path_type=Path, file_okay=False),
        help="The engine's folder; by default that of the configuration.",
    )(function)  # fmt: skip


_show_credentials = click.option(
    "--show-credentials", is_flag=True, help="Print exports of LAKECTL_* for other clients, and nothing else."
)


@click.group("server", no_args_is_help=False, short_help="Start, stop or look at the embedded engine.")
def command() -> None:
    """Start, stop or look at the embedded engine.

    Commands start it by themselves; it runs in the background until it is stopped.
    """


@command.command("start")
@_engine_options
@_show_credentials
@answering(state="The engine may be starting; the same command waits for it.")
def start(talk: Conversation, *, root: Path | None, show_credentials: bool) -> Engine:
    """Start the engine, or find it running."""
    from lakefs_repro.embedded import process  # noqa: PLC0415 - sockets and sqlite, not for --help

    folder, repository = engine_folder(root)
    talk.progress.step("starting the engine")
    running = process.start(folder)
    engine = Engine(folder, repository, running, said="runs", credentials=show_credentials)
    if not show_credentials:
        engine.next = 'for lakectl and other clients: eval "$(lakefs-repro server start --show-credentials)"'
    return engine


@command.command("stop")
@_engine_options
@answering(state="The engine may be stopping; the same command waits for it.")
def stop(talk: Conversation, *, root: Path | None) -> Engine:
    """Stop the engine; requests under way are finished."""
    from lakefs_repro.embedded import process  # noqa: PLC0415 - see start

    folder, repository = engine_folder(root)
    talk.progress.step("stopping the engine")
    said = "was stopped" if process.stop(folder) else "was not running"
    return Engine(folder, repository, None, said=said)


@command.command("status")
@_engine_options
@_show_credentials
@answering()
def status(talk: Conversation, *, root: Path | None, show_credentials: bool) -> Engine:  # noqa: ARG001 - see answering
    """Say whether the engine runs, and where; exits with 1 when it does not."""
    from lakefs_repro.embedded import process  # noqa: PLC0415 - see start

    folder, repository = engine_folder(root)
    running = process.status(folder)
    engine = Engine(folder, repository, running, said="runs" if running else "does not run",
                    credentials=show_credentials)  # fmt: skip
    if running is None:
        engine.exit = Exit.SAID_NO
        engine.next = "lakefs-repro server start; commands that need it start it by themselves"
    return engine


def engine_folder(root: Path | None) -> tuple[Path, str | None]:
    """The engine's folder, named or configured, and the repository of the configuration."""
    if root is not None:
        return root.resolve(), None
    config = read_config()
    if config.project.engine != "embedded":
        raise InvalidError(
            "The configuration names a lakeFS server, which is not started or stopped here.",
            hint="name an embedded engine's folder with --root DIR",
            kind="not-embedded",
        )
    return config.engine_root, config.project.repository
