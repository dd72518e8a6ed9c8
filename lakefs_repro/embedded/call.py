"""One request, as handlers read it: path and query parameters, headers, body; validated as lakeFS validates."""

from __future__ import annotations

import asyncio
import json
import re
from concurrent.futures import Executor
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar
from urllib.parse import quote, unquote_plus

from lakefs_repro.embedded.errors import ApiError, ClientGoneError, bad_request, misread, several_values
from lakefs_repro.embedded.hooks.gate import Gate, MustWaitError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from lakefs_repro.embedded.accesslog import AccessLog
    from lakefs_repro.embedded.asgi import Receive, Scope
    from lakefs_repro.embedded.auth import Doorkeeper
    from lakefs_repro.embedded.hooks.runner import Inside
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.repositories import Repository

Result = TypeVar("Result")

HOOK_DEPTH = "lakefs_repro.hook_depth"  # in the scope of a request that a script makes
_MAX_JSON = 32 * 1024 * 1024
_DEFAULT_AMOUNT = 100
_INTEGER_LIMIT = 2**63
_SIZES = {"size", "size_bytes"}
_MAX_AMOUNT = 1000
_TRUE, _FALSE = {"1", "t", "T", "TRUE", "true", "True"}, {"0", "f", "F", "FALSE", "false", "False"}
_DATE_TIME = (
    r"^[0-9]{4}-(0[1-9]|10|11|12)-(0[1-9]|[12][0-9]|3[01])T([0-1][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
    r"(Z|(\+|-)[0-9]{2}:[0-9]{2})?$"
)
_LONGEST_NUMBER = 100  # Python reads no more than some thousand digits
_HOURS, _MINUTES = 24, 60
_YEAR_0 = "0004"  # long ago, and a leap year, too
_NEVER_EMPTY = {"first_parent", "limit", "presign"}
_BROKEN_PAIR = re.compile(r";|%(?![0-9A-Fa-f]{2})")


class Pools(NamedTuple):
    """Threads that work, threads that wait for hooks, and the API for scripts that run in hooks."""

    work: Executor
    hooks: Executor
    inside: Inside


