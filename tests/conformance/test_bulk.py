"""What the embedded engine offers beyond lakeFS' API."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from urllib.parse import quote

import pytest

BULK = "application/vnd.lakefs-repro.bulk.v1"


def frame(path, data, **header):
    text = json.dumps({"path": path, "size": len(data), **header}).encode()
    return struct.pack(">I", len(text)) + text + data


def upload(repo, body, *, branch="main"):
    return repo.call("POST", f"/branches/{branch}/objects/bulk", body=body, headers={"Content-Type": BULK})


def frames_of(data):
    found = []
    while data:
        (length,) = struct.unpack(">I", data[:4])
        header = json.loads(data[4 : 4 + length])
        end = 4 + length + header.get("size", 0)
        found.append((header, data[4 + length : end]))
        data = data[end:]
    return found


@pytest.fixture
def repo(embedded_repo):
    return embedded_repo


def test_it_is_advertised(embedded_engine):
    said = embedded_engine.call("GET", "/config").json["embedded"]
    assert said["bulk_upload"]["content_type"] == BULK
    assert set(said) >= {"bulk_download", "local_upload", "engine_version", "root_id", "format"}


def test_bulk_upload_is_like_single_uploads(repo):
    files = {f"d/{number}": os.urandom(size) for number, size in enumerate((0, 1, 5000, 65_536, 65_537, 2_000_000))}
    body = b"".join(frame(path, data, content_type="text/q", user_metadata={"K": "v"}) for path, data in files.items())
    answer = upload(repo, body)
    assert answer.status == 200
    assert answer.json["results"] == [
        {"path": path, "checksum": hashlib.md5(data).hexdigest(), "size_bytes": len(data), "status": 201}
        for path, data in files.items()
    ]
    for path, data in files.items():
        assert repo.get(path).data == data
        assert repo.stat(path).json["metadata"] == {"k": "v"}
        assert repo.stat(path).json["content_type"] == "text/q"
    assert repo.commit().status == 201
    for path, data in files.items():
        assert repo.put(path, data, headers={"Content-Type": "text/q", "x-lakefs-meta-k": "v"}).status == 201
    assert repo.staged() == []


def test_many_small_files_over_several_batches(repo):
    files = {f"f{number:05d}": str(number).encode() for number in range(3500)}
    answer = upload(repo, iter([frame(path, data) for path, data in files.items()]))
    assert [each["path"] for each in answer.json["results"]] == list(files)
    assert {each["status"] for each in answer.json["results"]} == {201}
    paths = list(files)
    got = repo.call("POST", "/refs/main/objects/bulk", json={"paths": paths})
    assert got.headers["Content-Type"] == BULK
    assert [(header["path"], data) for header, data in frames_of(got.data)] == list(files.items())


def test_bad_items_do_not_stop_the_good_ones(repo):
    repo.put("there")
    body = frame("", b"1") + frame("x" * 1025, b"1") + frame("there", b"2", if_absent=True) + frame("good", b"3")
    results = upload(repo, body).json["results"]
    assert [each["status"] for each in results] == [400, 400, 412, 201]
    assert repo.get("good").data == b"3"
    assert repo.get("there").data == b"x"


@pytest.mark.parametrize(
    "body", [b"\0\0\0\5{bad}", b"\0\0", frame("a", b"123")[:-1], b"\0\0\0\2{}", b"\xff\xff\xff\xff"]
)
def test_malformed_streams(repo, body):
    assert upload(repo, body).status == 400


def test_where_one_can_not_write(repo):
    assert upload(repo, frame("a", b"1"), branch="nope").status == 404
    repo.call("PUT", "/settings/branch_protection", json=[{"pattern": "main"}])
    assert upload(repo, frame("a", b"1")).status == 403
    assert repo.call("POST", "/branches/main/objects/bulk", body=b"").status == 415


def test_download_says_what_is_missing(repo):
    large = os.urandom(300_000)
    repo.put("a", b"1")
    repo.put("large", large)
    answer = repo.call("POST", "/refs/main/objects/bulk", json={"paths": ["nope", "large", "a"]})
    (missing, _), (second, data), (third, _) = frames_of(answer.data)
    assert missing == {"path": "nope", "status": 404, "message": "not found"}
    assert (second["size"], second["checksum"], data) == (len(large), hashlib.md5(large).hexdigest(), large)
    assert third["path"] == "a"
    assert repo.call("POST", "/refs/none/objects/bulk", json={"paths": []}).status == 404
    assert repo.call("POST", "/refs/main/objects/bulk", json={"paths": [1]}).status == 400


def test_every_object_of_a_bulk_request_is_in_the_access_log(repo):
    upload(repo, frame("é/a b", b"123") + frame("b", b""))
    lines = (repo.engine.root / "access.log").read_text().splitlines()
    mine = [line.split(" ") for line in lines if f"/{repo.name}/" in line and "PUT-BULK" in line]
    path = f"/api/v1/repositories/{repo.name}/branches/main/objects?path={quote('é/a b', safe='')}"
    assert next(line[1:] for line in mine) == ["PUT-BULK", path, "201", "3", "0"]
    assert len(mine) == 2


class TestLocalRoad:
    @pytest.fixture
    def incoming(self, repo):
        return repo.engine.root / "incoming"

    def _send(self, repo, data, **changes):
        body = {
            "path": "big",
            "file": "one.bin",
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "md5": hashlib.md5(data).hexdigest(),
            **changes,
        }
        return repo.call("POST", "/branches/main/objects/local", json=body)

    def test_file_is_taken_over(self, repo, incoming):
        data = os.urandom(300_000)
        (incoming / "one.bin").write_bytes(data)
        answer = self._send(repo, data, content_type="text/q", user_metadata={"K": "v"})
        assert answer.status == 201
        assert answer.json["checksum"] == hashlib.md5(data).hexdigest()
        assert answer.json["metadata"] == {"k": "v"}
        assert repo.get("big").data == data
        assert list(incoming.iterdir()) == []

    def test_wrong_digest_or_size(self, repo, incoming):
        for changes in ({"sha256": "0" * 64}, {"size": 4}):
            (incoming / "one.bin").write_bytes(b"12345")
            assert self._send(repo, b"12345", **changes).status == 400
            assert repo.get("big").status == 404

    @pytest.mark.parametrize("name", ["../one.bin", "/etc/passwd", "a/b", "..", ".", "", "a\0b"])
    def test_path_traversal(self, repo, incoming, name):
        assert self._send(repo, b"12345", file=name).status == 400

    def test_only_a_plain_file_of_its_own_is_taken(self, repo, incoming, tmp_path):
        target = tmp_path / "elsewhere"
        target.write_bytes(b"12345")
        (incoming / "link").symlink_to(target)
        assert self._send(repo, b"12345", file="link").status == 400
        os.link(target, incoming / "hard")
        assert self._send(repo, b"12345", file="hard").status == 400
        (incoming / "folder").mkdir()
        assert self._send(repo, b"12345", file="folder").status == 400
        assert self._send(repo, b"12345", file="missing").status == 404
        (incoming / "link").unlink()
        (incoming / "hard").unlink()
        (incoming / "folder").rmdir()
        assert target.read_bytes() == b"12345"


def test_what_is_not_offered_says_so(embedded_repo):
    answer = embedded_repo.call("PUT", "/refs/dump")
    assert answer.status == 501
    assert answer.message == "dumpRefs is not implemented by the embedded engine of lakefs-repro"


def test_later_frame_of_one_path_wins_over_batches(repo):
    frames = [frame("same", str(number).encode()) for number in range(3000)]
    assert upload(repo, iter(frames)).status == 200
    assert repo.get("same").data == b"2999"


def test_half_a_surrogate_is_refused(repo):
    body = b'{"path": "a\\ud800", "size": 1}'
    assert upload(repo, struct.pack(">I", len(body)) + body + b"x").status == 400
    headers = {"Content-Type": "application/json"}
    answer = repo.call("POST", "/branches/main/commits", body=b'{"message": "\\ud800"}', headers=headers)
    assert answer.status == 400
