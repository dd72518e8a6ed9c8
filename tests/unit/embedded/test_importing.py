"""Imports on the embedded engine where lakeFS does otherwise, or where the process dies."""

from __future__ import annotations

import os
import sqlite3
import time

import pytest
import urllib3
from support.foreground import foreground


class Client:
    """An engine that imports from ``sources``, with a repository ``rep``."""

    def __init__(self, endpoint, key, secret) -> None:
        self._base = f"{endpoint}/api/v1"
        self._headers = urllib3.make_headers(basic_auth=f"{key}:{secret}")
        self._pool = urllib3.PoolManager(retries=False)
        self.call("POST", "", json={"name": "rep", "storage_namespace": "local://rep"})

    def call(self, method, path, **options):
        return self._pool.request(method, f"{self._base}/repositories{path}", headers=self._headers, **options)

    def start(self, path, destination, kind="object"):
        paths = [{"path": f"local://{path}", "destination": destination, "type": kind}]
        body = {"paths": paths, "commit": {"message": "m"}}
        return self.call("POST", "/rep/branches/main/import", json=body).json()["id"]

    def status(self, import_id):
        return self.call("GET", f"/rep/branches/main/import?id={import_id}").json()

    def done(self, *what):
        import_id = self.start(*what)
        for _ in range(500):
            status = self.status(import_id)
            if status["completed"] or "error" in status:
                return status
            time.sleep(0.01)
        pytest.fail("the import does not end")

    def read(self, path):
        answer = self.call("GET", f"/rep/refs/main/objects?path={path}")
        return answer.data if answer.status == 200 else answer.status

    def paths(self):
        return [each["path"] for each in self.call("GET", "/rep/refs/main/objects/ls").json()["results"]]


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "sources"
    folder.mkdir()
    return folder


@pytest.fixture
def client(tmp_path, sources):
    with foreground(tmp_path / "root", "--allow-import", str(sources)) as access:
        yield Client(*access)


def refused(client, *what) -> str:
    """Why an import fails, which then has changed nothing."""
    client.call("POST", "/rep/branches/main/objects?path=x", body=b"old")
    client.call("POST", "/rep/branches/main/commits", json={"message": "old"})
    status = client.done(*what)
    assert status["completed"] is False
    assert client.paths() == ["x"]
    return status["error"]["message"].removeprefix("import error: error on ingest: ")


def test_what_is_no_file_is_no_object(client, sources):
    (sources / "file").write_bytes(b"data")
    (sources / "link").symlink_to(sources / "file")
    os.mkfifo(sources / "pipe")
    assert refused(client, sources, "x") == f"{sources} is not a regular file"
    assert refused(client, sources / "pipe", "x") == f"{sources}/pipe is not a regular file"
    assert refused(client, sources / "link", "x") == f"open {sources}/link: too many levels of symbolic links"
    assert refused(client, sources / "file", "x", "common_prefix") == f"{sources}/file is not a folder"
    assert refused(client, sources / "file", "") == "the destination of an object can't be empty"
    assert "above maximum length" in refused(client, sources / "file", "x" * 1025)


def test_links_that_lead_out(client, sources, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (sources / "folder").symlink_to(outside)
    (sources / "link").symlink_to(outside / "secret")
    for path, kind in [("link", "object"), ("folder/secret", "object"), ("folder", "common_prefix")]:
        assert refused(client, sources / path, "x", kind).endswith(": forbidden")


def test_a_file_that_becomes_a_link_is_not_followed_out(client, sources, tmp_path):
    (sources / "a").write_bytes(b"data")
    client.done(sources / "a", "a")
    (tmp_path / "secret").write_bytes(b"SECRET")
    (sources / "a").unlink()
    (sources / "a").symlink_to(tmp_path / "secret")
    assert client.read("a") == 403
    assert client.call("POST", "/rep/branches/main/objects/copy?dest_path=c", json={"src_path": "a"}).status == 403


def test_names_that_are_not_utf_8(client, sources):
    os.close(os.open(os.fsencode(sources / "bad") + b"\xff", os.O_CREAT))
    assert refused(client, sources, "x", "common_prefix").endswith("the name is not UTF-8")


def test_the_engine_s_own_files_are_not_imported(tmp_path):
    (tmp_path / "plain").write_bytes(b"data")
    root = tmp_path / "root"
    with foreground(root, "--allow-import", str(tmp_path)) as access:
        client = Client(*access)
        assert refused(client, root / "credentials.json", "x").endswith(": forbidden")
        assert client.done(tmp_path, "p", "common_prefix")["ingested_objects"] == 1
        body = {"physical_address": f"local://{root}/credentials.json", "checksum": "c", "size_bytes": 10}
        assert client.call("PUT", "/rep/branches/main/objects?path=s", json=body).status == 403


def test_without_the_allowance_imported_objects_are_forbidden(tmp_path, sources):
    (sources / "a").write_bytes(b"data")
    with foreground(tmp_path / "root", "--allow-import", str(sources)) as access:
        client = Client(*access)
        done = client.start(sources / "a", "a")
        while not client.status(done)["completed"]:
            time.sleep(0.01)
    with foreground(tmp_path / "root") as access:
        client = Client(*access)
        assert client.read("a") == 403
        assert client.status(done)["completed"] is True
    with foreground(tmp_path / "root", "--allow-import", str(sources)) as access:
        assert Client(*access).read("a") == b"data"


def test_an_engine_that_stops_takes_its_imports_along(tmp_path, sources):
    with (sources / "big").open("wb") as file:
        os.truncate(file.fileno(), 64 << 30)
    (sources / "a").write_bytes(b"data")
    with foreground(tmp_path / "root", "--allow-import", str(sources)) as access:
        interrupted = Client(*access).start(sources, "x", "common_prefix")
    with foreground(tmp_path / "root", "--allow-import", str(sources)) as access:
        client = Client(*access)
        assert client.status(interrupted)["error"] == {"message": "import error: the engine was stopped meanwhile"}
        assert client.paths() == []


def test_a_killed_import_leaves_nothing(tmp_path, sources):
    for number in range(600):
        (sources / f"{number:04d}").write_bytes(b"x")
    with (sources / "zzz").open("wb") as file:
        os.truncate(file.fileno(), 64 << 30)
    root = tmp_path / "root"
    with foreground(root, "--allow-import", str(sources), kill=True) as access:
        client = Client(*access)
        killed = client.start(sources, "x", "common_prefix")
        while client.status(killed)["ingested_objects"] < 500:
            time.sleep(0.01)
    with foreground(root) as access:
        client = Client(*access)
        status = client.status(killed)
        assert status["error"] == {"message": "import error: the engine was stopped meanwhile"}
        assert client.paths() == []
        staged = sqlite3.connect(root / "metadata.sqlite").execute("SELECT COUNT(*) FROM staged").fetchone()
        assert staged == (0,)


def test_many_files(client, sources):
    for number in range(5000):
        (sources / f"{number:04d}").write_bytes(b"%d" % number)
    client.call("POST", "/rep/branches/main/objects?path=p/0000x", body=b"old")
    client.call("POST", "/rep/branches/main/commits", json={"message": "m"})
    assert client.done(sources, "p", "common_prefix")["ingested_objects"] == 5000
    assert client.read("p/4999") == b"4999"
    assert client.read("p/0000x") == 404
