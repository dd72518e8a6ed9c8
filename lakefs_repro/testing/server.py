"""A lakeFS of one's own for a test: a process that holds nothing, is quickly there, and never outlives its test."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lakefs_repro.errors import InvalidError, UnavailableError
from lakefs_repro.testing.running import RunningLakefs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import IO

_START_SECONDS: Final = 30.0
_END_SECONDS: Final = 5.0
_INSTALLATION: Final = "LAKEFS_INSTALLATION_"


@contextmanager
def running_lakefs(
    *,
    presign: bool = True,
    allow_import: Sequence[Path | str] = (),
    port: int = 0,
    credentials: tuple[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[RunningLakefs]:
    """A fresh, empty server, for as long as the block lasts.

    It is a process of its own on a free loopback port, with its data in a temporary folder. At the end both are gone;
    also when this process is killed, since the server stops as soon as nobody holds its standard input.

    Args:
        presign: whether it makes presigned URLs; lakeFS on a local folder makes none, on an object store it does.
        allow_import: folders whose files may be imported.
        port: the port to listen on; 0 takes a free one.
        credentials: access key and secret; made at random when not given.
        environment: variables that the server gets besides this process' own, such as those that hooks name.

    Raises:
        UnavailableError: it does not come up; the message ends with what it said.
    """
    given = {key: value for key, value in os.environ.items() if not key.startswith(_INSTALLATION)}
    given.update(environment or {})
    given["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_PACKAGES), given.get("PYTHONPATH"))))
    if credentials is not None:
        if not all(credentials):
            raise InvalidError("neither the access key nor the secret may be empty.")
        given[f"{_INSTALLATION}ACCESS_KEY_ID"], given[f"{_INSTALLATION}SECRET_ACCESS_KEY"] = credentials
    with tempfile.TemporaryFile() as errors:
        server = subprocess.Popen(  # noqa: S603  this very program
            _command(presign=presign, allow_import=allow_import, port=port),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=given,
            cwd=_PACKAGES,  # what lies in the caller's folder must not shadow a module
            start_new_session=True,  # Ctrl-C is for the tests, which may still need it
        )
        running = None
        try:
            running = _await_start(server, errors)
            yield running
        finally:
            _end(server, running)


_PACKAGES: Final = Path(__file__).resolve().parents[2]


def _command(*, presign: bool, allow_import: Sequence[Path | str], port: int) -> list[str]:
    command = [sys.executable, "-m", "lakefs_repro.embedded", "--ephemeral", "--json", "--exit-with-stdin"]
    command += ["--port", str(port)]
    if not presign:
        command.append("--no-presign")
    for folder in allow_import:
        command += ["--allow-import", str(Path(folder).resolve())]
    return command


def _await_start(server: subprocess.Popen[bytes], errors: IO[bytes]) -> RunningLakefs:
    line = _first_line(server, time.monotonic() + _START_SECONDS)
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        server.kill()
        errors.seek(0)
        reasons = errors.read().decode(errors="replace").strip().splitlines()
        reason = reasons[-1].rstrip(".") if reasons else "no reason was given"
        raise UnavailableError(
            f"the embedded engine did not start: {reason}.",
            kind="engine-start-failed",
        ) from None
    return RunningLakefs(
        endpoint=said["endpoint"],
        access_key_id=said["access_key_id"],
        secret_access_key=said["secret_access_key"],
        root=Path(said["root"]),
        pid=server.pid,
    )


def _first_line(server: subprocess.Popen[bytes], deadline: float) -> bytes:
    """What the server says first; less than a line when it ends, or takes too long, before."""
    said = b""
    if server.stdout is None:
        return said
    handle = server.stdout.fileno()
    while not said.endswith(b"\n"):
        ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(handle, 4096) if ready else b""
        if not chunk:
            break
        said += chunk
    return said


def _end(server: subprocess.Popen[bytes], running: RunningLakefs | None) -> None:
    """Kill it: there is nothing to save, and a gentle end would cost each test a tenth of a second.

    One that has not said where its folder is has to remove that by itself.
    """
    if running is None:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(_END_SECONDS)
    server.kill()
    server.wait()
    for pipe in (server.stdin, server.stdout):
        if pipe is not None:
            pipe.close()
    if running is not None and running.root is not None:
        shutil.rmtree(running.root, ignore_errors=True)
