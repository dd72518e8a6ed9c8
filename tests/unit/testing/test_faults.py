"""The fault proxy does to a connection exactly what its plan says."""

from __future__ import annotations

import http.client
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from lakefs_repro.testing.faults import FaultPlan, FaultProxy


@pytest.fixture
def upstream():
    """A server that counts what reaches it."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.command, self.path, body))
            self.send_response(201)
            self.send_header("X-Upstream", "yes")
            self.send_header("Content-Length", "4")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(b"done")

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.seen = seen
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def ask(proxy, method="POST", path="/x", body=b"body"):
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=5)
    try:
        connection.request(method, path, body=body if method != "HEAD" else None)
        response = connection.getresponse()
        return response.status, response.read()
    except (http.client.RemoteDisconnected, ConnectionError):
        return "lost", b""
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("word", "status", "reached"),
    [
        ("ok", 201, 1),
        ("drop-reply", "lost", 1),
        ("drop", "lost", 0),
        ("503", 503, 0),
        ("404", 404, 0),
        ("late-502", 502, 1),
    ],
)
def test_each_word_does_what_it_says(upstream, word, status, reached):
    with FaultProxy(upstream.url, FaultPlan(word)) as proxy:
        assert ask(proxy)[0] == status
        assert len(upstream.seen) == reached
        assert ask(proxy) == (201, b"done")  # after the last word all is well


def test_slow_is_late_but_whole(upstream):
    with FaultProxy(upstream.url, FaultPlan("slow")) as proxy:
        began = time.monotonic()
        assert ask(proxy) == (201, b"done")
        assert time.monotonic() - began >= 0.5


def test_words_go_to_matching_requests_alone_in_turn(upstream):
    plan = FaultPlan("ok 503 drop", method="POST", path=r"/merge/\w+\?")
    with FaultProxy(upstream.url, plan) as proxy:
        results = [
            ask(proxy, *request)[0]
            for request in [
                ("POST", "/merge/a?x"), ("GET", "/merge/a?x"), ("POST", "/other"), ("POST", "/merge/b?x"), ("POST", "/merge/c?"),
            ]
        ]  # fmt: skip
    assert results == [201, 201, 201, 503, "lost"]
    assert plan.matched == 3
    assert proxy.log[0] == ("POST", "/merge/a?x")
    assert len(proxy.log) == 5


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_bodies_and_methods_pass_unchanged(upstream, method):
    body = b"" if method == "HEAD" else bytes(range(256)) * 300
    with FaultProxy(upstream.url, FaultPlan("")) as proxy:
        assert ask(proxy, method, "/p?q=%2F", body)[0] == 201
    assert upstream.seen == [(method, "/p?q=%2F", body)]


@pytest.mark.parametrize("words", ["okay", "drop_reply", "20", "999", "late-200", "ok; drop"])
def test_a_word_that_is_none_is_refused(words):
    with pytest.raises(ValueError, match="not a word"):
        FaultPlan(words)


def test_plans_count_across_threads(upstream):
    plan = FaultPlan("503 " * 10)
    with FaultProxy(upstream.url, plan) as proxy:
        threads = [threading.Thread(target=ask, args=(proxy,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert plan.matched == 20
    assert len(upstream.seen) == 10


def test_a_body_in_chunks_arrives_whole(upstream):
    with FaultProxy(upstream.url, FaultPlan("ok")) as proxy:
        connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=5)
        connection.request("POST", "/x", body=iter([b"one", b"", b"two" * 50_000]), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})  # fmt: skip
        assert connection.getresponse().status == 201
        connection.close()
    assert upstream.seen[-1] == ("POST", "/x", b"one" + b"two" * 50_000)


def test_a_pull_request_can_be_changed_through_it(upstream):
    with FaultProxy(upstream.url, FaultPlan("ok 503")) as proxy:
        assert ask(proxy, "PATCH") == (201, b"done")
        assert ask(proxy, "PATCH")[0] == 503
