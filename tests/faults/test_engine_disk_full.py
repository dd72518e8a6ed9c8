"""A disk that is really full: 507 on every road, nothing acknowledged is harmed, and once there is room all goes on.

The disk is a small one in memory, which takes the right to mount; elsewhere these tests are skipped, and say so.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys

import pytest
from support import engines

from lakefs_repro.embedded import process
from lakefs_repro.embedded.frames import frame_header
from lakefs_repro.embedded.inspection import check
from lakefs_repro.errors import UnavailableError

SIZE = 48 * 1024 * 1024
PART = 5 * 1024 * 1024
BULK = {"Content-Type": "application/vnd.lakefs-repro.bulk.v1"}
random_bytes = random.Random(7).randbytes


class Disk:
    """A file system of its own, and a file that fills it."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, *, leave: int = 0) -> None:
        """Take all room but ``leave`` bytes."""
        with self._ballast.open("ab", buffering=0) as file:
            while (free := self._free() - leave) > 0:
                try:
                    file.write(b"\0" * min(free, 1 << 20))
                except OSError:
                    return

    def _free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield Disk(folder)
    subprocess.run(["umount", str(folder)], check=True)


class Roads:
    """Every way in which bytes and metadata come in; ``known`` holds what was acknowledged."""

    def __init__(self, engine) -> None:
        self.engine, self.repository = engine, engine.new_repository()
        self.known: dict[str, bytes] = {}
        self._count = 0

    def call(self, method, path, **options):
        return self.engine.call(method, f"/repositories/{self.repository}{path}", **options)

    def _path(self) -> str:
        self._count += 1
        return f"f{self._count:05d}"

    def _kept(self, answer, path, data):
        if answer.status in {200, 201}:
            self.known[path] = data
        return answer

    def upload(self, size, **options):
        path, data = self._path(), random_bytes(size)
        fields = {"path": path}
        return self._kept(self.call("POST", "/branches/main/objects", fields=fields, body=data, **options), path, data)

    def bulk(self, size, count=50):
        sent = {self._path(): random_bytes(size) for _ in range(count)}
        body = b"".join(frame_header({"path": path, "size": size}) + data for path, data in sent.items())
        answer = self.call("POST", "/branches/main/objects/bulk", body=body, headers=BULK)
        if answer.status == 200:
            assert all(each["status"] == 201 for each in answer.json["results"])
            self.known |= sent
        return answer

    def local(self, size):
        """The client itself may find the disk full: what it has written by then is for the engine to refuse."""
        path, data = self._path(), random_bytes(size)
        file = self.engine.root / "incoming" / path
        try:
            file.write_bytes(data)
        except OSError:
            file.unlink()
            return None
        digests = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
        body = {"path": path, "file": path, "size": size, **digests}
        return self._kept(self.call("POST", "/branches/main/objects/local", json=body), path, data)

    def issue(self):
        path = self._path()
        fields = {"path": path, "presign": "true"}
        return path, self.call("GET", "/branches/main/staging/backing", fields=fields)

    def put(self, url, data):
        return self.engine.pool.request("PUT", url, body=data)

    def link(self, path, issued, data):
        md5 = hashlib.md5(data).hexdigest()
        body = {"staging": {"physical_address": issued["physical_address"]}, "checksum": md5, "size_bytes": len(data)}
        answer = self.call("PUT", "/branches/main/staging/backing", fields={"path": path}, json=body)
        return self._kept(answer, path, data)

    def begin(self):
        path = self._path()
        return path, self.call("POST", "/branches/main/staging/pmpu", fields={"path": path, "parts": 2})

    def complete(self, path, begun, sent):
        etags = [hashlib.md5(data).hexdigest() for data in sent]
        parts = [{"part_number": number, "etag": etag} for number, etag in enumerate(etags, 1)]
        body = {"physical_address": begun["physical_address"], "parts": parts}
        answer = self.call("PUT", f"/branches/main/staging/pmpu/{begun['upload_id']}", fields={"path": path}, json=body)
        return self._kept(answer, path, b"".join(sent))

    def commit(self):
        return self.call("POST", "/branches/main/commits", json={"message": "m"})

    def check(self) -> None:
        for path, data in self.known.items():
            answer = self.call("GET", "/refs/main/objects", fields={"path": path})
            assert (answer.status, answer.data == data) == (200, True), path
        said = check(self.engine.root, deep=True)
        assert said.ok, said.troubles
        assert not said.remarks  # these clients claim nothing that is not so


@pytest.fixture
def roads(disk):
    with engines.embedded(disk.folder / "root") as engine:
        made = Roads(engine)
        for size in (10, 60_000, 300_000):
            assert made.upload(size).status == 201
        assert made.commit().status == 201
        yield made
        disk.free()
        assert made.engine.call("GET", "/config").status == 200


def until_full(work, most=3000):
    """Do ``work`` until it is refused; what it answered then."""
    for _ in range(most):
        answer = work()
        if answer is not None and answer.status not in {200, 201, 204}:
            return answer
    raise AssertionError("the disk does not become full")


