"""Every road takes the same bytes to the same place, and notices when they are not what was hashed."""

from __future__ import annotations

import hashlib
import os
import resource
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from lakefs_repro.errors import IntegrityError, LakefsReproError, NotFoundError, UnavailableError
from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.repository import Server
from lakefs_repro.lake.values import ServerInfo
from lakefs_repro.lake.wire import Retry, Wire
from lakefs_repro.testing.faults import FaultPlan, FaultProxy
from lakefs_repro.transfer.hashing import hash_bytes, hash_file
from lakefs_repro.transfer.upload import (
    LOCAL_FROM,
    MAX_PARTS,
    MULTIPART_FROM,
    PART,
    SMALL,
    Roads,
    Upload,
    Uploader,
    multipart_checksum,
    part_size_of,
)


def connect(engine, url=""):
    login = Endpoint(url or engine.endpoint, engine.access_key_id, engine.secret_access_key)
    return Server(Wire(login, timeout_s=20, retry=Retry(sleep=lambda _: None)))


@pytest.fixture
def lake(embedded_engine):
    """A fresh repository of the embedded engine and the roads that it offers."""
    server = connect(embedded_engine)
    return server.repository(embedded_engine.new_repository()), Roads.of(server.info())


def upload_of(folder, path, data):
    file = folder / hashlib.sha256(path.encode()).hexdigest()[:12]
    file.write_bytes(data)
    return Upload(path, file, hash_file(file))


ROADS = {
    "one by one": lambda roads: Roads(),
    "bulk": lambda roads: Roads(bulk=True),
    "local": lambda roads: Roads(incoming=roads.incoming),
    "all": lambda roads: roads,
}


@pytest.mark.parametrize("road", ROADS)
def test_every_road_gives_the_same_result(lake, tmp_path, road):
    repository, roads = lake
    sizes = [0, 1, 10_000, SMALL, SMALL + 1, LOCAL_FROM - 1, LOCAL_FROM]
    files = {f"d/{n} ü": os.urandom(n) for n in sizes}
    told = []
    uploader = Uploader(repository.objects, ROADS[road](roads), threads=3)
    uploader.send("main", [upload_of(tmp_path, p, d) for p, d in files.items()], lambda n, b: told.append((n, b)))
    listed = {o.path: (o.size, o.checksum) for o in repository.objects.list("main")}
    assert listed == {p: (len(d), hashlib.md5(d).hexdigest()) for p, d in files.items()}
    for path, data in files.items():
        assert repository.objects.get("main", path) == data
    assert sum(n for n, _ in told) == len(sizes)
    assert sum(b for _, b in told) == sum(sizes)


def test_bytes_in_memory_go_the_same_way(lake):
    repository, roads = lake
    for each in (Roads(), roads):
        data = os.urandom(SMALL + 5)
        Uploader(repository.objects, each).send("main", [Upload("m", data, hash_bytes(data))])
        assert repository.objects.get("main", "m") == data


def test_the_embedded_engine_offers_its_roads(lake):
    _, roads = lake
    assert roads.bulk
    assert roads.incoming is not None
    assert roads.multipart


def test_on_the_embedded_engine_a_large_file_is_handed_over_and_not_cut_up(lake, tmp_path):
    repository, roads = lake
    upload = upload_of(tmp_path, "big", os.urandom(MULTIPART_FROM))
    Uploader(repository.objects, roads).send("main", [upload])
    assert repository.objects.stat("main", "big").checksum == upload.hashes.md5


def test_a_folder_that_can_not_be_written_is_no_road(tmp_path):
    def info(incoming):
        extensions = {"local_upload": {"incoming": str(incoming)}}
        return ServerInfo(
            "1", "local", presign=False, presign_multipart=False, namespace_prefix="", extensions=extensions
        )

    assert Roads.of(info(tmp_path)).incoming == tmp_path
    assert Roads.of(info(tmp_path / "another-machine-s")).incoming is None
    assert Roads.of(ServerInfo("1", "s3", presign=True, presign_multipart=True, namespace_prefix="")) == Roads(
        multipart=True
    )


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("size", [100, SMALL + 1, LOCAL_FROM])
def test_a_file_that_changed_since_it_was_hashed_is_refused(lake, tmp_path, road, size):
    repository, roads = lake
    upload = upload_of(tmp_path, "x", b"a" * size)
    for changed in (b"b" * size, b"a" * (size - 1), b"a" * (size + 1)):
        upload.source.write_bytes(changed)
        with pytest.raises(LakefsReproError) as caught:
            Uploader(repository.objects, ROADS[road](roads)).send("main", [upload])
        assert isinstance(caught.value, IntegrityError), caught.value
        assert caught.value.kind == "source-changed"
        assert "x" in caught.value.message
    assert roads.incoming is not None
    assert list(roads.incoming.iterdir()) == []


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("size", [100, SMALL + 1, LOCAL_FROM])
def test_a_file_that_went_away_since_it_was_hashed_is_named(lake, tmp_path, road, size):
    repository, roads = lake
    upload = upload_of(tmp_path, "x", b"a" * size)
    upload.source.unlink()
    with pytest.raises(NotFoundError) as caught:
        Uploader(repository.objects, ROADS[road](roads)).send("main", [upload])
    assert caught.value.kind == "unreadable-file"
    assert upload.source.name in caught.value.message


