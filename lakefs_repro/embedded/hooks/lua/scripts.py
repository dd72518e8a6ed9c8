"""Lua hooks, as the engine sees them: properties, a process for the script, answers to what it asks."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lakefs_repro.embedded.hooks.lua import lake, pipe
from lakefs_repro.embedded.hooks.secrets import PropertyError, with_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Ask = Callable[[str, str, bytes], tuple[int, bytes]]

SECONDS = 60
_MAX_PRINTED = 1024 * 1024
_MAX_CALL = 16 * 1024 * 1024
_OK = 200
_AT_ONCE = 8
_ROOM = threading.BoundedSemaphore(_AT_ONCE)
_PASSED_ON = ("LD_LIBRARY_PATH", "LANG", "LC_ALL", "PATH", "TZDIR")


def offered() -> bool:
    """Whether ``lupa``, which brings Lua, is installed. It is not loaded here."""
    return importlib.util.find_spec("lupa") is not None


@dataclass(frozen=True)
class Script:
    """A script that is ready to run: its text, or where in the repository it lies."""

    text: str
    path: str
    args: Mapping[str, Any]

    def run(
        self, action: Mapping[str, Any], username: str, ask: Ask, *, nested: bool = False, seconds: int = SECONDS
    ) -> tuple[str, str]:
        """Run it: what it printed, and why it failed or an empty string.

        Args:
            action: what the script finds in its table ``action``.
            username: the global of that name.
            ask: the engine's API.
            nested: whether another script waits for this one.
            seconds: how long it may take before it is killed.
        """
        text = self.text.encode("utf-8", "surrogateescape")
        if not text:
            status, text = ask(*lake.get_object(action["repository_id"], action["source_ref"], self.path))
            if status != _OK:
                return "", f"could not load script_path {self.path}: HTTP {status}: invalid action"
        given = {
            "script": text.decode("utf-8", "surrogateescape"),
            "args": self.args,
            "action": action,
            "username": username,
        }
        order = json.dumps(given).encode()
        if nested:
            return _Run(order, ask, seconds).result()
        with _ROOM:  # a process each: many commits at once must not become as many processes
            return _Run(order, ask, seconds).result()


class _Run:
    """One process, from its start to its end."""

    def __init__(self, order: bytes, ask: Ask, seconds: int) -> None:
        self._order = order
        self._ask = ask
        self._seconds = seconds
        self._printed = bytearray()

    def result(self) -> tuple[str, str]:
        late = threading.Event()
        with subprocess.Popen(  # noqa: S603  this very program
            [sys.executable, "-m", f"{__package__}.child"],
            cwd="/",  # what lies in the engine's folder must not shadow a module
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as child:

            def stop() -> None:
                late.set()
                child.kill()

            timer = threading.Timer(self._seconds, stop)
            timer.daemon = True
            timer.start()
            try:
                why = self._converse(_stream(child.stdin), _stream(child.stdout))
            except (EOFError, OSError):
                why = "the script's process ended before the script did"
            finally:
                timer.cancel()
                child.kill()
                with suppress(OSError):  # what was on its way to a process that is no more
                    _stream(child.stdin).close()
        if late.is_set():
            why = f"runtime error: the script took longer than {self._seconds} seconds, and was stopped"
        return self._printed.decode("utf-8", "replace"), why

    def _converse(self, to_child: IO[bytes], from_child: IO[bytes]) -> str:
        pipe.send(to_child, pipe.SCRIPT, self._seconds + 5, self._order)
        while True:
            kind, number, data = pipe.receive(from_child, _MAX_CALL)
            if kind == pipe.DONE:
                return "" if number == pipe.PASSED else data.decode("utf-8", "replace")
            if kind == pipe.PRINTED:
                self._printed += data
                if len(self._printed) > _MAX_PRINTED:
                    del self._printed[_MAX_PRINTED:]
                    return f"runtime error: a script prints at most {_MAX_PRINTED} bytes"
            elif kind == pipe.CALL:
                pipe.send(to_child, pipe.ANSWER, *self._answer(data))

    def _answer(self, data: bytes) -> tuple[int, bytes]:
        try:
            name, given = json.loads(data)
            wanted = lake.request(name, given)
        except (ValueError, TypeError, KeyError, OverflowError):
            return 0, b"lakefs: no such request"
        status, answer = self._ask(*wanted)
        if len(answer) > pipe.MAX_FRAME:
            return 0, b"the object is too large for a script"
        return status, answer


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise OSError("no pipe")
    return stream


def _environment() -> dict[str, str]:
    """What finding Python's modules takes: the engine's environment holds secrets, and a script needs none of it."""
    here = str(Path(__file__).resolve().parents[4])
    told = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    paths = filter(None, (here, os.environ.get("PYTHONPATH")))
    return {**told, "PYTHONPATH": os.pathsep.join(paths)}


def prepared(properties: Mapping[str, Any]) -> Script:
    """The script that ``properties`` name, secrets from the environment put into ``args``.

    Raises:
        PropertyError: they name none; lakeFS' words.
    """
    text, path = (_text(properties, name) for name in ("script", "script_path"))
    if not text and not path:
        raise PropertyError("'script' or 'script_path' must be supplied: wrong value type")
    args = properties.get("args")
    if args is not None and not isinstance(args, dict):
        raise PropertyError("'args' should be a map: wrong value type")
    return Script(text, path, _told(args or {}))


def _text(properties: Mapping[str, Any], name: str) -> str:
    value = properties.get(name, "")
    if not isinstance(value, str):
        raise PropertyError(f"value of {name} is not of type string: wrong value type")
    return value


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _told(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_told(each) for each in value]
    if isinstance(value, str):
        return with_secrets(value, "error parsing args")
    return value if isinstance(value, (bool, int, float)) or value is None else str(value)
