"""HTTP/1.1 on a connection: uvicorn's, but for what a client sends behind a request that is whole."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_LINGER_SECONDS = 5.0


class Protocol(HttpToolsProtocol):
    """Answers a request that came whole, though its client announced too short a body and sends more.

    uvicorn would answer 400 to what follows before the request itself was looked at. Here, as at lakeFS and at object
    stores, the first answer stands, and then the connection ends: gently, since a client that is still writing would
    otherwise be cut off before it reads its answer.
    """

    _garbled = False

    def data_received(self, data: bytes) -> None:
        if not self._garbled:
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        cycle = self.cycle
        if cycle is None or cycle.more_body or cycle.response_complete:
            super().send_400_response(msg)
        else:
            self._garbled = True

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._garbled and self.cycle.response_complete and not self.transport.is_closing():
            self.transport.write_eof()
            self.loop.call_later(_LINGER_SECONDS, self.transport.close)
