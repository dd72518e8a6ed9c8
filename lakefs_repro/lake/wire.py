"""Requests to the server: pooled connections, retries where they are safe, honest outcomes.

A write that is not idempotent is sent once. When its reply is lost, nobody knows whether it happened:
:class:`~lakefs_repro.errors.UnknownOutcomeError` says so, and the caller reads back.
"""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

import urllib3

from lakefs_repro.errors import LakefsReproError, UnavailableError, UnknownOutcomeError
from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.wire_errors import error_for


class Readable(Protocol):
    """A body that is read in blocks."""

    def read(self, amount: int = ..., /) -> bytes:
        """At most ``amount`` bytes, none at the end."""


Body = bytes | Readable | Iterable[bytes] | None

_NOT_RECEIVED: Final = frozenset({"too-many-requests", "unreachable"})
_WORTH_REPEATING: Final = _NOT_RECEIVED | {"connection-lost", "server-error"}
_LOST: Final = frozenset({500, 502, 503, 504})
_STORE_FAILS: Final = _LOST | {429}
_ATTEMPTS: Final = 5
_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 10.0
_BODY_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: status, headers (lower-case names) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            UnavailableError: it is none; something between us and lakeFS answered.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise UnavailableError(
                "The answer is not JSON: this is probably not a lakeFS server.",
                hint="check the endpoint with `lakefs-repro doctor`",
                kind="not-lakefs",
            ) from error


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long to try again; ``sleep`` is handed in so that tests need not wait."""

    attempts: int = _ATTEMPTS
    first_wait_s: float = _FIRST_WAIT_S
    sleep: Callable[[float], None] = field(default=time.sleep)

    def wait(self, attempt: int, retry_after: str | None) -> None:
        """Sleep before try ``attempt + 1``: the server's ``Retry-After`` in seconds, or back-off with jitter."""
        pause = min(_LONGEST_WAIT_S, self.first_wait_s * 2**attempt) * (0.5 + random.random())  # noqa: S311
        if retry_after and retry_after.isdecimal():
            pause = min(_LONGEST_WAIT_S, float(retry_after))
        self.sleep(pause)


