"""Damage to what is stored, seen over HTTP as a client would."""

from __future__ import annotations

import hashlib
import os

import pytest
import urllib3

from lakefs_repro.embedded.locate import locate


def _put(engine, repository, path, data):
    answer = engine.call("POST", f"/repositories/{repository}/branches/main/objects", fields={"path": path}, body=data)
    assert answer.status == 201
    return answer


def _get(engine, repository, path, **headers):
    fields = {"path": path}
    return engine.call("GET", f"/repositories/{repository}/refs/main/objects", fields=fields, headers=headers)


@pytest.fixture(params=[10_000, 300_000], ids=["packed", "file"])
def damaged(request, fresh_engine):
    """An engine with one object, its bytes, and the place where they lie."""
    repository = fresh_engine.new_repository()
    data = os.urandom(request.param)
    _put(fresh_engine, repository, "a", data)
    place = locate(fresh_engine.root, hashlib.sha256(data).hexdigest())
    assert place.file.read_bytes()[place.start : place.start + place.length] == data
    return fresh_engine, repository, data, place


def test_equal_content_is_stored_once(fresh_engine):
    repository = fresh_engine.new_repository()
    for size in (10_000, 300_000):
        data = os.urandom(size)
        used = []
        for path in ("a", "b", "c"):
            _put(fresh_engine, repository, path, data)
            folders = (fresh_engine.root / "packs", fresh_engine.root / "blocks")
            used.append(sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file()))
        assert used[0] == used[1] == used[2]


def test_deleted_file_is_gone_on_reading_and_there_for_stat(damaged):
    engine, repository, _, place = damaged
    place.file.unlink()
    for headers in ({}, {"Range": "bytes=-1"}, {"Range": "bytes=0-0"}):
        answer = _get(engine, repository, "a", **headers)
        assert (answer.status, answer.message) == (410, "No data")
    stat = engine.call("GET", f"/repositories/{repository}/refs/main/objects/stat?path=a")
    head = engine.call("HEAD", f"/repositories/{repository}/refs/main/objects?path=a")
    assert (stat.status, head.status) == (200, 200)


def test_truncated_file_never_gives_short_data(damaged):
    engine, repository, data, place = damaged
    os.truncate(place.file, place.start + place.length - 1)
    for headers in ({}, {"Range": "bytes=-1"}):
        with pytest.raises(urllib3.exceptions.ProtocolError):  # as from lakeFS: its headers were out already
            _get(engine, repository, "a", **headers)
    first = _get(engine, repository, "a", Range="bytes=0-99")
    if first.status == 206:
        assert first.data == data[:100]
    bulk = engine.call("POST", f"/repositories/{repository}/refs/main/objects/bulk", json={"paths": ["a"]})
    assert b'"status":500' in bulk.data


def test_flipped_bit_is_served_as_lakefs_would(damaged):
    engine, repository, data, place = damaged
    with place.file.open("r+b") as file:
        file.seek(place.start + 7)
        file.write(bytes([data[7] ^ 1]))
    got = _get(engine, repository, "a")
    assert got.status == 200
    assert got.data != data


@pytest.mark.parametrize("damage", ["delete", "truncate", "flip"])
def test_uploading_again_heals(damaged, damage):
    engine, repository, data, place = damaged
    if damage == "delete":
        place.file.unlink()
    elif damage == "truncate":
        os.truncate(place.file, place.start + 5)
    else:
        with place.file.open("r+b") as file:
            file.seek(place.start)
            file.write(bytes([data[0] ^ 1]))
    _put(engine, repository, "a", data)
    assert _get(engine, repository, "a").data == data


def test_abandoned_upload_leaves_nothing(fresh_engine):
    import socket
    import time
    from base64 import b64encode

    repository = fresh_engine.new_repository()
    host, port = fresh_engine.endpoint.removeprefix("http://").split(":")
    pair = b64encode(f"{fresh_engine.access_key_id}:{fresh_engine.secret_access_key}".encode()).decode()
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"POST /api/v1/repositories/{repository}/branches/main/objects?path=cut HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Basic {pair}\r\nContent-Length: 9000000\r\n\r\n".encode()
        )
        connection.sendall(b"x" * 4_000_000)
        deadline = time.monotonic() + 10
        while not list((fresh_engine.root / "tmp").iterdir()):
            assert time.monotonic() < deadline
    while list((fresh_engine.root / "tmp").iterdir()):
        assert time.monotonic() < deadline
    stat = fresh_engine.call("GET", f"/repositories/{repository}/refs/main/objects/stat?path=cut")
    assert stat.status == 404
