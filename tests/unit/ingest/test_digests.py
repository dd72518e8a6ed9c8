"""The SHA-256 of objects that others wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.lakes import Watch, ingest_files, make_context
from support.others import sha256, written_by_others

from lakefs_repro.errors import IntegrityError
from lakefs_repro.ingest.hashing.changes import new_objects
from lakefs_repro.ingest.hashing.digests import gather, known_or_read
from lakefs_repro.snapshot.line import read_line
from lakefs_repro.testing.faults import FaultPlan, FaultProxy


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


def new(ctx, commit):
    return list(new_objects(ctx, read_line(ctx, "flights"), commit))


def test_what_is_new_is_what_the_line_does_not_hold(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1", "b": b"2", "c": b"3"})
    ctx.repository.branches.create("spark", "main")
    ctx.repository.objects.delete("spark", ["flights/c"])
    files = {"flights/a": b"1", "flights/b": b"two", "flights/d": b"4", "elsewhere/e": b"5"}
    commit = written_by_others(ctx, files)
    found = new(ctx, commit)
    assert [(info.path, info.size) for info in found] == [("flights/b", 3), ("flights/d", 1)]
    assert all(info.address and info.checksum for info in found)


def test_before_the_first_ingest_everything_is_new(ctx):
    commit = written_by_others(ctx, {"flights/a": b"1", "flights/b/c": b"2"})
    assert [o.path for o in new(ctx, commit)] == ["flights/a", "flights/b/c"]


def test_what_was_written_again_elsewhere_is_new_though_the_bytes_are_the_same(engine, tmp_path):
    if engine.name == "embedded":
        pytest.skip("the embedded engine keeps equal bytes in one place")
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    ingest_files(ctx, tmp_path, {"a": b"1", "b": b"2"})
    written_by_others(ctx, {"flights/a": b"other"})
    commit = written_by_others(ctx, {"flights/a": b"1"})
    assert [o.path for o in new(ctx, commit)] == ["flights/a"]


def test_objects_are_hashed_whatever_their_size(ctx):
    files = {"flights/empty": b"", "flights/small": b"x" * 1000, "flights/large": bytes(range(256)) * 8000}
    commit = written_by_others(ctx, files)
    found = known_or_read(ctx, "flights", commit, new(ctx, commit))
    assert {path: (d.sha256, d.size, d.by) for path, d in found.items()} == {
        path: (sha256(data), len(data), "client") for path, data in files.items()
    }


def test_an_object_of_another_size_than_promised_is_refused(ctx):
    commit = written_by_others(ctx, {"flights/a": b"12345"})
    info = new(ctx, commit)[0]
    wrong = type(info)(info.path, 6, info.checksum, info.address, info.modified)
    with pytest.raises(IntegrityError) as caught:
        known_or_read(ctx, "flights", commit, [wrong])
    assert caught.value.kind == "size-mismatch"


def test_what_a_worker_hashed_is_not_read_again(ctx):
    commit = written_by_others(ctx, {f"flights/{n}": b"%d" % n for n in range(7)})
    objects = new(ctx, commit)
    worker = gather(ctx, "flights", commit, objects[:4], by="worker")
    assert (worker.read, worker.read_bytes, worker.unproven) == (4, 4, 0)
    client = gather(ctx, "flights", commit, objects)
    assert client.read == 3
    assert [client.digests[o.path].by for o in objects] == ["worker"] * 4 + ["client"] * 3
    assert [client.digests[o.path].sha256 for o in objects] == [sha256(b"%d" % n) for n in range(7)]


def test_a_short_job_of_one_client_leaves_nothing(ctx):
    commit = written_by_others(ctx, {"flights/a": b"1"})
    known_or_read(ctx, "flights", commit, new(ctx, commit))
    assert [b.name for b in ctx.repository.branches.list("hashes-")] == []


def test_the_same_bytes_at_two_paths_are_hashed_for_both(ctx):
    commit = written_by_others(ctx, {"flights/a": b"same", "flights/b": b"same", "flights/c": b"other"})
    objects = new(ctx, commit)
    found = known_or_read(ctx, "flights", commit, objects)
    assert [found[o.path].sha256 for o in objects] == [sha256(b"same"), sha256(b"same"), sha256(b"other")]


def test_a_small_object_that_is_not_what_was_written_is_refused(fresh_engine, tmp_path):
    ctx = make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")
    data = bytes(range(256)) * 4096
    commit = written_by_others(ctx, {"flights/a": data, "flights/b": b"b"})
    (block,) = (f for f in fresh_engine.root.rglob("*") if f.is_file() and f.stat().st_size == len(data))
    block.chmod(0o600)
    block.write_bytes(b"\0" * len(data))
    with pytest.raises(IntegrityError) as caught:
        known_or_read(ctx, "flights", commit, new(ctx, commit))
    assert caught.value.kind == "checksum-mismatch"
    assert "flights/a" in caught.value.message


def test_a_checksum_of_several_parts_or_of_a_foreign_store_proves_nothing(ctx):
    commit = written_by_others(ctx, {"flights/a": b"a"})
    (info,) = new(ctx, commit)
    for other in (
        replace(info, checksum="0" * 32 + "-7"),
        replace(info, address="s3://elsewhere/a", checksum="0" * 32),
    ):
        found = gather(ctx, "flights", commit, [other])
        assert (found.unproven, found.digests["flights/a"].sha256) == (1, sha256(b"a"))


def test_progress_counts_the_bytes_that_are_read(ctx):
    commit = written_by_others(ctx, {"flights/a": b"12345", "flights/b": bytes(3 << 20)})
    seen = []
    watch = Watch()
    watch.step = lambda name, *, total=None, unit="": seen.append((name, total, unit))
    watch.advance = lambda amount=1: seen.append(amount)
    context = replace(ctx, progress=watch)
    known_or_read(context, "flights", commit, new(ctx, commit))
    assert seen[0] == ("hash", 5 + (3 << 20), "B")
    assert sum(seen[1:]) == 5 + (3 << 20)


def test_an_upload_in_parts_through_the_gateway_is_hashed_and_counted_as_unproven(lakefs_engine, tmp_path):
    boto3 = pytest.importorskip("boto3")
    from boto3.s3.transfer import TransferConfig

    ctx = make_context(lakefs_engine, lakefs_engine.new_repository(), tmp_path / "state")
    ctx.repository.branches.create("spark", "main")
    data = bytes(range(256)) * (48 << 10)
    (tmp_path / "large").write_bytes(data)
    client = boto3.client(
        "s3", endpoint_url=lakefs_engine.endpoint, region_name="us-east-1",
        aws_access_key_id=lakefs_engine.access_key_id, aws_secret_access_key=lakefs_engine.secret_access_key,
    )  # fmt: skip
    parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    client.upload_file(str(tmp_path / "large"), ctx.repository.name, "spark/flights/large", Config=parts)
    client.put_object(Bucket=ctx.repository.name, Key="spark/flights/small", Body=b"small")
    upload = {"Bucket": ctx.repository.name, "Key": "spark/flights/one-part"}
    number = client.create_multipart_upload(**upload)["UploadId"]
    part = client.upload_part(**upload, UploadId=number, PartNumber=1, Body=b"as Hadoop's committers do")
    done = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    client.complete_multipart_upload(**upload, UploadId=number, MultipartUpload=done)
    commit = ctx.repository.commits.create("spark", "through the gateway").id
    found = gather(ctx, "flights", commit, new(ctx, commit))
    assert {path: digest.sha256 for path, digest in found.digests.items()} == {
        "flights/large": sha256(data), "flights/small": sha256(b"small"),
        "flights/one-part": sha256(b"as Hadoop's committers do"),
    }  # fmt: skip
    assert (found.read, found.unproven) == (3, 1)


@pytest.mark.parametrize("others_agree", [True, False])
def test_on_an_object_store_a_wrong_md5_is_damage_when_others_are_right(ctx, others_agree):
    commit = written_by_others(ctx, {"flights/a": b"a", "flights/b": b"b"})
    wrong, right = new(ctx, commit)
    objects = [replace(wrong, checksum="0" * 32), *([right] if others_agree else [])]
    on_s3 = replace(ctx, server=replace(ctx.server, blockstore="s3", extensions={}, presign=False))
    if not others_agree:
        assert gather(on_s3, "flights", commit, objects).unproven == 1
        return
    with pytest.raises(IntegrityError) as caught:
        gather(on_s3, "flights", commit, objects)
    assert caught.value.kind == "checksum-mismatch"


@pytest.mark.parametrize("word", ["ok", "cut", "drop", "drop-reply"])
def test_small_objects_come_many_at_once_where_the_engine_gives_them(embedded_engine, tmp_path, word):
    repository = embedded_engine.new_repository()
    direct = make_context(embedded_engine, repository, tmp_path / "state")
    files = {f"flights/{n}": b"%d" % n for n in range(150)} | {"flights/empty": b"", "flights/large": bytes(1 << 20)}
    commit = written_by_others(direct, files)
    with FaultProxy(embedded_engine.endpoint, FaultPlan(word, path=r"/objects/bulk")) as proxy:
        ctx = make_context(embedded_engine, repository, tmp_path / "state", url=proxy.url)
        found = gather(ctx, "flights", commit, new(ctx, commit))
        requests = [path for _, path in proxy.log if "/objects?path" in path or "/objects/bulk" in path]
    assert {path: digest.sha256 for path, digest in found.digests.items()} == {
        path: sha256(data) for path, data in files.items()
    }
    assert (found.read, found.unproven) == (152, 0)
    assert len(requests) < (10 if word == "ok" else 120)
