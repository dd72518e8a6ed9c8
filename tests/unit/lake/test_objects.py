"""Objects on real engines: what goes in comes out, and what is damaged is told apart from what is there."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from lakefs_repro.errors import IntegrityError, InvalidError, NotFoundError
from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.objects import Objects, frame
from lakefs_repro.lake.repository import Server
from lakefs_repro.lake.wire import Wire

ODD_PATHS = ("a b&c=d+e%20f", "ünïcode/☃", "line\nbreak", "back\\slash", "q?x#y", "semi;colon", "~tilde", "'\"")


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


@pytest.mark.parametrize("data", [b"", b"x", b"\x00\xff" * 5000], ids=["empty", "one", "binary"])
def test_bytes_come_back_as_they_went_in(repository, data):
    put = repository.objects.put("main", "d/x.bin", data)
    assert (put.path, put.size, put.checksum) == ("d/x.bin", len(data), md5(data))
    assert repository.objects.get("main", "d/x.bin") == data
    stat = repository.objects.stat("main", "d/x.bin")
    assert (stat.size, stat.checksum, stat.is_prefix) == (len(data), md5(data), False)


def test_a_file_is_streamed(repository):
    data = b"stream" * 100_000
    put = repository.objects.put("main", "x", io.BytesIO(data), size=len(data))
    assert put.checksum == md5(data)
    response = repository.objects.open("main", "x", start=len(data) - 3)
    try:
        assert response.read() == b"eam"
    finally:
        response.release_conn()


@pytest.mark.parametrize("path", ODD_PATHS)
def test_a_path_with_strange_characters_is_kept_exactly(repository, path):
    repository.objects.put("main", path, path.encode())
    assert [o.path for o in repository.objects.list("main")] == [path]
    assert repository.objects.get("main", path) == path.encode()
    assert repository.objects.stat("main", path).path == path
    repository.objects.delete("main", [path])
    assert list(repository.objects.list("main")) == []


def test_what_is_not_there_is_not_found(repository):
    for call in (repository.objects.get, repository.objects.stat):
        with pytest.raises(NotFoundError):
            call("main", "nothing")
        with pytest.raises(NotFoundError):
            call("no-such-branch", "nothing")
    with pytest.raises(NotFoundError):
        repository.objects.probe("main", "nothing", 3)
    repository.objects.delete("main", ["nothing"])  # no error: it is not there


def test_a_listing_is_sorted_by_bytes_and_folds_folders(repository):
    paths = ["a/1", "a/2", "a-b", "b", "é", "z/deep/er"]
    for path in reversed(paths):
        repository.objects.put("main", path, b"")
    listed = list(repository.objects.list("main"))
    assert [o.path for o in listed] == sorted(paths, key=str.encode)
    folded = list(repository.objects.list("main", delimiter="/"))
    assert {o.path for o in folded if o.is_prefix} == {"a/", "z/"}
    assert [o.path for o in repository.objects.list("main", "a/")] == ["a/1", "a/2"]


@pytest.mark.parametrize("data", [b"", b"x", b"xyz"], ids=["empty", "one", "three"])
def test_probing_proves_the_size(repository, data):
    repository.objects.put("main", "x", data)
    repository.objects.probe("main", "x", len(data))
    for wrong in {0, 1, 2, 3, 4} - {len(data)}:
        with pytest.raises(IntegrityError):
            repository.objects.probe("main", "x", wrong)


def test_more_than_a_thousand_deletions_go_in_batches(scripted, wire):
    scripted.say(*[(200, {}, b'{"errors": []}')] * 3)
    Objects(wire, "repo").delete("main", (f"{n}" for n in range(2001)))
    assert len(scripted.seen) == 3


def test_a_deletion_that_the_server_refuses_is_an_error(scripted, wire):
    answer = b'{"errors": [{"status_code": 404, "path": "a"}, {"status_code": 403, "path": "b", "message": "no"}]}'
    scripted.say((200, {}, answer))
    with pytest.raises(IntegrityError, match="'b'"):
        Objects(wire, "repo").delete("main", ["a", "b"])


def test_deleting_nothing_asks_nothing(scripted, wire):
    Objects(wire, "repo").delete("main", [])
    assert scripted.seen == []


# Damage: only the embedded engine's store can be damaged from here; tests/conformance holds the real one's answers.


@pytest.fixture
def damaged(fresh_engine):
    """An engine of this test's own with one object of 1 MiB and one empty one, and the folder of its blocks."""
    login = Endpoint(fresh_engine.endpoint, fresh_engine.access_key_id, fresh_engine.secret_access_key)
    repository = Server(Wire(login)).repository(fresh_engine.new_repository())
    data = b"0123456789abcdef" * 65536
    repository.objects.put("main", "x", data)
    repository.objects.put("main", "empty", b"")
    blocks = [p for p in fresh_engine.root.rglob("*") if p.is_file() and p.stat().st_size == len(data)]
    assert len(blocks) == 1
    return repository, blocks[0], len(data)


