"""Webhooks: an HTTP request to whoever the action names, and what came of it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from lakefs_repro.embedded.hooks.exchange import ExchangeError, exchange, redacted
from lakefs_repro.embedded.hooks.secrets import PropertyError, with_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_SECONDS = 60.0
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)")
_FIRST_FAILURE = 300


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
        url = redacted(self.url)
        log = f"Request:\nPOST {url}\n{self.shown}Request Body:\n{body.decode()}\n\n\n"
        try:
            answer = exchange(self._target(), body, self.headers, self.seconds)
        except ExchangeError as error:
            problem = f'Post "{url}": {error}'
            return f"{log}Request duration: {_shown(time.monotonic() - begun)}\n", problem
        log += f"Request duration: {_shown(time.monotonic() - begun)}\n\nResponse:\n{answer.text}"
        if answer.status >= _FIRST_FAILURE:
            return log, f"webhook request failed (status code: {answer.status})"
        return log, ""

    def _target(self) -> str:
        """The address with the query parameters, in the order of their names."""
        try:
            parts = urlsplit(self.url)
        except ValueError as error:
            raise ExchangeError(str(error)) from None
        query = urlencode(sorted([*parse_qsl(parts.query, keep_blank_values=True), *self.parameters]))
        return urlunsplit(parts._replace(query=query))


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
