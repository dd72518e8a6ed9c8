"""Fixtures that every test may use: a sealed home, and engines to test against.

``engine`` runs a test once against the embedded engine and once against a real lakeFS server, where there is one: the
one that ``LAKECTL_*`` names (with ``LAKEFS_REPRO_TEST_NAMESPACE``, such as ``s3://bucket/``, for its storage), or one that is started from a ``lakefs`` binary on the PATH. The header of the test run
says which.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for tests/support

from support import engines
from support.foreground import foreground
from support.receiver import Receiver

# The plugin of our own is not yet installed where tests run from a checkout.
pytest_plugins = ["pytester", "lakefs_repro.testing.plugin"]


def pytest_report_header() -> list[str]:
    return ["engines: embedded", f"real lakeFS: {engines.real_server_words()}"]


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
    with engines.embedded(tmp_path_factory.mktemp("embedded")) as server:
        yield server


@pytest.fixture
def fresh_engine(tmp_path):
    """An embedded engine of this test's own, that it may damage, stop or kill."""
    with engines.embedded(tmp_path / "engine-root") as server:
        yield server


@pytest.fixture(scope="session")
def lakefs_engine(tmp_path_factory):
    """A real lakeFS; skips where there is none."""
    if not engines.there_is_a_real_server():
        pytest.skip("no real lakeFS server")
    with engines.real_lakefs(tmp_path_factory.mktemp("lakefs")) as server:
        yield server


_ENGINES = ["embedded", *(["lakefs"] if engines.there_is_a_real_server() else [])]


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
            yield engines.EngineUnderTest("embedded", endpoint, key, secret, root=root), folder
    elif engines.BINARY:
        allowed = {
            "BLOCKSTORE_LOCAL_IMPORT_ENABLED": "true",
            "BLOCKSTORE_LOCAL_ALLOWED_EXTERNAL_PREFIXES": str(folder),
        }
        with engines.started_lakefs(tmp_path_factory.mktemp("lakefs-import"), **allowed) as engine:
            yield engine, folder
    else:
        pytest.skip("a real lakeFS with import from a folder is started from a lakefs binary, and there is none")


@pytest.fixture(scope="session")
def bucket_server():
    """An S3-compatible store."""
    from support.buckets import moto_server  # moto takes a second to load

    with moto_server() as server:
        yield server


@pytest.fixture
def aws(monkeypatch):
    """Credentials as boto3 finds them; no test asks a cloud for any."""
    from support.buckets import KEYS

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS[1])
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def lakefs_on_bucket(bucket_server, tmp_path_factory):
    """A real lakeFS whose objects lie in :func:`bucket_server`; skips where there is no binary."""
    from support.buckets import lakefs_on

    if not engines.BINARY:
        pytest.skip("a lakeFS over the test's store is started from a lakefs binary, and there is none")
    with lakefs_on(bucket_server, tmp_path_factory.mktemp("lakefs-on-bucket")) as server:
        yield server


@pytest.fixture
def receiver():
    """A webhook's other end."""
    made = Receiver()
    yield made
    made.shutdown()
    made.server_close()
