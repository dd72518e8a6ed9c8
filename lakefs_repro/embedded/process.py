"""The engine as a background process of its own: start it, stop it, ask how it is."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lakefs_repro.embedded.serve import CREDENTIALS_FILE, STATE_FILE
from lakefs_repro.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_SECONDS = 20.0
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.01
_HEALTH_SECONDS = 5.0


@dataclass(frozen=True)
class ServerInfo:
    """A running engine, and what it takes to talk to it."""

    endpoint: str
    access_key_id: str
    secret_access_key: str
    pid: int
    version: str

    def __repr__(self) -> str:
        return f"ServerInfo(endpoint={self.endpoint!r}, access_key_id={self.access_key_id!r}, pid={self.pid})"


def status(root: Path) -> ServerInfo | None:
    """The engine that runs on ``root``; None when none does, whatever a killed one has left behind."""
    if not _is_held(root):
        return None
    try:
        state = json.loads((root / STATE_FILE).read_text())
        credentials = json.loads((root / CREDENTIALS_FILE).read_text())
        info = ServerInfo(
            state["endpoint"],
            credentials["access_key_id"],
            credentials["secret_access_key"],
            state["pid"],
            state["version"],
        )
    except (OSError, ValueError, KeyError):
        return None
    return info if _answers(info.endpoint) else None


def start(root: Path) -> ServerInfo:
    """The engine on ``root``, started if none runs. Idempotent; of several callers at once one starts it.

    Raises:
        UnavailableError: it does not come up; the message says why, as far as its log does.
    """
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _one_at_a_time(root):
        running = status(root)
        if running is not None:
            return running
        log = root / "server.log"
        with log.open("ab") as output:
            written_before = output.tell()
            child = subprocess.Popen(  # noqa: S603  this very program
                [sys.executable, "-m", "lakefs_repro.embedded", "--root", str(root.resolve())],
                cwd=root,  # what lies in the caller's folder must not shadow a module
                env={**os.environ, "PYTHONPATH": _module_path()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                close_fds=True,
            )
        return _await_start(root, child, log, written_before)


def _module_path() -> str:
    """Where the child finds this very package, installed or not."""
    here = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))


def _await_start(root: Path, child: subprocess.Popen[bytes], log: Path, written_before: int) -> ServerInfo:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        exit_code = child.poll()
        info = status(root) if _state_pid(root) == child.pid or exit_code is not None else None
        if info is not None:
            child.returncode = child.returncode or 0  # it lives on without us: nothing to wait for
            return info
        if exit_code is not None and not _is_held(root):
            break
        time.sleep(_POLL_SECONDS)
    else:
        child.terminate()
    with log.open("rb") as file:
        file.seek(written_before)
        lines = file.read().decode(errors="replace").splitlines()
    said = [line for line in lines if line.strip() and not line.startswith("hint:")]
    raise UnavailableError(
        f"the embedded engine on {root} did not start: {said[-1] if said else 'no reason was given'}.",
        hint=f"see {log}",
        kind="engine-start-failed",
    )


def stop(root: Path) -> bool:
    """Stop the engine on ``root``, letting requests under way finish; False when none ran.

    Raises:
        UnavailableError: it does not go away.
    """
    if not root.is_dir():
        return False
    with _one_at_a_time(root):
        if not _is_held(root):
            return False
        pid = _state_pid(root)
        if pid is not None:
            _signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while _is_held(root):
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"the embedded engine on {root} (pid {pid}) does not stop.", kind="engine-stop-failed"
                )
            time.sleep(_POLL_SECONDS)
        if pid is not None:
            with suppress(ChildProcessError):  # only the process that started it has it as a child
                os.waitpid(pid, 0)
        return True


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _state_pid(root: Path) -> int | None:
    try:
        pid: int = json.loads((root / STATE_FILE).read_text())["pid"]
    except (OSError, ValueError, KeyError):
        return None
    return pid


def _is_held(root: Path) -> bool:
    """Whether a living process holds the root: its lock goes with it, however it dies."""
    try:
        handle = os.open(root / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _answers(endpoint: str) -> bool:
    """Ask for its health, by hand: an HTTP client would take longer to import than the server to answer."""
    parts = urlsplit(endpoint)
    question = f"GET /api/v1/healthcheck HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((parts.hostname, parts.port or 80), timeout=_HEALTH_SECONDS) as connection:
            connection.sendall(question.encode())
            return connection.recv(64).startswith(b"HTTP/1.1 204")
    except OSError:
        return False


@contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    handle = os.open(root / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
