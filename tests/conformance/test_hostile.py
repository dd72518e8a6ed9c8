"""Requests that nobody sends by accident, at the embedded engine."""

from __future__ import annotations

import time

import pytest

JSON = {"Content-Type": "application/json"}


def _staged(repo, **changes):
    address = repo.put("a", b"hello").json["physical_address"]
    body = {"physical_address": address, "checksum": "abc", "size_bytes": 5, **changes}
    return repo.call("PUT", "/branches/main/objects?path=b", json=body)


def test_stored_values_can_not_begin_a_header(embedded_repo):
    assert _staged(embedded_repo, content_type="a/b\r\nX-Evil: 1", checksum="x\r\nX-Evil: 2").status == 201
    for method in ("GET", "HEAD"):
        answer = embedded_repo.get("b", method=method)
        assert answer.status == 200
        assert "X-Evil" not in answer.headers


def test_times_that_no_calendar_has(embedded_repo):
    for moment in (2**62, -(2**62)):
        assert _staged(embedded_repo, mtime=moment).status == 201
        assert embedded_repo.get("b").status == 200
        assert embedded_repo.stat("b").json["mtime"] == moment


@pytest.mark.parametrize("changes", [{"size_bytes": -1}, {"size_bytes": 2**63}, {"mtime": 2**70}, {"size_bytes": True}])
def test_numbers_out_of_range(embedded_repo, changes):
    assert _staged(embedded_repo, **changes).status == 400


def test_numbers_longer_than_python_reads(embedded_repo):
    embedded_repo.put("a")
    digits = "9" * 5000
    assert embedded_repo.call("GET", "/branches", fields={"amount": digits}).status == 400
    for asked in (f"bytes={digits}-", f"bytes=-{digits}", f"bytes=0-{digits}"):
        assert embedded_repo.get("a", headers={"Range": asked}).status == 416
    for expression in (f"main~{digits}", f"main^{digits}"):
        assert embedded_repo.get("a", ref=expression).status == 400


def test_a_range_that_can_be_read_in_many_ways(embedded_repo):
    embedded_repo.put("a")
    began = time.monotonic()
    assert embedded_repo.get("a", headers={"Range": f"bytes={'1-11111111' * 50}x"}).status == 400
    assert time.monotonic() - began < 5


def test_deeply_nested_json(embedded_repo):
    body = b"[" * 200_000
    assert embedded_repo.call("POST", "/branches/main/commits", body=body, headers=JSON).status == 400


def test_linked_address_that_leads_out(embedded_repo, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"hello")
    root = embedded_repo.engine.root
    (root / "linked" / "link").symlink_to(secret)
    for address in (f"local://{secret}", "local://../credentials.json", f"local://{root}/linked/link", "local://link"):
        body = {"staging": {"physical_address": address}, "checksum": "abc", "size_bytes": 5}
        assert embedded_repo.call("PUT", "/branches/main/staging/backing?path=l", json=body).status == 200
        answer = embedded_repo.get("l")
        assert (answer.status, answer.message) == (403, "forbidden")
    (root / "linked" / "link").unlink()


def test_namespace_that_leads_out(embedded_engine):
    body = {"name": "traversal-repo", "storage_namespace": "local://../../elsewhere"}
    assert embedded_engine.call("POST", "/repositories", json=body).status == 201
    answer = embedded_engine.call("GET", "/repositories/traversal-repo/branches/main/staging/backing?path=x")
    assert answer.status == 403


def test_engine_answers_on_after_all_that(embedded_repo):
    assert embedded_repo.put("fine").status == 201
