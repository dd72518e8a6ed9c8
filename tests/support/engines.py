"""Servers that tests talk to: the embedded engine in a process of its own, and a real lakeFS where there is one."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from lakefs_repro.embedded import process

_NAMED = ("LAKECTL_SERVER_ENDPOINT_URL", "LAKECTL_CREDENTIALS_ACCESS_KEY_ID", "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY")
_SERVER = tuple(os.environ.get(name, "") for name in _NAMED)
_NAMESPACE = os.environ.get("LAKEFS_REPRO_TEST_NAMESPACE", "")
BINARY = shutil.which("lakefs")
_START_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Any
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def message(self) -> str:
        return self.json["message"]


@dataclass(frozen=True)
class EngineUnderTest:
    """A server that answers; ``root`` is the embedded engine's folder, None for a real lakeFS."""

    name: str
    endpoint: str
    access_key_id: str
    secret_access_key: str
    namespace_prefix: str = "local://"
    root: Path | None = None
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(maxsize=32, retries=False))

    def new_repository(self) -> str:
        """The name of a fresh, empty repository."""
        name = f"test-{secrets.token_hex(8)}"
        body = {"name": name, "storage_namespace": f"{self.namespace_prefix}{name}", "default_branch": "main"}
        answer = self.call("POST", "/repositories", json=body)
        assert answer.status == 201, answer.data
        return name

    def call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
        fields: dict[str, Any] | None = None,
        authorized: bool = True,
    ) -> Answer:
        """One request below ``/api/v1``; ``fields`` become the query."""
        sent = dict(headers or {})
        if authorized:
            pair = f"{self.access_key_id}:{self.secret_access_key}"
            sent.setdefault("Authorization", "Basic " + b64encode(pair.encode()).decode())
        if json is not None:
            body = _encoded(json)
            sent.setdefault("Content-Type", "application/json")
        if fields:
            path += "?" + urlencode(fields, doseq=True)
        response = self.pool.request(method, f"{self.endpoint}/api/v1{path}", body=body, headers=sent, redirect=False)
        return Answer(response.status, response.headers, response.data)


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def real_server_words() -> str:
    if all(_SERVER):
        return f"the lakeFS server at {_SERVER[0]} (from LAKECTL_*)"
    if BINARY:
        return f"lakeFS started from {BINARY}"
    return (
        "NO REAL LAKEFS SERVER: tests run against the embedded engine alone "
        "(set LAKECTL_SERVER_ENDPOINT_URL and LAKECTL_CREDENTIALS_*, or put a lakefs binary on the PATH)"
    )


def there_is_a_real_server() -> bool:
    return all(_SERVER) or bool(BINARY)


@contextmanager
def embedded(root: Path):
    """The embedded engine on ``root``, in a process of its own."""
    info = process.start(root)
    try:
        yield EngineUnderTest("embedded", info.endpoint, info.access_key_id, info.secret_access_key, root=root)
    finally:
        process.stop(root)


@contextmanager
def real_lakefs(folder: Path):
    """The lakeFS server that ``LAKECTL_*`` names, or one started with its data in ``folder``."""
    if all(_SERVER):
        yield _named_server()
    else:
        with started_lakefs(folder) as server:
            yield server


def _named_server() -> EngineUnderTest:
    endpoint = _SERVER[0].rstrip("/").removesuffix("/api/v1")
    engine = EngineUnderTest("lakefs", endpoint, _SERVER[1], _SERVER[2])
    prefix = _NAMESPACE
    if not prefix:
        storage = engine.call("GET", "/config/storage").json
        prefix = storage.get("default_namespace_prefix") or "local://"
    if not prefix.endswith("/"):
        prefix += "/"
    return EngineUnderTest("lakefs", endpoint, _SERVER[1], _SERVER[2], namespace_prefix=prefix)


@contextmanager
def started_lakefs(folder: Path, *, port: int = 0, keys: tuple[str, str] | None = None, **more: str):
    """A real lakeFS with its data in ``folder``; ``more`` are settings of its own."""
    key, secret = keys or ("AKIA" + secrets.token_hex(8).upper(), secrets.token_hex(20))
    port = port or _free_port()
    settings = {
        "LISTEN_ADDRESS": f"127.0.0.1:{port}",
        "LOGGING_LEVEL": "ERROR",
        "DATABASE_TYPE": "local",
        "DATABASE_LOCAL_PATH": str(folder / "metadata"),
        "BLOCKSTORE_TYPE": "local",
        "BLOCKSTORE_LOCAL_PATH": str(folder / "data"),
        "BLOCKSTORE_SIGNING_SECRET_KEY": secrets.token_hex(16),
        "AUTH_ENCRYPT_SECRET_KEY": secrets.token_hex(16),
        "STATS_ENABLED": "false",
        "SECURITY_CHECK_LATEST_VERSION": "false",
        "COMMITTED_LOCAL_CACHE_DIR": str(folder / "cache"),
        "COMMITTED_LOCAL_CACHE_SIZE_BYTES": str(256 * 1024 * 1024),
        "INSTALLATION_USER_NAME": "admin",
        "INSTALLATION_ACCESS_KEY_ID": key,
        "INSTALLATION_SECRET_ACCESS_KEY": secret,
    }
    settings.update(more)
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    environment.update({f"LAKEFS_{name}": value for name, value in settings.items()})
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([BINARY, "run"], env=environment, stdout=log, stderr=log, cwd=folder)
    engine = EngineUnderTest("lakefs", f"http://127.0.0.1:{port}", key, secret)
    try:
        _await_health(engine, server, folder / "log")
        yield engine
    finally:
        server.terminate()
        server.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await_health(engine: EngineUnderTest, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if engine.call("GET", "/user").status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the lakefs binary did not start:\n{log.read_text()[-2000:]}")
