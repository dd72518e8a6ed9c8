"""Webhooks: an HTTP request to whoever the action names, and what came of it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lakefs_repro.embedded.hooks.secrets import PropertyError, with_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

_DEFAULT_SECONDS = 60.0
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)")
_MAX_ANSWER = 1024 * 1024
_FIRST_FAILURE = 300


class HookFailedError(Exception):
    """The hook said no, or could not be asked."""


@dataclass(frozen=True)
class Webhook:
    """A request that is ready to be sent. ``shown`` are its parameters and headers without secrets."""

    url: str
    seconds: float
    parameters: tuple[tuple[str, str], ...]
    headers: tuple[tuple[str, str], ...]
    shown: str

    def run(self, body: bytes) -> tuple[str, str]:
        """Send ``body``: what is to be written down, and why it failed or an empty string."""
        begun = time.monotonic()
        log = f"Request:\nPOST {self.url}\n{self.shown}Request Body:\n{body.decode()}\n\n\n"
        try:
            answer, status = self._send(body)
        except HookFailedError as error:
            return f"{log}Request duration: {_shown(time.monotonic() - begun)}\n", str(error)
        log += f"Request duration: {_shown(time.monotonic() - begun)}\n\nResponse:\n{answer}"
        if status >= _FIRST_FAILURE:
            return log, f"webhook request failed (status code: {status})"
        return log, ""

    def _send(self, body: bytes) -> tuple[str, int]:
        import urllib3  # noqa: PLC0415  only where there are webhooks

        try:
            parts = urlsplit(self.url)
        except ValueError as error:
            raise HookFailedError(f'Post "{self.url}": {error}') from None
        if parts.scheme not in {"http", "https"}:
            raise HookFailedError(f'Post "{self.url}": unsupported protocol scheme "{parts.scheme}"')
        query = urlencode(sorted([*parse_qsl(parts.query, keep_blank_values=True), *self.parameters]))
        url = urlunsplit(parts._replace(query=query))
        timeout = urllib3.Timeout(total=self.seconds)
        try:
            with urllib3.PoolManager(retries=False, timeout=timeout) as pool:
                answer = pool.request(
                    "POST", url, body=body, headers=dict(self.headers), redirect=False, preload_content=False
                )
                text = answer.read(_MAX_ANSWER, decode_content=True).decode("utf-8", "replace")
                answer.drain_conn()
        except urllib3.exceptions.NewConnectionError as error:  # a time-out, as urllib3 sees it
            raise HookFailedError(f'Post "{self.url}": {_reason(error, parts)}') from None
        except urllib3.exceptions.TimeoutError:
            raise HookFailedError(f'Post "{self.url}": context deadline exceeded (no answer in time)') from None
        except (urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            raise HookFailedError(f'Post "{self.url}": {_reason(error, parts)}') from None
        lines = "".join(f"{name}: {value}\r\n" for name, value in sorted(answer.headers.items()))
        return f"HTTP/1.1 {answer.status} {answer.reason or ''}\r\n{lines}\r\n{text}", answer.status


def _reason(error: Exception, called: SplitResult) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            host = f"[{called.hostname}]" if ":" in (called.hostname or "") else called.hostname
            port = called.port or (443 if called.scheme == "https" else 80)
            return f"dial tcp {host}:{port}: connect: connection refused"
        cause = cause.__cause__ or cause.__context__ or getattr(cause, "reason", None)
    return str(error)


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.6f}ms" if seconds < 1 else f"{seconds:.9f}s"


def prepared(properties: Mapping[str, Any]) -> Webhook:
    """The request that ``properties`` describe, secrets from the environment put in.

    Raises:
        PropertyError: they describe none.
    """
    url = properties.get("url")
    if not isinstance(url, str):
        raise PropertyError("webhook url must be string: webhook wrong format")
    parameters, shown = _parameters(properties.get("query_params"))
    headers, shown_headers = _headers(properties.get("headers"))
    return Webhook(
        url=url,
        seconds=_timeout(properties.get("timeout")),
        parameters=tuple(parameters),
        headers=(*headers, ("Content-Type", "application/json")),
        shown=f"Query Params:\n{shown}Headers:\n{shown_headers}Content-Type: application/json\n",
    )


def _parameters(given: Any) -> tuple[list[tuple[str, str]], str]:
    if given is None:
        return [], ""
    if not isinstance(given, dict):
        raise PropertyError("extracting query params: unsupported query params: webhook wrong format")
    found, shown = [], ""
    for name, value in given.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(each, str) for each in values):
            what = (
                "array should contains only strings"
                if isinstance(value, list)
                else "single value should be of type string"
            )
            raise PropertyError(f"extracting query params: query params {what}: webhook wrong format")
        for each in values:
            found.append((str(name), with_secrets(each, "extracting query params: reading query param")))
            shown += f"{name}: {each}\n"
    return found, shown


def _headers(given: Any) -> tuple[list[tuple[str, str]], str]:
    if given is None:
        return [], ""
    if not isinstance(given, dict):
        raise PropertyError("extracting headers: unsupported headers: webhook wrong format")
    found, shown = [], ""
    for name, value in given.items():
        if not isinstance(value, str):
            raise PropertyError("extracting headers: headers array should contains only strings: webhook wrong format")
        found.append((str(name), with_secrets(value, "extracting headers: reading header")))
        shown += f"{name}: {value}\n"  # as the file says it: a secret stays a name here
    return found, shown


def _timeout(given: Any) -> float:
    if not isinstance(given, str) or not given:
        return _DEFAULT_SECONDS
    seconds = duration(given)
    return seconds if seconds > 0 else _DEFAULT_SECONDS


def duration(text: str) -> float:
    """Seconds that a Go duration such as ``1m30s`` names.

    Raises:
        PropertyError: it names none.
    """
    if text in {"0", "+0", "-0"}:
        return 0.0
    sign = -1.0 if text.startswith("-") else 1.0
    rest = text[1:] if text[:1] in {"+", "-"} else text
    total, begun = 0.0, False
    while rest or not begun:
        begun = True
        found = _DURATION.match(rest)
        if found is None:
            raise PropertyError(f'webhook request duration: time: invalid duration "{text}"')
        number = found[0].rstrip("nuµμmsh")
        total += float(number) * _UNITS[found[0][len(number) :]]
        rest = rest[found.end() :]
    return sign * total