class Wire:
    """The HTTP side of one endpoint; safe to share between threads.

    Args:
        endpoint: the server.
        connections: pooled connections kept; threads beyond it open their own for a moment.
        timeout_s: seconds to wait for a connection, and for each read.
        retry: the policy for calls that may be repeated.
        user_agent: how this client introduces itself.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        connections: int = 16,
        timeout_s: float = 300.0,
        retry: Retry | None = None,
        user_agent: str = "lakefs-repro",
    ) -> None:
        self.endpoint = endpoint
        self._retry = retry or Retry()
        login = f"{endpoint.access_key_id}:{endpoint.secret_access_key}".encode()
        self._headers = {
            "Authorization": "Basic " + base64.b64encode(login).decode(),
            "User-Agent": user_agent,
            "Accept": "application/json, */*",
        }
        if endpoint.session_token:
            self._headers["X-Session-Token"] = endpoint.session_token
        self._timeout = urllib3.Timeout(connect=min(10.0, timeout_s), read=timeout_s)
        self._pool = urllib3.PoolManager(maxsize=connections, block=False, retries=False, timeout=self._timeout)

    def close(self) -> None:
        """Close the pooled connections."""
        self._pool.clear()

    def call(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        params: Mapping[str, Any] | None = None,
        json_body: object = None,
        body: Body = None,
        headers: Mapping[str, str] | None = None,
        expect: tuple[int, ...] = (200,),
        repeatable: bool | None = None,
    ) -> Answer:
        """Send a request and return its complete answer.

        Args:
            method: the HTTP method.
            path: below ``/api/v1``, its segments already quoted (see :func:`segment`).
            doing: the call in words, for error messages.
            params: query parameters; ``None`` values are left out.
            json_body: sent as JSON.
            body: sent as it is; only ``bytes`` can be sent again on a retry.
            headers: added to the standard ones.
            expect: statuses that are a success.
            repeatable: whether sending it twice does no harm; by default so for GET and HEAD.

        Raises:
            LakefsReproError: by status, as in :mod:`lakefs_repro.lake.wire_errors`.
            UnknownOutcomeError: a write that must not be repeated was sent and its reply lost.
            UnavailableError: kind ``answer-cut-off`` when the status of a GET came, but its body ended early each time.
        """
        may_repeat = method in ("GET", "HEAD") if repeatable is None else repeatable
        tries_left = _BODY_TRIES if may_repeat and (body is None or isinstance(body, bytes)) else 1
        while True:
            response = self._send(method, path, doing, params, json_body, body, headers, repeatable, expect)
            try:
                return Answer(response.status, _lowered(response), response.data)
            except urllib3.exceptions.HTTPError as error:
                tries_left -= 1
                if not tries_left:
                    raise (cut_off if method in ("GET", "HEAD") else self._lost)(doing, error) from error
                self._retry.wait(_BODY_TRIES - tries_left - 1, None)

    def stream(
        self,
        path: str,
        *,
        doing: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        expect: tuple[int, ...] = (200,),
        method: str = "GET",
        json_body: object = None,
    ) -> urllib3.BaseHTTPResponse:
        """Send a reading request and return the answer with its body unread; the caller releases it."""
        return self._send(method, path, doing, params, json_body, None, headers, True, expect)

    def fetch_url(
        self, url: str, *, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A request to a presigned URL: no credentials are sent, and errors never repeat the URL.

        Tried again like any read: an object store takes the same bytes twice without harm.

        Raises:
            UnavailableError: the store did not answer, or only with failures of its own (429, 5xx).
        """
        for attempt in range(self._retry.attempts):
            if attempt:
                self._retry.wait(attempt - 1, None)
            try:
                response = self._pool.request(
                    method, url, body=body, headers=dict(headers or {}), timeout=self._timeout, retries=False
                )
            except urllib3.exceptions.HTTPError as error:
                why = type(error).__name__
                continue
            if response.status not in _STORE_FAILS:
                return Answer(response.status, _lowered(response), response.data)
            why = f"status {response.status}"
        raise UnavailableError(f"The object store did not answer a {method} ({why}).", kind="store-unreachable")

    def stream_url(self, url: str, *, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """A GET of a presigned URL, asked once, without credentials; the caller looks at its status and releases it.

        Raises:
            UnavailableError: the store did not answer.
        """
        try:
            return self._pool.urlopen(
                "GET", url, headers=dict(headers), preload_content=False, redirect=False, retries=False
            )
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # Without its cause, whose text has the URL.
            raise UnavailableError(
                f"The object store did not answer a GET ({type(error).__name__}).", kind="store-unreachable"
            ) from None

    def _send(
        self,
        method: str,
        path: str,
        doing: str,
        params: Mapping[str, Any] | None,
        json_body: object,
        body: Body,
        headers: Mapping[str, str] | None,
        repeatable: bool | None,  # noqa: FBT001
        expect: tuple[int, ...],
    ) -> urllib3.BaseHTTPResponse:
        url = self.endpoint.api + path + _query(params)
        sent = {**self._headers, **(headers or {})}
        if json_body is not None:
            body = json.dumps(json_body).encode()
            sent["Content-Type"] = "application/json"
        may_repeat = method in ("GET", "HEAD") if repeatable is None else repeatable
        rewindable = body is None or isinstance(body, bytes)
        tries_left = self._retry.attempts if rewindable else 1
        while True:
            result, retry_after = self._try_once(method, url, body, sent, doing, may_repeat, expect)
            if not isinstance(result, LakefsReproError):
                return result
            tries_left -= 1
            if not tries_left or result.kind not in (_WORTH_REPEATING if may_repeat else _NOT_RECEIVED):
                raise result
            self._retry.wait(self._retry.attempts - tries_left - 1, retry_after)

    def _try_once(
        self,
        method: str,
        url: str,
        body: Body,
        headers: dict[str, str],
        doing: str,
        may_repeat: bool,  # noqa: FBT001
        expect: tuple[int, ...],
    ) -> tuple[urllib3.BaseHTTPResponse | LakefsReproError, str | None]:
        try:
            response = self._pool.urlopen(
                method, url, body=body, headers=headers, preload_content=False, redirect=False, retries=False
            )
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            failure: LakefsReproError = self._unreachable(doing)
            failure.__cause__ = error
            return failure, None
        except urllib3.exceptions.LocationParseError as error:
            failure = self._unreachable(doing)
            failure.__cause__ = error
            return failure, None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return (self._lost(doing, error) if not may_repeat else self._dropped(doing, error)), None
        if response.status in expect:
            return response, None
        retry_after = response.headers.get("Retry-After")
        said = _rest(response)
        if response.status in _LOST and not may_repeat:
            lost = UnknownOutcomeError(str(error_for(response.status, said, doing)))
            return lost, None
        return error_for(response.status, said, doing), retry_after

    def _unreachable(self, doing: str) -> UnavailableError:
        return UnavailableError(
            f"No server answers at {self.endpoint.url} ({doing}).",
            hint="start it, or correct the endpoint; `lakefs-repro doctor` checks it",
            kind="unreachable",
        )

    def _dropped(self, doing: str, error: Exception) -> UnavailableError:
        dropped = UnavailableError(
            f"The connection to {self.endpoint.url} broke ({type(error).__name__}) during: {doing}.",
            kind="connection-lost",
        )
        dropped.__cause__ = error
        return dropped

    def _lost(self, doing: str, error: Exception) -> UnknownOutcomeError:
        lost = UnknownOutcomeError(
            f"The reply was lost ({type(error).__name__}), so it may or may not have happened: {doing}.",
            hint="type the same command again: it looks at what is there and goes on",
        )
        lost.__cause__ = error
        return lost


def cut_off(doing: str, error: Exception) -> UnavailableError:
    """The error for an answer whose status came, but whose body ended early."""
    return UnavailableError(
        f"The answer ended early each time ({type(error).__name__}): {doing}.",
        hint="if it stays so, look at the server's log: a stored object may be shorter than it should be",
        kind="answer-cut-off",
    )


def segment(value: str) -> str:
    """One segment of a URL path, quoted whole."""
    return quote(value, safe="")


def _query(params: Mapping[str, Any] | None) -> str:
    pairs = []
    for key, value in (params or {}).items():
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if one is not None:
                pairs.append((key, str(one).lower() if isinstance(one, bool) else str(one)))  # noqa: PERF401
    return "?" + urlencode(pairs, quote_via=quote, safe="") if pairs else ""


def _lowered(response: urllib3.BaseHTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _rest(response: urllib3.BaseHTTPResponse) -> bytes:
    try:
        return bytes(response.data)
    except urllib3.exceptions.HTTPError:
        return b""
    finally:
        response.release_conn()
