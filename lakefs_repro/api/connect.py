"""From a configuration to a lake: the embedded engine is started when the configuration says so, and only then."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from pathlib import Path

import lakefs_repro
from lakefs_repro.api.config import Config, find_config, find_login, require_same_server
from lakefs_repro.api.lake import Lake
from lakefs_repro.errors import InvalidError
from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.repository import Server
from lakefs_repro.lake.wire import Wire
from lakefs_repro.ports import Progress, Silence
from lakefs_repro.snapshot.context import Context

THREADS = 8


def connect(
    config: Config | None = None,
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    threads: int = THREADS,
) -> Lake:
    """Connect to the project's repository.

    Args:
        config: a configuration; the one that holds for ``folder`` when left out.
        folder: where to look for it; the current folder when left out.
        environ: environment variables; the process' own when left out.
        progress: who is told how far long work has come.
        threads: transfers at once.

    Raises:
        InvalidError: there is no configuration (kind ``no-configuration``), or it is wrong.
        UnavailableError: no server answers.
        DeniedError: it does not take the credentials.
    """
    environ = os.environ if environ is None else environ
    config = config or find_config(folder or Path.cwd(), environ, Path.home())
    endpoint = find_endpoint(config, environ)
    server = open_server(endpoint, threads=threads)
    context = Context(
        repository=server.repository(config.project.repository),
        server=server.info(),
        main=config.project.branch,
        state=config.state,
        engine=endpoint.engine,
        who=f"{getpass.getuser()}@{socket.gethostname()}",
        tool=tool(),
        progress=progress or Silence(),
        threads=threads,
    )
    return Lake(context, config)


def find_endpoint(config: Config, environ: Mapping[str, str]) -> Endpoint:
    """The server that a configuration means, running.

    Raises:
        InvalidError: it means a lakeFS server, and no address or credentials are known.
    """
    if config.project.engine == "embedded":
        return start_engine(config.engine_root)
    login = find_login(environ, Path.home(), config.project.endpoint)
    if login and config.project.endpoint:
        require_same_server(config.project.endpoint, environ, Path.home())
    if login is None:
        raise InvalidError(
            "The configuration says `engine: lakefs`, but the server's address or credentials are missing.",
            hint="set LAKECTL_SERVER_ENDPOINT_URL and LAKECTL_CREDENTIALS_ACCESS_KEY_ID / _SECRET_ACCESS_KEY, "
            "or write ~/.lakectl.yaml (`lakectl config`)",
            kind="no-configuration",
        )
    return Endpoint(login.endpoint, login.access_key_id, login.secret_access_key, login.session_token)


def open_server(endpoint: Endpoint, *, threads: int = THREADS) -> Server:
    """The server at an endpoint; nothing is asked yet."""
    return Server(Wire(endpoint, connections=2 * threads, user_agent=tool()))


def start_engine(root: Path) -> Endpoint:
    """The embedded engine of a folder, started when it does not run."""
    from lakefs_repro.embedded import process  # noqa: PLC0415 - loads sqlite, which a remote server does not need

    running = process.start(root)
    return Endpoint(running.endpoint, running.access_key_id, running.secret_access_key, engine="embedded")


def tool() -> str:
    """Name and version, for annotations and the ``User-Agent``."""
    return f"lakefs-repro {lakefs_repro.__version__}"