@pytest.mark.parametrize("leave", [0, 5_000, 150_000, 1_500_000])
def test_uploads_find_the_disk_full_and_go_on_once_there_is_room(roads, disk, leave):
    disk.fill(leave=leave)
    for work in (
        lambda: roads.upload(3_000_000),
        lambda: roads.bulk(30_000),
        lambda: roads.bulk(200_000, 20),
        lambda: roads.upload(100_000),
        lambda: roads.upload(3000),
        lambda: roads.bulk(10),
        lambda: roads.upload(1),
    ):
        answer = until_full(work)
        assert (answer.status, answer.json) == (
            507,
            {"message": "no space left on the engine's disk: nothing was changed"},
        )
    roads.check()
    disk.free()
    assert roads.upload(3_000_000).status == 201
    assert roads.bulk(30_000).status == 200
    assert roads.local(100_000).status == 201
    assert roads.commit().status == 201
    roads.check()


def test_bulk_upload_that_was_half_written_says_so(roads, disk):
    disk.fill(leave=9_000_000)
    answer = roads.bulk(60_000, 300)
    assert (answer.status, answer.json["message"]) == (
        507,
        "no space left on the engine's disk: only some objects were written",
    )
    there = roads.call("GET", "/refs/main/objects/ls", fields={"amount": 1000}).json["results"]
    assert 3 < len(there) < 303
    roads.check()


@pytest.mark.parametrize("leave", [0, 40_000, 400_000])
def test_metadata_finds_the_disk_full(roads, disk, leave):
    for _ in range(30):
        assert roads.upload(10).status == 201
    disk.fill(leave=leave)
    count = 0

    def branch():
        nonlocal count
        count += 1
        return roads.call("POST", "/branches", json={"name": f"b{count}", "source": "main"})

    assert until_full(branch).status == 507
    refused = [
        roads.commit(),
        roads.call("POST", "/tags", json={"id": "t", "ref": "main"}),
        roads.call("DELETE", "/branches/main/objects", fields={"path": "f00001"}),
        roads.call("POST", "/branches/main/objects/copy", fields={"dest_path": "c"}, json={"src_path": "f00002"}),
        roads.call("PUT", "/settings/gc_rules", json={"default_retention_days": 1, "branches": []}),
        roads.engine.call("POST", "/repositories", json={"name": "another", "storage_namespace": "local://another"}),
        roads.call("POST", "/branches/main/objects/delete", json={"paths": ["f00001"]}),
    ]
    assert {answer.status for answer in refused} <= {200, 201, 204, 507}, [answer.data for answer in refused]
    disk.free()
    roads.known.pop("f00001")
    assert roads.call("POST", "/branches/main/objects", fields={"path": "more"}, body=b"x").status == 201
    assert roads.commit().status == 201
    assert roads.call("GET", f"/branches/b{count}").status == 404
    assert roads.call("GET", f"/branches/b{count - 1}").status == (200 if count > 1 else 404)
    roads.check()


@pytest.mark.parametrize("leave", [0, 5_000, 200_000])
def test_presigned_urls_find_the_disk_full(roads, disk, leave):
    path, issued = roads.issue()
    first, second = random_bytes(PART), random_bytes(100_000)
    upload_path, begun = roads.begin()
    urls = begun.json["presigned_urls"]
    assert roads.put(urls[0], first).status == 200
    disk.fill(leave=leave)
    big = random_bytes(3_000_000)
    for url in (issued.json["presigned_url"], urls[1]):
        answer = roads.put(url, big)
        assert (answer.status, b"<Code>StorageFull</Code>" in answer.data) == (507, True), answer.data
    assert roads.complete(upload_path, begun.json, [first]).status == 507
    assert {roads.issue()[1].status, roads.begin()[1].status} <= {200, 201, 507}
    disk.free()
    assert roads.put(urls[1], second).status == 200
    assert roads.complete(upload_path, begun.json, [first, second]).status == 200
    assert roads.put(issued.json["presigned_url"], big).status == 200
    assert roads.link(path, issued.json, big).status == 200
    assert roads.commit().status == 201
    roads.check()


def test_local_road_finds_the_disk_full(roads, disk):
    ready = []
    for _ in range(3):
        path, data = roads._path(), random_bytes(100_000)
        (roads.engine.root / "incoming" / path).write_bytes(data)
        ready.append((path, data))
    disk.fill()
    until_full(lambda: roads.upload(1))
    statuses = set()
    for path, data in ready:
        digests = {"sha256": hashlib.sha256(data).hexdigest(), "md5": hashlib.md5(data).hexdigest()}
        body = {"path": path, "file": path, "size": len(data), **digests}
        answer = roads._kept(roads.call("POST", "/branches/main/objects/local", json=body), path, data)
        statuses.add(answer.status)
    assert statuses <= {201, 507}
    disk.free()
    roads.check()


def test_engine_is_stopped_and_not_started_on_a_full_disk(roads, disk):
    root = roads.engine.root
    disk.fill()
    until_full(lambda: roads.upload(1))
    process.stop(root)
    disk.fill()
    command = [sys.executable, "-m", "lakefs_repro.embedded", "--root", str(root)]
    environment = {**os.environ, "PYTHONPATH": process._module_path()}
    refused = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment)
    assert refused.returncode == 2
    assert f"no space left on the disk of {root}" in refused.stderr
    assert "Traceback" not in refused.stderr
    with pytest.raises(UnavailableError, match="no space left on the disk"):
        process.start(root)
    disk.free()
    info = process.start(root)
    keys = info.access_key_id, info.secret_access_key
    roads.engine = engines.EngineUnderTest("embedded", info.endpoint, *keys, root=root)
    assert roads.upload(10).status == 201
    roads.check()