def test_an_object_that_was_cut_off_is_found_by_its_last_byte(damaged):
    repository, block, size = damaged
    block.chmod(0o600)
    with block.open("r+b") as file:
        file.truncate(size - 1)
    assert repository.objects.stat("main", "x").size == size
    with pytest.raises(IntegrityError) as caught:
        repository.objects.probe("main", "x", size)
    assert caught.value.kind == "truncated"
    repository.objects.probe("main", "empty", 0)


def test_an_object_whose_bytes_are_gone_is_found(damaged):
    repository, block, size = damaged
    block.unlink()
    assert repository.objects.stat("main", "x").size == size
    with pytest.raises(IntegrityError) as caught:
        repository.objects.probe("main", "x", size)
    assert caught.value.kind in {"object-gone", "truncated"}


def test_a_cut_off_answer_to_a_probe_means_a_cut_off_object(scripted, wire):
    def short(handler):
        handler.send_response_only(206)
        handler.send_header("Content-Length", "1")
        handler.send_header("Content-Range", "bytes 9-9/10")
        handler.end_headers()
        handler.close_connection = True

    scripted.say(*[short] * 9)
    with pytest.raises(IntegrityError) as caught:
        Objects(wire, "repo").probe("main", "x", 10)
    assert caught.value.kind == "truncated"


# The bulk roads of the embedded engine.


def test_frames_say_their_length_first():
    raw = frame("a/ü", b"body")
    length = int.from_bytes(raw[:4], "big")
    assert raw[4 : 4 + length] == b'{"path": "a/\\u00fc", "size": 4}'
    assert raw[4 + length :] == b"body"


def test_many_objects_in_one_request_are_as_if_sent_one_by_one(embedded_repository):
    objects = embedded_repository.objects
    files = {"a": b"", "b/ü": b"1", "c\nd": b"22", "b/z": b"x" * 70_000}
    results = objects.put_frames("main", [frame(p, d) for p, d in files.items()])
    assert [(r["path"], r["checksum"]) for r in results] == [(p, md5(d)) for p, d in files.items()]
    assert {o.path: objects.get("main", o.path) for o in objects.list("main")} == files


def test_bulk_upload_to_a_branch_that_is_not_there_is_not_found(embedded_repository):
    with pytest.raises(NotFoundError):
        embedded_repository.objects.put_frames("nowhere", [frame("a", b"")])


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/b", "", ".hidden"])
def test_the_local_road_takes_plain_names_only(embedded_repository, name):
    with pytest.raises(InvalidError):
        embedded_repository.objects.put_local("main", "x", file=name, size=1, sha256="0" * 64, md5="0" * 32)


# Presigned multipart: on a real lakeFS before an S3 store.


@pytest.fixture
def multipart_repository(engine):
    login = Endpoint(engine.endpoint, engine.access_key_id, engine.secret_access_key)
    server = Server(Wire(login))
    if not server.info().presign_multipart:
        pytest.skip(
            f"the lakeFS at {urlsplit(engine.endpoint).netloc} has no presigned multipart uploads: "
            "name one before an S3 store with LAKECTL_*"
        )
    return server.repository(engine.new_repository())


def test_parts_become_one_object_with_the_checksum_that_s3_gives(multipart_repository):
    objects = multipart_repository.objects
    parts = [b"a" * (5 << 20), b"b" * 1000]
    upload, address, urls = objects.start_multipart("main", "big/ü x", 2)
    etags = [objects.put_part(url, part, {}) for url, part in zip(urls, parts, strict=True)]
    assert etags == [md5(part) for part in parts]
    made = objects.finish_multipart("main", "big/ü x", upload, address, etags)
    whole = hashlib.md5(b"".join(hashlib.md5(p).digest() for p in parts)).hexdigest()
    assert made.checksum == f"{whole}-2"
    assert made.size == sum(map(len, parts))
    objects.probe("main", "big/ü x", made.size)


def test_a_part_with_another_md5_is_refused_by_the_store(multipart_repository):
    objects = multipart_repository.objects
    upload, address, (url,) = objects.start_multipart("main", "x", 1)
    with pytest.raises(IntegrityError) as caught:
        objects.put_part(url, b"abc", {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="})
    assert caught.value.kind == "part-refused"
    assert urlsplit(url).query not in str(caught.value)
    objects.abort_multipart("main", "x", upload, address)
    with pytest.raises(NotFoundError):
        objects.stat("main", "x")


def test_the_port_loads_neither_the_sdk_nor_the_engine():
    code = "import sys, lakefs_repro.lake.repository; print('sqlite3' in sys.modules, 'lakefs_sdk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
