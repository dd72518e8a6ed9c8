"""Values on their way between Lua and Python. Nothing but strings, numbers, booleans and tables passes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_DEPTH = 100
_INTEGERS = 2**63


class LuaError(Exception):
    """An error as a script sees it."""


def text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def to_lua(value: Any, table: Callable[[], Any], depth: int = 0) -> Any:
    """A Python value as Lua gets it; what is no JSON becomes a string.

    Raises:
        LuaError: it is nested too deeply.
    """
    if value is None or isinstance(value, (bool, bytes)):
        return value
    if isinstance(value, (int, float)):
        return value if -_INTEGERS <= value < _INTEGERS else float(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    if not isinstance(value, (dict, list, tuple)):
        return str(value).encode()
    if depth > MAX_DEPTH:
        raise LuaError("a value is nested too deeply")
    pairs = value.items() if isinstance(value, dict) else enumerate(value, 1)
    made = table()
    for key, each in pairs:
        if each is not None and key is not None:
            made[to_lua(key, table, depth + 1)] = to_lua(each, table, depth + 1)
    return made


def from_lua(value: Any, kind_of: Callable[[Any], str | None], depth: int = 0) -> Any:
    """A value of a script as Python's: a table that counts from 1 is a list.

    Raises:
        LuaError: it is nested too deeply, or a function is among it.
    """
    if isinstance(value, bytes):
        return text(value)
    kind = kind_of(value)
    if kind is None:
        return value
    if kind != "table":
        raise LuaError(f"can't read a {kind} as a value")
    if depth > MAX_DEPTH:
        raise LuaError("a table is nested too deeply")
    found = {
        key if isinstance(key, (bytes, int, float)) else str(key): from_lua(each, kind_of, depth + 1)
        for key, each in value.items()
    }
    if found and set(found) == set(range(1, len(found) + 1)):
        return [found[place] for place in range(1, len(found) + 1)]
    return {_key(key): each for key, each in found.items()}


def _key(key: Any) -> str:
    return text(key) if isinstance(key, bytes) else shown_number(key) if isinstance(key, (int, float)) else str(key)


def shown_number(value: float) -> str:
    """A number as Lua prints it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return f"{value:.14g}"


_NAMES = {"s": "string", "b": "string", "n": "number", "t": "table"}


def arguments(takes: str, given: Sequence[Any], kind_of: Callable[[Any], str | None], bound: int = 0) -> list[Any]:
    """``given`` as a function takes it: ``s`` text, ``b`` bytes, ``n`` a number, ``t`` a table; after ``|`` optional.

    The first ``bound`` are not the script's, and not counted for it.

    Raises:
        LuaError: something else was given; lakeFS' words.
    """
    needed, _, more = takes.partition("|")
    found: list[Any] = []
    for number, wanted in enumerate(needed + more):
        value = given[number] if number < len(given) else None
        if value is None and number >= len(needed):
            found.append(None)
            continue
        got = _as(wanted, value, kind_of)
        if got is None:
            kind = "no value" if number >= len(given) else _kind(value, kind_of)
            raise LuaError(f"bad argument #{number + 1 - bound} to '?' ({_NAMES[wanted]} expected, got {kind})")
        found.append(got)
    return found


def _as(wanted: str, value: Any, kind_of: Callable[[Any], str | None]) -> Any:
    if wanted == "t":
        return from_lua(value, kind_of) if kind_of(value) == "table" else None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if wanted == "n":
        if isinstance(value, bytes):
            try:
                return float(value)
            except ValueError:
                return None
        return value if number else None
    if number:
        value = shown_number(value).encode()
    if not isinstance(value, bytes):
        return None
    return text(value) if wanted == "s" else value


def _kind(value: Any, kind_of: Callable[[Any], str | None]) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "string" if isinstance(value, bytes) else kind_of(value) or "userdata"
