"""Folders that were moved or copied, with objects in them that were linked."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import urllib3
from support import engines

from lakefs_repro.embedded.inspection import check

POOL = urllib3.PoolManager()
BACKING = "/repositories/here/branches/main/staging/backing"


def begin(engine) -> None:
    made = {"name": "here", "storage_namespace": "local://here", "default_branch": "main"}
    assert engine.call("POST", "/repositories", json=made).status == 201


def issue(engine, path, data) -> str:
    """An address with data at it, and not linked yet."""
    issued = engine.call("GET", BACKING, fields={"path": path, "presign": True}).json
    assert POOL.request("PUT", issued["presigned_url"], body=data).status == 200
    return issued["physical_address"]


def link(engine, path, address, data):
    body = {
        "staging": {"physical_address": address},
        "checksum": hashlib.md5(data).hexdigest(),
        "size_bytes": len(data),
    }
    return engine.call("PUT", BACKING, fields={"path": path}, json=body)


def read(engine, path) -> bytes:
    answer = engine.call("GET", "/repositories/here/refs/main/objects", fields={"path": path})
    assert answer.status == 200, answer.data
    return answer.data


def read_by_url(engine, path) -> bytes:
    fields = {"path": path, "presign": True}
    stats = engine.call("GET", "/repositories/here/refs/main/objects/stat", fields=fields).json
    return POOL.request("GET", stats["physical_address"]).data


def commit(engine) -> None:
    assert engine.call("POST", "/repositories/here/branches/main/commits", json={"message": "m"}).status == 201


@pytest.fixture
def moved(tmp_path):
    """A folder that was moved with a committed, a staged and a pending object, and the pending one's address."""
    with engines.embedded(tmp_path / "old") as engine:
        begin(engine)
        assert link(engine, "committed", issue(engine, "committed", b"one"), b"one").status == 200
        commit(engine)
        assert link(engine, "staged", issue(engine, "staged", b"two"), b"two").status == 200
        pending = issue(engine, "pending", b"three")
    (tmp_path / "old").rename(tmp_path / "new")
    return tmp_path / "new", pending


def test_what_was_linked_is_there_after_a_move(moved):
    root, pending = moved
    assert "missing" not in str(check(root, deep=True))
    with engines.embedded(root) as engine:
        assert link(engine, "pending", pending, b"three").status == 200
        for path, data in (("committed", b"one"), ("staged", b"two"), ("pending", b"three")):
            assert read(engine, path) == read_by_url(engine, path) == data
        assert engine.call(
            "POST",
            "/repositories/here/branches/main/objects/copy",
            json={"src_path": "staged"},
            fields={"dest_path": "c"},
        ).status in {200, 201}
        assert read(engine, "c") == b"two"
        commit(engine)
    back = root.with_name("third")
    root.rename(back)
    with engines.embedded(back) as engine:
        assert {read(engine, path) for path in ("committed", "staged", "pending")} == {b"one", b"two", b"three"}
    assert "missing" not in str(check(back))


def test_moving_does_not_free_an_address_of_its_signature(moved):
    root, pending = moved
    with engines.embedded(root) as engine:
        unsigned = pending.partition(",")[0]
        assert link(engine, "pending", unsigned, b"three").status == 400
        assert link(engine, "pending", pending.replace("/data/", "/./data/"), b"three").status == 400
        assert link(engine, "other", pending, b"three").status == 400


def test_collection_still_hears_of_what_is_staged(moved):
    root, _ = moved
    with engines.embedded(root) as engine:
        answer = engine.call("POST", "/repositories/here/gc/prepare_uncommited", json={})
        assert answer.status == 201, answer.data
        (file,) = Path(answer.json["gc_uncommitted_location"].removeprefix("local://")).glob("*.parquet")
        names = pq.read_table(file).column("physical_address").to_pylist()
        assert [(root / "linked" / "here" / name).read_bytes() for name in names] == [b"two"]


def test_missing_file_of_a_moved_folder_is_found(moved):
    root, _ = moved
    (file,) = [path for path in (root / "linked").rglob("*") if path.is_file() and path.read_bytes() == b"one"]
    file.unlink()
    assert f"{file}, which is missing" in str(check(root))


def test_copy_keeps_to_itself(tmp_path):
    """The original runs on, and changes nothing in the copy."""
    with engines.embedded(tmp_path / "old") as engine:
        begin(engine)
        address = issue(engine, "a", b"one")
        assert link(engine, "a", address, b"one").status == 200
    shutil.copytree(tmp_path / "old", tmp_path / "copy")
    for file in (tmp_path / "old" / "linked").rglob("*"):
        if file.is_file():
            file.write_bytes(b"two")
    with engines.embedded(tmp_path / "copy") as engine:
        assert read(engine, "a") == b"one"
