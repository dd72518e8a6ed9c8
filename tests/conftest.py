"""Fixtures that every test may use: a sealed home, and engines to test against.

``engine`` runs a test once against the embedded engine and once against a real lakeFS server, where there is one: the
one that ``LAKECTL_*`` names (with ``LAKEFS_REPRO_TEST_NAMESPACE``, such as ``s3://bucket/``, for its storage), or one that is started from a ``lakefs`` binary on the PATH. The header of the test run
says which.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for tests/support

from support.foreground import foreground

# The plugin of our own is not yet installed where tests run from a checkout.
pytest_plugins = ["pytester", "lakefs_repro.testing.plugin"]

_NAMED = ("LAKECTL_SERVER_ENDPOINT_URL", "LAKECTL_CREDENTIALS_ACCESS_KEY_ID", "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY")
_SERVER = tuple(os.environ.get(name, "") for name in _NAMED)
_NAMESPACE = os.environ.get("LAKEFS_REPRO_TEST_NAMESPACE", "")
_BINARY = shutil.which("lakefs")
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


def _real_server_words() -> str:
    if all(_SERVER):
        return f"the lakeFS server at {_SERVER[0]} (from LAKECTL_*)"
    if _BINARY:
        return f"lakeFS started from {_BINARY}"
    return (
        "NO REAL LAKEFS SERVER: tests run against the embedded engine alone "
        "(set LAKECTL_SERVER_ENDPOINT_URL and LAKECTL_CREDENTIALS_*, or put a lakefs binary on the PATH)"
    )


def pytest_report_header() -> list[str]:
    return ["engines: embedded", f"real lakeFS: {_real_server_words()}"]


@pytest.fixture(autouse=True)
def _sealed_home(tmp_path_factory, monkeypatch):
    """No test sees this account's home, nor its lakeFS settings."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    for name in [name for name in os.environ if name.startswith(("LAKECTL_", "LAKEFS_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(scope="session")
def embedded_engine(tmp_path_factory):
    """The embedded engine in a process of its own, shared by the tests of a session."""
    yield from _embedded(tmp_path_factory.mktemp("embedded"))


@pytest.fixture
def fresh_engine(tmp_path):
    """An embedded engine of this test's own, that it may damage, stop or kill."""
    yield from _embedded(tmp_path / "engine-root")


def _embedded(root: Path):
    from lakefs_repro.embedded import process

    info = process.start(root)
    try:
        yield EngineUnderTest("embedded", info.endpoint, info.access_key_id, info.secret_access_key, root=root)
    finally:
        process.stop(root)


@pytest.fixture(scope="session")
def lakefs_engine(tmp_path_factory):
    """A real lakeFS; skips where there is none."""
    if all(_SERVER):
        yield _named_server()
    elif _BINARY:
        yield from _started_server(tmp_path_factory.mktemp("lakefs"))
    else:
        pytest.skip("no real lakeFS server")


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


def _started_server(folder: Path, **more: str):
    key, secret = "AKIA" + secrets.token_hex(8).upper(), secrets.token_hex(20)
    port = _free_port()
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
        server = subprocess.Popen([_BINARY, "run"], env=environment, stdout=log, stderr=log, cwd=folder)
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
    pytest.fail(f"the lakefs binary did not start:\n{log.read_text()[-2000:]}")


_ENGINES = ["embedded", *(["lakefs"] if all(_SERVER) or _BINARY else [])]


@pytest.fixture(params=_ENGINES)
def engine(request):
    """Each engine there is, in turn."""
    return request.getfixturevalue(f"{request.param}_engine")


@pytest.fixture(scope="session", params=_ENGINES)
def importing(request, tmp_path_factory):
    """Each engine in turn as it lets files of one folder be imported: the engine, and the folder."""
    folder = tmp_path_factory.mktemp("sources")
    if request.param == "embedded":
        root = tmp_path_factory.mktemp("importing")
        with foreground(root, "--allow-import", str(folder)) as (endpoint, key, secret):
            yield EngineUnderTest("embedded", endpoint, key, secret, root=root), folder
    elif _BINARY:
        allowed = {
            "BLOCKSTORE_LOCAL_IMPORT_ENABLED": "true",
            "BLOCKSTORE_LOCAL_ALLOWED_EXTERNAL_PREFIXES": str(folder),
        }
        for engine in _started_server(tmp_path_factory.mktemp("lakefs-import"), **allowed):
            yield engine, folder
    else:
        pytest.skip("a real lakeFS with import from a folder is started from a lakefs binary, and there is none")
