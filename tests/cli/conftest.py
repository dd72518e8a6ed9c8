"""A project on the session's embedded engine, and the command line run in this process, in another, on a terminal."""

from __future__ import annotations

import fcntl
import inspect
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lakefs_repro.api.setup import prepare_repository
from lakefs_repro.cli.main import root
from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.repository import Server
from lakefs_repro.lake.wire import Wire

PACKAGE = Path(__file__).resolve().parents[2]
TIMEOUT_S = 60


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        return self.json["error"]


@dataclass
class Project:
    """A folder with a configuration."""

    folder: Path
    repository: str
    engine_root: Path
    server: Server
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *args: str) -> Said:
        """The command line in this process, off-terminal."""
        return run(*args)

    def write(self, files: dict[str, str]) -> None:
        for path, text in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def ingest(self, *more: str, **files: str) -> Said:
        """Replace the folder ``data`` by these tables and ingest it."""
        for old in (self.folder / "data").glob("*"):
            old.unlink()
        self.write({f"data/{name}.csv": text for name, text in files.items()})
        said = self.run("ingest", "data", *more)
        assert said.code == 0, said
        return said


def run(*args: str) -> Said:
    options = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    result = CliRunner(**options).invoke(root, args, prog_name="lakefs-repro")
    return Said(result.exit_code, result.stdout, result.stderr)


def in_a_process(*args: str, cwd: Path, **environment: str) -> Said:
    """The command line as people start it."""
    done = subprocess.run(
        [sys.executable, "-m", "lakefs_repro", *args],
        cwd=cwd, env=environment_of(environment), capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


def on_a_terminal(*args: str, cwd: Path, typed: list[str] | None = None, **environment: str) -> Said:
    """The command line on a pseudo-terminal; each line is typed when a question waits for it."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", "lakefs_repro", *args],
        cwd=cwd, env=environment_of({"TERM": "xterm-256color", **environment}), stdin=slave, stdout=slave,
        stderr=slave, close_fds=True, start_new_session=True, preexec_fn=_at_its_terminal,  # noqa: PLW1509 - no threads run here
    )  # fmt: skip
    os.close(slave)
    said, lines, deadline = b"", list(typed or []), time.monotonic() + TIMEOUT_S
    asked_until = 0
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                block = os.read(master, 65536)
            except OSError:
                break
            if not block:
                break
            said += block
        if lines and said[asked_until:].rstrip(b" ").endswith(b":"):
            os.write(master, lines.pop(0).encode() + b"\n")
            asked_until = len(said)
    os.close(master)
    code = child.wait(timeout=10)
    return Said(code, said.decode(errors="replace").replace("\r\n", "\n"), "")


def _at_its_terminal() -> None:
    """Make the pseudo-terminal the one whose Ctrl-C reaches this process."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def environment_of(more: dict[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LAKECTL_", "LAKEFS_"))}
    return {**kept, "PYTHONPATH": str(PACKAGE), **more}


@pytest.fixture
def project(tmp_path, monkeypatch, embedded_engine) -> Project:
    """A project of its own repository on the session's embedded engine, with the dataset ``flights``."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    repository = f"cli-{os.urandom(6).hex()}"
    (folder / "lakefs-repro.yaml").write_text(
        f"engine: embedded\nrepository: {repository}\nembedded:\n  root: {embedded_engine.root}\n"
        "datasets:\n  flights:\n"
    )
    endpoint = Endpoint(
        embedded_engine.endpoint, embedded_engine.access_key_id, embedded_engine.secret_access_key, engine="embedded"
    )
    server = Server(Wire(endpoint))
    prepare_repository(server, repository)
    return Project(folder, repository, embedded_engine.root, server)


@pytest.fixture
def flights(project) -> Project:
    """The project with two versions of ``flights``."""
    project.ingest("-m", "January", jan="day,carrier\n1,UA\n2,AA\n")
    project.ingest("-m", "February", jan="day,carrier\n1,UA\n2,AA\n", feb="day,carrier\n3,UA\n")
    return project


@pytest.fixture
def flights_on(tmp_path, monkeypatch):
    """Make a project with a version of ``flights`` on an engine of the test's own."""

    def make(engine) -> None:
        (tmp_path / "lakefs-repro.yaml").write_text(
            f"engine: embedded\nrepository: demo\nembedded:\n  root: {engine.root}\n"
        )
        monkeypatch.chdir(tmp_path)
        endpoint = Endpoint(engine.endpoint, engine.access_key_id, engine.secret_access_key, engine="embedded")
        prepare_repository(Server(Wire(endpoint)), "demo")
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "jan.csv").write_text("day,carrier\n1,UA\n2,AA\n")
        assert run("ingest", "data", "--dataset", "flights").code == 0

    return make


@pytest.fixture
def cli():
    """The command line in this process."""
    return run


@pytest.fixture
def process():
    """The command line in a process of its own."""
    return in_a_process


@pytest.fixture
def terminal():
    """The command line on a pseudo-terminal."""
    return on_a_terminal