def test_overwriting_a_source_later_changes_nothing_stored(lake, tmp_path):
    repository, roads = lake
    upload = upload_of(tmp_path, "x", b"a" * LOCAL_FROM)
    Uploader(repository.objects, roads).send("main", [upload])
    with upload.source.open("r+b") as file:  # in place: the same inode
        file.write(b"overwritten")
    assert repository.objects.get("main", "x") == b"a" * LOCAL_FROM


@pytest.mark.parametrize("word", ["drop-reply", "drop", "503", "late-503", "429"])
def test_small_uploads_survive_a_bad_connection(embedded_engine, tmp_path, word):
    repository = connect(embedded_engine).repository(embedded_engine.new_repository())
    for roads in (Roads(), Roads(bulk=True)):
        with FaultProxy(embedded_engine.endpoint, FaultPlan(word, method="POST", path="/objects")) as proxy:
            through = connect(embedded_engine, proxy.url).repository(repository.name)
            files = {f"{n}": os.urandom(50) for n in range(5)}
            Uploader(through.objects, roads).send("main", [upload_of(tmp_path, p, d) for p, d in files.items()])
        assert {o.path: repository.objects.get("main", o.path) for o in repository.objects.list("main")} == files


def test_an_answer_for_too_few_objects_is_no_success(embedded_engine, tmp_path):
    objects = connect(embedded_engine).repository(embedded_engine.new_repository()).objects

    class Forgetful:
        def put_frames(self, branch, frames):
            return objects.put_frames(branch, frames)[:-1]

    uploads = [upload_of(tmp_path, f"{n}", b"x") for n in range(3)]
    with pytest.raises(IntegrityError) as caught:
        Uploader(Forgetful(), Roads(bulk=True)).send("main", uploads)
    assert caught.value.kind == "upload-incomplete"


@pytest.mark.parametrize("size", [MULTIPART_FROM, PART * MAX_PARTS, PART * MAX_PARTS + 1, 5 << 40])
def test_parts_are_never_more_than_s3_takes(size):
    part = part_size_of(size)
    assert part >= PART
    assert -(-size // part) <= MAX_PARTS


def test_the_checksum_of_parts_is_s3_s(tmp_path):
    (tmp_path / "x").write_bytes(b"a" * 10 + b"b" * 3)
    digests = hashlib.md5(b"a" * 10).digest() + hashlib.md5(b"b" * 3).digest()
    assert multipart_checksum(tmp_path / "x", 10) == hashlib.md5(digests).hexdigest() + "-2"


def test_a_large_file_goes_in_parts_where_the_server_signs_them(engine, tmp_path):
    server = connect(engine)
    roads = replace(Roads.of(server.info()), incoming=None)
    if not roads.multipart:
        pytest.skip(
            f"the lakeFS at {urlsplit(engine.endpoint).netloc} has no presigned multipart uploads: "
            "name one before an S3 store with LAKECTL_*"
        )
    repository = server.repository(engine.new_repository())
    upload = upload_of(tmp_path, "big", os.urandom(MULTIPART_FROM + 1))
    Uploader(repository.objects, roads).send("main", [upload])
    stored = repository.objects.stat("main", "big")
    assert stored.checksum == multipart_checksum(upload.source, PART)
    assert hash_bytes(repository.objects.get("main", "big")) == upload.hashes
    with upload.source.open("r+b") as file:
        file.write(b"changed")
    with pytest.raises(IntegrityError) as caught:
        Uploader(repository.objects, roads).send("main", [upload])
    assert caught.value.kind == "source-changed"


def test_full_disk_of_the_engine_is_not_an_unreadable_source(lake, tmp_path):
    repository, roads = lake
    upload = upload_of(tmp_path, "big", os.urandom(LOCAL_FROM))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LOCAL_FROM // 2, limits[1]))
    try:
        with pytest.raises(UnavailableError, match="disk of the embedded engine is full") as caught:
            Uploader(repository.objects, Roads(incoming=roads.incoming)).send("main", [upload])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.kind == "server-disk-full"
    assert list(roads.incoming.iterdir()) == []
