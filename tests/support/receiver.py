"""A webhook's other end: an HTTP server that remembers what it was told and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(ThreadingHTTPServer):
    """``status`` is answered; ``meanwhile`` is called with each event before that."""

    daemon_threads = True
    request_queue_size = 128  # many hooks call at once, and a full queue costs a second

    def __init__(self):
        self.calls = []
        self.status = 200
        self.meanwhile = lambda event: None
        self.answer = None  # called with the handler in place of the usual answer
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                event = json.loads(body or b"{}")
                receiver.calls.append((self.path, dict(self.headers), event))
                receiver.meanwhile(event)
                if receiver.answer is not None:
                    with suppress(OSError):  # the other side would not wait
                        receiver.answer(self)
                    return
                answer = b'{"said": "so"}'
                try:
                    self.send_response(receiver.status)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    pass  # the other side would not wait

            do_GET = do_POST  # noqa: N815  the name that the base class looks for

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def events(self):
        return [event for _, _, event in self.calls]

    @property
    def kinds(self):
        return [event["event_type"] for event in self.events]

    def wait_for(self, kind, seconds=10):
        """The first event of a kind, which may come a little later."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = [event for event in self.events if event["event_type"] == kind]
            if found:
                return found[0]
            time.sleep(0.02)
        raise AssertionError(f"no {kind}, but {self.kinds}")
