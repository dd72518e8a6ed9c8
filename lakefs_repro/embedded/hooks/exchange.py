"""One HTTP request and what it leads to, within a time that holds for all of it; as Go's client does it."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MAX_ANSWER = 1024 * 1024
_MAX_REDIRECTS = 10
_AS_GET, _AGAIN = {301, 302, 303}, {307, 308}
_PRIVATE = {"authorization", "cookie", "www-authenticate"}
_CHUNK = 64 * 1024


class ExchangeError(Exception):
    """No answer could be had."""


@dataclass(frozen=True)
class Exchanged:
    """The last answer: its status, and as much of it as came in time, as text."""

    status: int
    text: str


def redacted(url: str) -> str:
    """``url`` without a password, for messages and logs."""
    scheme, there, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    user, at, place = host.rpartition("@")
    if not there or not at or ":" not in user:
        return url
    return f"{scheme}://{user.partition(':')[0]}:***@{place}{slash}{path}"


def exchange(url: str, body: bytes, headers: Iterable[tuple[str, str]], seconds: float) -> Exchanged:
    """POST ``body``, following redirections. All of it takes at most ``seconds``; what an answer holds back is left.

    Raises:
        ExchangeError: nobody answers, not in time, or with something that is not HTTP.
    """
    deadline = time.monotonic() + seconds
    method, sent, given = "POST", body, list(headers)
    origin = ""
    for _ in range(_MAX_REDIRECTS):
        parts = _parts(url)
        origin = origin or parts.netloc.rpartition("@")[2]
        if parts.netloc.rpartition("@")[2] != origin:
            given = [(name, value) for name, value in given if name.lower() not in _PRIVATE]
        answer, location = _once(parts, method, sent, given, deadline)
        if not location or answer.status not in _AS_GET | _AGAIN:
            return answer
        url = urljoin(url, location)
        if answer.status in _AS_GET:
            method, sent = "GET", b""
    raise ExchangeError(f"stopped after {_MAX_REDIRECTS} redirects")


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ExchangeError(str(error)) from None
    if parts.scheme not in {"http", "https"}:
        raise ExchangeError(f'unsupported protocol scheme "{parts.scheme}"')
    if not parts.hostname:
        raise ExchangeError("no Host in request URL")
    return parts


def _once(
    parts: SplitResult, method: str, body: bytes, headers: list[tuple[str, str]], deadline: float
) -> tuple[Exchanged, str]:
    sent = dict(headers)
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        sent.setdefault("Authorization", f"Basic {base64.b64encode(user).decode()}")
    if method == "GET":
        sent.pop("Content-Type", None)
    connection = _connection(parts, deadline)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.connect()
        with _until(deadline, connection.sock):
            connection.request(method, target, body=body or None, headers=sent)
            answer = connection.getresponse()
            text = _text(answer, deadline)
    except ConnectionRefusedError:
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        port = parts.port or (443 if parts.scheme == "https" else 80)
        raise ExchangeError(f"dial tcp {host}:{port}: connect: connection refused") from None
    except TimeoutError:
        raise ExchangeError("context deadline exceeded (no answer in time)") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        _left(deadline)  # an answer that was cut off because it was too late
        raise ExchangeError(str(error) or type(error).__name__) from None
    finally:
        connection.close()
    lines = "".join(f"{name}: {value}\r\n" for name, value in sorted(answer.getheaders()))
    shown = f"HTTP/1.1 {answer.status} {answer.reason}\r\n{lines}\r\n{text.decode('utf-8', 'replace')}"
    return Exchanged(answer.status, shown), answer.getheader("Location") or ""


@contextmanager
def _until(deadline: float, connection: socket.socket) -> Iterator[None]:
    """Cut a connection off when the time is over: a socket's own limit counts for each single read."""

    def cut() -> None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(_left(deadline), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _text(answer: http.client.HTTPResponse, deadline: float) -> bytes:
    """What the body says in time. It has answered: how much more it would say does not matter."""
    text = bytearray()
    with suppress(OSError, http.client.HTTPException):
        while len(text) < _MAX_ANSWER and time.monotonic() < deadline and (piece := answer.read1(_CHUNK)):
            text += piece
    return bytes(text)


def _connection(parts: SplitResult, deadline: float) -> http.client.HTTPConnection:
    host, left = parts.hostname or "", _left(deadline)
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port, timeout=left, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, parts.port, timeout=left)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise ExchangeError("context deadline exceeded (no answer in time)")
    return left
