"""A server that answers by a script, and repositories on real engines."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.repository import Server
from lakefs_repro.lake.wire import Retry, Wire

SECRET = "s3cr3t-of-the-test"
KEY = "AKIATEST"
TOKEN = "t0ken-of-the-test"


class ScriptedServer:
    """Answers the next of ``answers`` to each request: ``(status, headers, body)``, or an action on the handler."""

    def __init__(self) -> None:
        self.answers = []
        self.seen = []
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                scripted.seen.append((self.command, self.path, dict(self.headers), body))
                step = scripted.answers.pop(0) if scripted.answers else (200, {}, b"{}")
                if callable(step):
                    step(self)
                    return
                status, headers, data = step
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def say(self, *answers):
        """Add answers; a status alone comes with a message."""
        said = b'{"message":"scripted"}'
        self.answers += [(each, {}, said) if isinstance(each, int) else each for each in answers]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def scripted():
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def waits():
    """The seconds that a wire would have slept."""
    return []


@pytest.fixture
def wire(scripted, waits):
    """A wire to the scripted server, which notes its waits and does not wait."""
    made = Wire(Endpoint(scripted.url, KEY, SECRET, TOKEN), timeout_s=5, retry=Retry(sleep=waits.append))
    yield made
    made.close()


@pytest.fixture
def server(engine):
    """The engine in turn through our own port."""
    made = Wire(
        Endpoint(engine.endpoint, engine.access_key_id, engine.secret_access_key), retry=Retry(sleep=lambda _: None)
    )
    yield Server(made)
    made.close()


@pytest.fixture
def repository(server, engine):
    """A fresh repository on the engine in turn."""
    return server.repository(engine.new_repository())


@pytest.fixture
def embedded_server(embedded_engine):
    """The embedded engine through our own port."""
    login = Endpoint(embedded_engine.endpoint, embedded_engine.access_key_id, embedded_engine.secret_access_key)
    made = Wire(login, retry=Retry(sleep=lambda _: None))
    yield Server(made)
    made.close()


@pytest.fixture
def embedded_repository(embedded_server, embedded_engine):
    """A fresh repository on the embedded engine."""
    return embedded_server.repository(embedded_engine.new_repository())
