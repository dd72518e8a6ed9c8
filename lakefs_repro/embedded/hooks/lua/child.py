"""The process in which one script runs: it is told the script, and has nothing but two pipes to its engine."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from lakefs_repro.embedded.hooks.lua import pipe, regexps
from lakefs_repro.embedded.hooks.lua.packages import ABSENT, LAKE, PACKAGES
from lakefs_repro.embedded.hooks.lua.values import LuaError, arguments, to_lua

_LUA_BYTES = 256 * 1024 * 1024
_PROCESS_BYTES = 4 * 1024 * 1024 * 1024
_MOST_FILES = 64
_RAW = {"get_object", "stat_object"}  # their answers are strings in Lua, as in lakeFS; the others' are tables


class _Script:
    """A Lua state and what it may reach."""

    def __init__(self, receive: IO[bytes], send: IO[bytes]) -> None:
        import lupa.lua52 as lupa  # noqa: PLC0415  an extra; the engine itself never loads it

        self._lupa = lupa
        self._receive, self._send = receive, send
        self._lua = lupa.LuaRuntime(
            encoding=None,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_no_attributes,
            max_memory=_LUA_BYTES,
        )

    def run(self, given: dict[str, Any]) -> tuple[bool, bytes]:
        """Whether the script passed, and if not, why not."""
        names = {package: list(functions) for package, functions in PACKAGES.items()}
        names["lakefs"] = list(LAKE)
        names["regexp"] = list(regexps.PUBLIC)
        try:
            prelude = self._lua.compile(Path(__file__).with_name("prelude.lua").read_bytes(), name=b"=lakefs")
            told = prelude(
                self._host,
                self._print,
                self._to_lua(names),
                self._to_lua(dict.fromkeys(ABSENT, True)),
                self._to_lua(given),
            )
        except MemoryError:
            return False, b"runtime error: not enough memory"
        except self._lupa.LuaError as error:
            return False, b"runtime error: " + str(error).encode("utf-8", "replace")
        return (True, b"") if told is True else (False, bytes(told[1]))

    def _to_lua(self, value: Any) -> Any:
        return to_lua(value, self._lua.table)

    def _print(self, line: bytes) -> None:
        pipe.send(self._send, pipe.PRINTED, 0, line)

    def _host(self, name: bytes, *given: Any) -> tuple[Any, ...]:
        """A function of a package: true and what it gives, or false and the problem. It never raises into Lua."""
        package, _, function = name.decode().rpartition(".")
        try:
            if package == "lakefs":
                return (True, *self._ask(function, arguments(LAKE[function], given, self._lupa.lua_type)))
            takes, does = PACKAGES[package][function]
            bound = int(package == "regexp" and function not in regexps.PUBLIC)
            return True, self._to_lua(does(*arguments(takes, given, self._lupa.lua_type, bound)))
        except LuaError as error:
            return False, str(error).encode("utf-8", "surrogateescape")
        except MemoryError:
            return False, b"not enough memory"
        except EOFError:
            os._exit(1)  # nobody is there any more to whom the script's answer would matter
        except Exception as error:  # noqa: BLE001  whatever a script hands over, it gets a Lua error back
            return False, f"{package}: {type(error).__name__}: {error}".encode("utf-8", "replace")

    def _ask(self, function: str, given: list[Any]) -> tuple[Any, ...]:
        data = json.dumps([function, given]).encode()
        pipe.send(self._send, pipe.CALL, 0, data)
        status, answer = pipe.receive(self._receive)[1:]
        if not status:
            raise LuaError(answer.decode())
        if not answer:
            return (status,)
        if function in _RAW:
            return status, answer
        return status, self._to_lua(json.loads(answer))


def _no_attributes(_: Any, name: Any, __: bool) -> Any:  # noqa: FBT001  lupa's signature
    raise AttributeError(name)


def _confine(seconds: int) -> None:
    """Should the engine die first, or Lua be broken out of: little time, little memory, no files, no dumps."""
    signal.alarm(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_FILES, _MOST_FILES))
    with suppress(ValueError, OSError):  # macOS knows no such limit; Lua has one of its own
        resource.setrlimit(resource.RLIMIT_AS, (_PROCESS_BYTES, _PROCESS_BYTES))


def main() -> None:
    """Run the one script that the engine sends."""
    receive, send = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nothing, number)
    sys.setrecursionlimit(2000)
    order = pipe.receive(receive)
    _confine(order.number)
    passed, why = _Script(receive, send).run(json.loads(order.data))
    pipe.send(send, pipe.DONE, pipe.PASSED if passed else pipe.FAILED, why)
    os._exit(0)  # closing the Lua state would run a script's finalizers


if __name__ == "__main__":
    main()
