"""A proxy that loses replies, refuses requests and dawdles, by a plan that can be read.

::

    plan = FaultPlan("ok drop-reply 503 ok", method="POST", path=r"/merge/")
    with FaultProxy("http://127.0.0.1:8000", plan) as proxy:
        ...  # talk to proxy.url

Each request that matches takes the next word of the plan; after the last word, and for all other requests, all is
well. The words:

=============  =======================================================================
``ok``         passed on, answered
``drop-reply`` passed on and carried out; the connection closes without an answer
``drop``       the connection closes and nothing is passed on
``500`` …      an error of that status; nothing is passed on
``late-503``   passed on and carried out; the answer says 503, as a gateway's does
``cut``        passed on; half of the answer's body comes, then the connection closes
``slow``       passed on after half a second
=============  =======================================================================
"""

from __future__ import annotations

import http.client
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from typing_extensions import Self

_SLOW_S: Final = 0.5
_WORD = re.compile(r"ok|drop-reply|drop|cut|slow|late-[45]\d\d|[45]\d\d")
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding"})


class FaultPlan:
    """What happens to the requests that match, one word each.

    Args:
        words: the plan, words separated by blanks.
        method: the method of the requests meant; any when empty.
        path: a regular expression searched in their path and query.
    """

    def __init__(self, words: str, *, method: str = "", path: str = "") -> None:
        self._words = words.split()
        wrong = [word for word in self._words if not _WORD.fullmatch(word)]
        if wrong:
            raise ValueError(f"not a word of a fault plan: {wrong[0]!r}")
        self._method = method
        self._path = re.compile(path)
        self._lock = threading.Lock()
        self.matched = 0

    def next(self, method: str, path: str) -> str:
        """The word for this request."""
        if (self._method and method != self._method) or not self._path.search(path):
            return "ok"
        with self._lock:
            number, self.matched = self.matched, self.matched + 1
        return self._words[number] if number < len(self._words) else "ok"


class FaultProxy:
    """An HTTP proxy in front of one server, on a loopback port of its own; ``url`` is where to talk to.

    Args:
        upstream: the server's address.
        plan: what goes wrong.
    """

    def __init__(self, upstream: str, plan: FaultPlan) -> None:
        parts = urlsplit(upstream)
        self.plan = plan
        self.log: list[tuple[str, str]] = []
        self._server = _Server(parts.hostname or "127.0.0.1", parts.port or 80, self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The proxy's address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, proxy: FaultProxy) -> None:
        self.upstream = (host, port)
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Broken connections are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are written apart, and would wait 40 ms for each other
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """Keep quiet."""

    def _pass(self) -> None:
        body = self._body()
        word = self.server.proxy.plan.next(self.command, self.path)
        self.server.proxy.log.append((self.command, self.path))
        if word == "drop":
            self._hang_up()
            return
        if word.isdigit():
            self._answer(int(word), [], b'{"message":"injected"}')
            return
        if word == "slow":
            time.sleep(_SLOW_S)
        status, headers, data = self._ask(body)
        if word == "drop-reply":
            self._hang_up()
        elif word.startswith("late-"):
            self._answer(int(word.removeprefix("late-")), [], b'{"message":"injected"}')
        elif word == "cut":
            self._answer(status, headers, data, give=len(data) // 2)
            self._hang_up()
        else:
            self._answer(status, headers, data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _pass  # noqa: N815 - the base class looks for these names

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = bytearray()
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            """Trailers: nobody here sends any that matter."""
        return bytes(body)

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(*self.server.upstream, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in {*_HOP_BY_HOP, "host"}}
            connection.request(self.command, self.path, body=body, headers=headers)
            response = connection.getresponse()
            data = response.read()
            return response.status, response.getheaders(), data
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes, give: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP and not (name.lower() == "content-length" and self.command != "HEAD"):
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[:give])

    def _hang_up(self) -> None:
        self.close_connection = True
