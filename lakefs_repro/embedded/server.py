"""uvicorn, set up for the engine: one process, httptools, no logging of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from uvicorn.config import Config
from uvicorn.server import Server

from lakefs_repro.embedded.closing import end_on_sigterm
from lakefs_repro.embedded.protocol import Protocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from lakefs_repro.embedded.asgi import Application

_SHUTDOWN_SECONDS = 5


class _AnnouncingServer(Server):
    def __init__(self, config: Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._announce()


def run(app: Application, listener: socket.socket, started: Callable[[], None]) -> None:
    """Serve ``app`` on ``listener`` until a signal comes; ``started`` is called once requests are answered."""
    config = Config(
        app,
        http=Protocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        proxy_headers=False,
    )
    end_on_sigterm()
    asyncio.run(_AnnouncingServer(config, started).serve(sockets=[listener]))
