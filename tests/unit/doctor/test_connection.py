"""What can be told of a server before a repository is named."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lakefs_repro.doctor.connection import check_connection, storage_finding, version_finding
from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.values import ServerInfo


def endpoint_of(engine, **other) -> Endpoint:
    said = {
        "url": engine.endpoint,
        "access_key_id": engine.access_key_id,
        "secret_access_key": engine.secret_access_key,
    }
    return Endpoint(**{**said, **other})


def info(**other) -> ServerInfo:
    said = {"version": "1.84.0", "blockstore": "s3", "presign": True, "presign_multipart": True, "namespace_prefix": ""}
    return ServerInfo(**{**said, **other})


def states(findings) -> dict[str, str]:
    return {f.check: f.state for f in findings}


def test_a_good_server_is_ok_throughout(engine):
    found = check_connection(endpoint_of(engine))
    assert states(found) == dict.fromkeys(("endpoint", "credentials", "server-version", "storage", "clock"), "ok")


def test_where_nothing_answers_only_that_is_said():
    (found,) = check_connection(Endpoint("http://127.0.0.1:1", "key", "secret"))
    assert (found.check, found.state) == ("endpoint", "problem")
    assert "127.0.0.1:1" in found.message
    assert "LAKECTL_SERVER_ENDPOINT_URL" in found.hint


def test_wrong_credentials_are_told_from_a_dead_server(engine):
    found = check_connection(endpoint_of(engine, secret_access_key="wrong"))
    assert states(found) == {"endpoint": "ok", "credentials": "problem"}
    assert engine.access_key_id in found[-1].message
    assert "wrong" not in found[-1].message


def test_a_server_of_another_kind_is_no_lakefs(web_server):
    (found,) = check_connection(Endpoint(web_server, "key", "secret"))
    assert found.state == "problem"
    assert "no lakeFS server" in found.message


def test_a_page_instead_of_an_answer_is_no_lakefs(web_server):
    found = check_connection(Endpoint(f"{web_server}/pages", "key", "secret"))
    assert found[-1].check == "endpoint"
    assert "no lakeFS server" in found[-1].message


@pytest.mark.parametrize(
    ("off", "words"), [(timedelta(hours=3), "3 hours ahead of"), (-timedelta(minutes=5), "5 minutes behind")]
)
def test_a_clock_that_is_off_is_a_warning(engine, off, words):
    found = check_connection(endpoint_of(engine), now=lambda: datetime.now(tz=timezone.utc) + off)
    clock = found[-1]
    assert (clock.check, clock.state) == ("clock", "warning")
    assert words in clock.message


def test_a_clock_within_a_minute_is_right(engine):
    found = check_connection(endpoint_of(engine), now=lambda: datetime.now(tz=timezone.utc) + timedelta(seconds=50))
    assert states(found)["clock"] == "ok"


@pytest.mark.parametrize(
    ("version", "state", "words"),
    [
        ("1.84.0", "ok", "1.84.0"),
        ("1.86.2", "ok", "1.86.2"),
        ("1.87.0", "warning", "Business Source License"),
        ("2.0.1", "warning", "Business Source License"),
        ("1.60.0", "warning", "older than 1.84"),
        ("dev-abc", "warning", "no release"),
    ],
)
def test_versions_that_were_not_tried_are_named(version, state, words):
    found = version_finding(info(version=version), "lakefs")
    assert found.state == state
    assert words in found.message


def test_storage_names_the_roads_that_bytes_take(tmp_path):
    assert "presigned multipart" in storage_finding(info()).message
    assert "hashed straight from the store, presigned" in storage_finding(info()).message
    assert "hashed through the server" in storage_finding(info(presign=False)).message
    assert "one request each" in storage_finding(info(presign_multipart=False)).message
    embedded = info(extensions={"bulk_upload": {"path": "/"}, "local_upload": {"incoming": str(tmp_path)}})
    assert "many small files in one request" in storage_finding(embedded).message
    assert str(tmp_path) in storage_finding(embedded).message


def test_storage_in_memory_is_a_problem():
    assert storage_finding(info(blockstore="mem")).state == "problem"


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path.startswith("/pages") else 403)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *args):
        pass


@pytest.fixture
def web_server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()
