"""The ASGI application: authentication, dispatch, answers, access log."""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lakefs_repro.embedded.app_root import API_ROOT
from lakefs_repro.embedded.call import HOOK_DEPTH, Call, Pools
from lakefs_repro.embedded.errors import ApiError, ClientGoneError, not_implemented
from lakefs_repro.embedded.hooks.threads import DaemonThreads
from lakefs_repro.embedded.reply import Headers, Reply, json_reply, refusal
from lakefs_repro.embedded.router import Router
from lakefs_repro.embedded.routes import HANDLERS, presigned
from lakefs_repro.embedded.signing import PRESIGNED_ROOT
from lakefs_repro.embedded.store.writer import storage_failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lakefs_repro.embedded.accesslog import AccessLog
    from lakefs_repro.embedded.asgi import Message, Receive, Scope, Send
    from lakefs_repro.embedded.auth import Doorkeeper
    from lakefs_repro.embedded.store.engine import Engine


_OPEN_OPERATIONS = {"healthCheck", "getSetupState", "getAuthCapabilities", "login", "setup"}
_THREADS = 24
_FIRST_ERROR = 400
_MOST_INSIDE = 128 * 1024 * 1024  # a script that reads an object has it in memory
_NO_ENDPOINT = json_reply({"message": "invalid API endpoint"}, 404)
# As measured: the refusals that HEAD answers with the headers of a body.
_WITH_HEADERS = (b'{"message":"parameter ', _NO_ENDPOINT.body)
_SIGNATURE = re.compile(rb"signature=[^&]*")
_TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8")]
_LOG = logging.getLogger(__name__)


class Api:
    """Serves ``/api/v1``. It dispatches by itself: a small upload has no time for layers of middleware."""

    def __init__(self, engine: Engine, doorkeeper: Doorkeeper, log: AccessLog) -> None:
        self._engine = engine
        self._doorkeeper = doorkeeper
        self._log = log
        self._router = Router(HANDLERS)
        self._pools = Pools(
            ThreadPoolExecutor(_THREADS, thread_name_prefix="work"),
            DaemonThreads(engine.database.release),
            self._inside,
        )
        self._request_ids = itertools.count(1)
        self._request_prefix = secrets.token_hex(4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith((API_ROOT, PRESIGNED_ROOT)):
            await self._send(scope["method"], self._beside(scope["path"]), send)
            return
        target = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        call = Call(scope, receive, self._engine, self._pools, self._log, self._doorkeeper)
        try:
            reply = await self._answer(call, target)
        except ClientGoneError:
            self._note(call, target, Reply(499))
            return
        self._note(call, target, reply)
        await self._send(scope["method"], reply, send)

    async def _answer(self, call: Call, path: str, *, trusted: bool = False) -> Reply:
        try:
            if not path.startswith(API_ROOT):
                return await presigned.answer(call)
            found = self._router.find(call.scope["method"], path[len(API_ROOT) :])
            if found is None:
                return _NO_ENDPOINT
            if (
                not trusted
                and found[0].operation not in _OPEN_OPERATIONS
                and not self._doorkeeper.admits(call.header(b"authorization"), call.header(b"cookie"))
            ):
                raise ApiError(401, "error authenticating request")  # noqa: TRY301  one place answers errors
            route, call.params = found
            if route.handler is None:
                raise not_implemented(  # noqa: TRY301
                    f"{route.operation} is not implemented by the embedded engine of lakefs-repro"
                )
            return await route.handler(call)
        except ApiError as error:
            return refusal(error)
        except ClientGoneError:
            raise
        except Exception as error:  # noqa: BLE001  a defect must answer 500, not hang up
            refused = storage_failure(error)
            if isinstance(refused, ApiError):
                return refusal(refused)
            _LOG.error("%s %s failed", call.scope["method"], path, exc_info=sys.exc_info())
            return json_reply({"message": f"internal error: {type(error).__name__}"}, 500)

    def _inside(self, method: str, target: str, body: bytes, depth: int) -> tuple[int, bytes]:
        """A request of a script that runs in a hook, on the thread that waits for it; ``target`` is below the API."""
        path, _, query = target.removeprefix("/").partition("?")
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": API_ROOT + unquote(path),
            "raw_path": (API_ROOT + path).encode(),
            "query_string": query.encode(),
            "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))],
            HOOK_DEPTH: depth,
        }
        return asyncio.run(self._answer_inside(scope, API_ROOT + path, body))

    async def _answer_inside(self, scope: Scope, target: str, body: bytes) -> tuple[int, bytes]:
        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        call = Call(scope, receive, self._engine, self._pools, self._log, self._doorkeeper)
        reply = await self._answer(call, target, trusted=True)
        self._note(call, target, reply)
        if reply.stream is None:
            return reply.status, reply.body
        whole = bytearray()
        async for chunk in reply.stream:
            whole += chunk
            if len(whole) > _MOST_INSIDE:
                return 413, b'{"message":"the object is too large for a script"}\n'
        return reply.status, bytes(whole)

    def _note(self, call: Call, target: str, reply: Reply) -> None:
        query = _SIGNATURE.sub(b"signature=...", call.scope["query_string"])
        shown = f"{target}?{query.decode('latin-1')}" if query else target
        sent = reply.length if reply.length is not None else len(reply.body)
        self._log.write(self._log.line(call.scope["method"], shown, reply.status, received=call.received, sent=sent))

    async def _send(self, method: str, reply: Reply, send: Send) -> None:
        if (
            method == "HEAD"
            and reply.status >= _FIRST_ERROR
            and reply.body
            and not reply.body.startswith(_WITH_HEADERS)
        ):
            reply = Reply(reply.status)
        headers = [(b"x-request-id", f"{self._request_prefix}-{next(self._request_ids)}".encode()), *reply.headers]
        if reply.length is not None:
            headers.append((b"content-length", str(reply.length).encode()))
        elif reply.stream is None and method != "HEAD" and reply.status not in {204, 304}:
            headers.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if reply.stream is not None and method != "HEAD":
            await self._send_stream(reply.stream, send)
        else:
            await send({"type": "http.response.body", "body": b"" if method == "HEAD" else reply.body})

    async def _send_stream(self, stream: AsyncIterator[bytes], send: Send) -> None:
        """Send what comes; when it breaks off, leave the answer incomplete, and the server closes the connection."""
        try:
            async for chunk in stream:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except ApiError as error:
            _LOG.warning("an answer broke off: %s", error.message)
            return
        await send({"type": "http.response.body", "body": b""})

    def _beside(self, path: str) -> Reply:
        """What is there beside the API: lakeFS' health page. lakeFS' web pages are not."""
        if path == "/_health":
            return Reply(200, f"alive! {self._engine.root_id}".encode(), _TEXT)
        return Reply(404, b"Not Found", _TEXT)

    def close(self) -> None:
        self._pools.work.shutdown(wait=True, cancel_futures=True)


def create_app(engine: Engine, doorkeeper: Doorkeeper, log: AccessLog) -> Api:
    """The application for ``engine``: lakeFS' API, and its health page beside it."""
    return Api(engine, doorkeeper, log)