class Call:
    """A request on its way through a handler."""

    __slots__ = (
        "_headers",
        "_query",
        "doorkeeper",
        "engine",
        "hooks",
        "inside",
        "log",
        "params",
        "pool",
        "receive",
        "received",
        "scope",
    )

    def __init__(
        self, scope: Scope, receive: Receive, engine: Engine, pools: Pools, log: AccessLog, doorkeeper: Doorkeeper
    ) -> None:
        self.scope = scope
        self.receive = receive
        self.engine = engine
        self.params: dict[str, str] = {}
        self.received = 0
        self.log = log
        self.doorkeeper = doorkeeper
        self.pool, self.hooks, self.inside = pools
        self._query: dict[str, list[str]] | None = None
        self._headers: dict[bytes, bytes] | None = None

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do ``work`` in a thread, so that the others' requests go on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, work, *arguments)

    async def move(self, repository: Repository, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do ``work`` on a gate, in a thread: where hooks have to be asked, in one that only waits for them.

        Hooks call the engine back, and would wait for ever if all the threads that answer waited for hooks.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.pool, work, self.gate(repository, may_wait=False), *arguments)
        except MustWaitError:
            return await loop.run_in_executor(self.hooks, work, self.gate(repository), *arguments)

    def gate(self, repository: Repository, *, may_wait: bool = True) -> Gate:
        """The hooks of a repository, as this request meets them."""
        depth = self.scope.get(HOOK_DEPTH, 0)
        return Gate(self.engine, repository, self.hooks, self.inside, depth=depth, may_wait=may_wait)

    def write(
        self, operation: Callable[[sqlite3.Connection], Result], *, guarded: bool = True
    ) -> asyncio.Future[Result]:
        """Give ``operation`` to the writer; done when it is on disk."""
        return self.engine.writer.enqueue(asyncio.get_running_loop(), operation, guarded=guarded)

    def log_lines(self, lines: Iterable[tuple[str, str, int, int]]) -> None:
        """Log objects of a bulk request: method, target, status, size."""
        texts = [self.log.line(method, target, status, received=size, sent=0) for method, target, status, size in lines]
        self.log.write("".join(texts))

    @property
    def reader(self) -> sqlite3.Connection:
        return self.engine.database.reader()

    def header(self, name: bytes) -> str | None:
        if self._headers is None:
            self._headers = dict(self.scope["headers"])
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1").strip(" \t")

    def queries(self, name: str) -> list[str]:
        if self._query is None:
            self._query = {}
            for item in self.scope["query_string"].decode("latin-1").split("&"):
                if _BROKEN_PAIR.search(item):
                    continue  # as measured: what is not well written counts as absent
                key, _, value = item.partition("=")
                self._query.setdefault(unquote_plus(key), []).append(unquote_plus(value))
        return self._query.get(name, [])

    def query(self, name: str, default: str = "") -> str:
        values = self.queries(name)
        if len(values) > 1:
            raise several_values(name)
        return values[0] if values else default

    def required(self, name: str) -> str:
        values = self.queries(name)
        if not values:
            raise _parameter(name, "value is required but missing")
        if not values[0]:
            raise _parameter(name, "empty value is not allowed")
        return self.query(name)

    def optional(self, name: str) -> str | None:
        """A query parameter that may be left out but not left empty."""
        return self.required(name) if self.queries(name) else None

    def several(self, name: str) -> list[str]:
        """A query parameter that may be given more than once, each time with a value."""
        values = self.queries(name)
        if "" in values:
            raise _parameter(name, "empty value is not allowed")
        return values

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.query(name, "true" if default else "false")
        if not value:
            raise _parameter(name, "empty value is not allowed") if name in _NEVER_EMPTY else several_values(name)
        if value not in _TRUE | _FALSE:
            raise _parameter(name, f"value {value}: an invalid boolean: invalid syntax")
        return value in _TRUE

    def amount(self) -> int:
        text = self.query("amount", str(_DEFAULT_AMOUNT))
        if not text:
            raise several_values("amount")
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            if re.fullmatch(r"[0-9]+(_[0-9]+)+", text):
                problem = f'error binding string parameter: strconv.ParseInt: parsing "{text}": invalid syntax'
                raise misread("amount", problem)
            raise _parameter("amount", f"value {text}: an invalid integer: invalid syntax")
        amount = int(text[:_LONGEST_NUMBER])
        if not -_INTEGER_LIMIT <= amount < _INTEGER_LIMIT:
            raise _parameter("amount", f"value {text}: an invalid integer: value out of range")
        if amount > _MAX_AMOUNT:
            raise _parameter("amount", f"number must be at most {_MAX_AMOUNT}")
        if amount < -1:
            raise _parameter("amount", "number must be at least -1")
        return amount if amount > 0 else _DEFAULT_AMOUNT

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.query(name, default)
        if not value:
            raise several_values(name)
        if value not in allowed:
            raise _parameter(name, f"value is not one of the allowed values {_listed(allowed)}")
        return value

    def date_time(self, name: str) -> int | None:
        """A moment in seconds since 1970; None when it is left out, or empty."""
        value = self.query(name)
        if value and not re.fullmatch(_DATE_TIME, value):
            problem = f'string doesn\'t match the format "date-time": string doesn\'t match pattern "{_DATE_TIME}"'
            raise _parameter(name, problem)
        return _seconds(name, value) if value else None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes in."""
        while True:
            message = await self.receive()
            if message["type"] != "http.request":
                raise ClientGoneError
            chunk: bytes = message.get("body", b"")
            if chunk:
                self.received += len(chunk)
                yield chunk
            if not message.get("more_body", False):
                return

    async def json(self, *, may_be_absent: bool = False) -> Any:
        """The decoded JSON body; ``{}`` for an absent one where that is allowed."""
        given = self.header(b"content-type") or ""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > _MAX_JSON:
                raise ApiError(413, "request body is too large")
        if not body and may_be_absent:
            return {}
        if (body or given) and given.partition(";")[0] != "application/json":
            raise bad_request(f'request body has an error: header Content-Type has unexpected value "{given}"')
        if not body:
            raise bad_request("request body has an error: value is required but missing")
        try:
            return loads(body)
        except (ValueError, RecursionError) as error:
            raise bad_request(f"request body has an error: failed to decode request body: {error}") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)
_SPACE = " \t\n\r"


def loads(text: bytes | bytearray) -> Any:
    """The first value of a JSON text: what follows is not looked at, and what is no UTF-8 is replaced, as measured.

    Half a surrogate pair, which is no text, is refused like any other bad JSON.
    """
    value, _ = _DECODER.raw_decode(text.decode("utf-8", "replace").lstrip(_SPACE))
    if b"\\ud" in text or b"\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _seconds(name: str, text: str) -> int:
    """The seconds since 1970 of a date and time with its zone; lakeFS has no word for what no calendar has."""
    day, clock, zone = text[:10], text[11:19], re.sub(r"^\.\d+", "", text[19:])
    try:
        moment = datetime.fromisoformat(f"{day.replace('0000', _YEAR_0)}T{clock}+00:00")
        hours, minutes = (0, 0) if zone == "Z" else (int(zone[1:3]), int(zone[4:]))
        if hours >= _HOURS or minutes >= _MINUTES:
            raise ValueError(zone)  # noqa: TRY301  answered with the others
    except ValueError:
        tried = f"error parsing '{text}' as RFC3339 or 2006-01-02 time"
        raise misread(name, f'{tried}: parsing time "{text}": extra text: "{text[10:]}"') from None
    ahead = (hours * 60 + minutes) * 60
    return int(moment.timestamp()) - (-ahead if zone[0] == "-" else ahead)


def quoted(path: str) -> str:
    """A path as the access log shows it."""
    return quote(path, safe="", errors="replace")


def _parameter(name: str, problem: str) -> ApiError:
    return bad_request(f'parameter "{name}" in query has an error: {problem}')


_KINDS: dict[str, tuple[type, str]] = {
    "string": (str, "value must be a string"),
    "boolean": (bool, "value must be a boolean"),
    "integer": (int, "value must be an integer"),
    "array": (list, "value must be an array"),
    "object": (dict, "value must be an object"),
}


def checked(body: Any, schema: str, fields: Mapping[str, str], *, at: str = "") -> dict[str, Any]:
    """``body`` when it fits ``fields``: name to kind, ``*`` behind it where required; ``strings`` is a map.

    ``at`` is where in the request ``body`` lies, such as ``branches/0/``; ``schema`` is that of the whole request.
    """
    if not isinstance(body, dict):
        problem = "Value is not nullable" if body is None else "value must be an object"
        raise _schema(schema, at.rstrip("/"), problem)
    for name, kind in fields.items():
        if name not in body:
            if kind.endswith("*"):
                raise _schema(schema, at + name, f'property "{name}" is missing')
            continue
        if kind == "boolean" and body[name] is None:
            body[name] = False  # as measured: null stands for the default where there is one
        check(schema, at + name, body[name], kind.rstrip("*"))
    return body


def check(schema: str, name: str, value: Any, kind: str) -> None:
    """Refuse ``value``, which lies at ``name`` in the request, when it is not of ``kind``."""
    if kind == "any":
        return
    expected, problem = _KINDS["object" if kind == "strings" else kind]
    if value is None:
        raise _schema(schema, name, "Value is not nullable")
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise _schema(schema, name, problem)
    if isinstance(value, int) and not -_INTEGER_LIMIT <= value < _INTEGER_LIMIT:
        raise _schema(schema, name, "number must fit into 64 bits")
    if isinstance(value, int) and value < 0 and name.rpartition("/")[2] in _SIZES:
        raise _schema(schema, name, "number must be at least 0")
    if kind == "strings" and isinstance(value, dict):
        for key, item in value.items():
            check(schema, f"{name}/{key}", item, "string")


def require_one_of(schema: str, name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """Refuse ``value``, which lies at ``name`` in the request, when it is another one."""
    if value not in allowed:
        raise _schema(schema, name, f"value is not one of the allowed values {_listed(allowed)}")


def _listed(allowed: tuple[str, ...]) -> str:
    return json.dumps(allowed, separators=(",", ":"))


def _schema(schema: str, pointer: str, problem: str) -> ApiError:
    where = f'Error at "/{pointer}": ' if pointer else ""
    named = f" #/components/schemas/{schema}" if schema else ""
    return bad_request(f"request body has an error: doesn't match schema{named}: {where}{problem}")
