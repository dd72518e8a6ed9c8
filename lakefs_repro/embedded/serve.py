"""Running the engine in this process, until it is told to stop."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lakefs_repro import __version__
from lakefs_repro.embedded.accesslog import AccessLog
from lakefs_repro.embedded.auth import Credentials, Doorkeeper, load_or_create, write_private
from lakefs_repro.errors import InvalidError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

STATE_FILE = "server.json"
CREDENTIALS_FILE = "credentials.json"
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_SWITCH_INTERVAL = 0.001
_LEAST_ROOM = 64 * 1024


@dataclass(frozen=True)
class State:
    """What a running server says about itself in ``server.json``."""

    endpoint: str
    pid: int
    version: str
    root_id: str
    started: float


def serve(
    root: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    allow_remote: bool = False,
    presign: bool = True,
    import_from: Sequence[Path] = (),
    credentials: Credentials | None = None,
    announce: Callable[[State], None] | None = None,
) -> None:
    """Serve ``root`` until SIGINT or SIGTERM. ``announce`` is called when requests are answered.

    ``presign`` and ``import_from`` are the engine's; see there. A new folder takes ``credentials``, or makes its own.
    """
    if host not in _LOOPBACK and not allow_remote:
        raise InvalidError(
            f"the embedded engine listens on this machine alone, and {host} is not a loopback address.",
            hint="pass --allow-remote if others shall reach it: the connection is not encrypted",
        )
    for folder in import_from:
        if not folder.is_dir():
            raise InvalidError(
                f"{folder} is no folder that files could be imported from.", kind="import-folder-not-found"
            )
    sys.setswitchinterval(_SWITCH_INTERVAL)
    # The server's libraries are loaded here, after the cheap checks and not with the package.
    from lakefs_repro.embedded.app import create_app  # noqa: PLC0415
    from lakefs_repro.embedded.server import run  # noqa: PLC0415
    from lakefs_repro.embedded.store.engine import Engine  # noqa: PLC0415
    from lakefs_repro.embedded.tokens import Tokens  # noqa: PLC0415

    with _full_disk_told(root):
        engine = Engine(root, clock=time.time, presign=presign, import_from=import_from)
        try:
            known = load_or_create(engine.root / CREDENTIALS_FILE, credentials)
            log = AccessLog(engine.root / "access.log", time.time)
            app = create_app(engine, Doorkeeper(known, Tokens(engine.signer, time.time)), log)
            listener = _listen(host, port)
            state = State(f"http://{_shown(listener, host)}", os.getpid(), __version__, engine.root_id, time.time())

            def started() -> None:
                write_private(engine.root / STATE_FILE, json.dumps(asdict(state)))
                if announce is not None:
                    announce(state)

            try:
                run(app, listener, started)
            finally:
                (engine.root / STATE_FILE).unlink(missing_ok=True)
                app.close()
                log.close()
        finally:
            engine.close()


@contextmanager
def _full_disk_told(root: Path) -> Iterator[None]:
    """Make of whatever a full disk breaks an error that says so."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        from lakefs_repro.embedded.store.writer import is_full  # noqa: PLC0415  as above

        if not is_full(error) and not _has_no_room(root):
            raise
        raise UnavailableError(
            f"no space left on the disk of {root}.",
            hint="make room there, then start again: nothing is harmed",
            kind="server-disk-full",
        ) from error


def _has_no_room(root: Path) -> bool:
    """SQLite takes a full disk for a broken one when it opens its files."""
    return shutil.disk_usage(root if root.exists() else root.parent).free < _LEAST_ROOM


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle off only for sockets that say that they are TCP; with it, each answer would wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InvalidError(f"can't listen on {host}:{port}: {error.strerror}.", kind="address-in-use") from error
    listener.listen(256)
    return listener


def _shown(listener: socket.socket, host: str) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{listener.getsockname()[1]}"
