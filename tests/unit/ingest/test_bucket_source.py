"""A bucket becomes a version: streamed on every engine, copied by the store where it holds both."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.buckets import Watched, separate_moto_server
from support.lakes import Watch, data_at, leftovers, make_context, pins, tags

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.store import open_store
from lakefs_repro.errors import InvalidError, RejectedError
from lakefs_repro.ingest.bucket.source import BucketSource, FromBucket
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.snapshot.verify import verify

FILES = {
    "raw/year=2023/a.csv": b"id,n\n1,2\n",
    "raw/year=2024/b.csv": b"id,n\n3,4\n",
    "raw/notes é.txt": b"hello",
    "raw/empty": b"",
}


def relative(files):
    return {key.removeprefix("raw/"): data for key, data in files.items()}


class Bucket:
    """A bucket, what is asked of it, and a context to ingest it into."""

    def __init__(self, server, ctx, files=FILES):
        self.server = server
        self.ctx = ctx
        self.name = server.new_bucket(files)
        self.store = open_store(server.endpoint)
        self.watched = Watched(self.store.client)

    def put(self, files, **how):
        self.server.put(self.name, files, **how)

    def ingest(self, *, prefix="raw", dataset="flights", exclude=(), stream=False, under="", **options):
        asked = FromBucket(dataset, BucketAddress(self.name, prefix), exclude=exclude, stream=stream, under=under)
        source = BucketSource(self.ctx, self.store, asked)
        return ingest(self.ctx, IngestRequest(dataset, (), source=source, **options))


@pytest.fixture(params=["embedded", "lakefs", "copied"])
def bucket(request, bucket_server, aws, tmp_path):
    """One bucket, and a lake that takes it by this road."""
    name = "lakefs_on_bucket" if request.param == "copied" else f"{request.param}_engine"
    engine = request.getfixturevalue(name)
    made = Bucket(bucket_server, make_context(engine, engine.new_repository(), tmp_path / "state"))
    made.road = "copied" if request.param == "copied" else "streamed"
    return made


def copies(ctx):
    return [branch.name for branch in ctx.repository.branches.list() if branch.name.startswith(("copy-", "tree-"))]


def test_a_prefix_becomes_a_version(bucket):
    result = bucket.ingest()
    assert (result.outcome, result.version, result.files) == ("created", "1.0.0", 4)
    assert data_at(bucket.ctx, "main") == relative(FILES)
    assert tags(bucket.ctx) == ["flights-v1.0.0"]
    assert pins(bucket.ctx) == ["pin-flights-v1_0_0"]
    assert leftovers(bucket.ctx) == copies(bucket.ctx) == []
    snapshot = resolve(bucket.ctx, "flights@1.0.0")
    assert verify(bucket.ctx, snapshot, deep=True).ok
    assert snapshot.annotation.extra["repro.from"] == f"s3://{bucket.name}/raw/"
    assert snapshot.annotation.sha256_by == ("store" if bucket.road == "copied" else "client")
    if bucket.road == "copied":
        assert (result.copied, result.uploaded, result.hashed) == (4, 0, 0)
        assert "GetObject" not in bucket.watched.calls
    else:
        assert (result.copied, result.uploaded, result.hashed) == (0, 4, 4)


def test_what_is_unchanged_is_neither_read_nor_copied_again(bucket):
    bucket.ingest()
    bucket.watched.reset()
    assert bucket.ingest().outcome == "unchanged"
    assert bucket.watched.reset() == {"ListObjectsV2": 1}
    bucket.put({"raw/year=2024/c.csv": b"id,n\n5,6\n"})
    result = bucket.ingest()
    assert (result.version, result.added, result.reused) == ("1.1.0", 1, 4)
    asked = bucket.watched.reset()
    assert asked["CopyObject" if bucket.road == "copied" else "GetObject"] == 1
    assert data_at(bucket.ctx, "main") == {**relative(FILES), "year=2024/c.csv": b"id,n\n5,6\n"}
    assert copies(bucket.ctx) == []


def test_what_changed_or_is_gone_is_so_in_the_next_version(bucket):
    bucket.ingest()
    bucket.put({"raw/notes é.txt": b"other"})
    bucket.server.client.delete_object(Bucket=bucket.name, Key="raw/empty")
    result = bucket.ingest()
    assert (result.changed, result.removed) == (1, 1)
    assert data_at(bucket.ctx, "main") == {
        **{path: data for path, data in relative(FILES).items() if path != "empty"},
        "notes é.txt": b"other",
    }
    assert data_at(bucket.ctx, "flights-v1.0.0") == relative(FILES)


def test_the_source_changes_afterwards_and_the_version_does_not(bucket):
    bucket.ingest()
    bucket.put(dict.fromkeys(FILES, b"rubbish"))
    assert verify(bucket.ctx, resolve(bucket.ctx, "flights@1.0.0"), deep=True).ok


def test_the_same_bytes_written_again_in_parts_make_no_version(bucket):
    bucket.ingest()
    client, key = bucket.server.client, "raw/notes é.txt"
    upload = client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
    part = client.upload_part(Bucket=bucket.name, Key=key, UploadId=upload, PartNumber=1, Body=FILES[key])
    client.complete_multipart_upload(
        Bucket=bucket.name,
        Key=key,
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    assert bucket.ingest().outcome == "unchanged"
    bucket.put({"raw/new": b"new"})
    result = bucket.ingest()
    assert (result.added, result.changed) == (1, 0)
    assert verify(bucket.ctx, resolve(bucket.ctx, "flights@1.1.0"), deep=True).ok


def test_a_bucket_can_be_appended_under_a_folder(bucket):
    bucket.ingest()
    bucket.put({"more/c.txt": b"more"})
    result = bucket.ingest(prefix="more", under="again", mode="append")
    assert (result.added, result.removed) == (1, 0)
    assert set(data_at(bucket.ctx, "main")) == {*relative(FILES), "again/c.txt"}


def test_what_is_no_data_is_left_out(bucket):
    bucket.put({"raw/_SUCCESS": b"", "raw/folder/": b"", "raw/x.tmp": b"x"})
    result = bucket.ingest(exclude=("*.tmp",))
    assert (result.files, result.excluded) == (4, 3)


def test_a_single_object_is_taken_by_its_key(bucket):
    result = bucket.ingest(prefix="raw/year=2023/a.csv")
    assert data_at(bucket.ctx, "main") == {"a.csv": FILES["raw/year=2023/a.csv"]}
    assert result.rows == 1


def test_an_object_that_changes_after_the_listing_stops_the_ingest(bucket):
    operation = "CopyObject" if bucket.road == "copied" else "GetObject"
    bucket.watched.before(operation, lambda: bucket.put(dict.fromkeys(FILES, b"changed")))
    with pytest.raises(Exception) as caught:
        bucket.ingest()
    assert caught.value.kind == "source-changed"
    assert tags(bucket.ctx) == []
    assert bucket.ingest().outcome == "created"
    assert set(data_at(bucket.ctx, "main").values()) == {b"changed"}


def test_a_broken_contract_leaves_what_was_taken_for_the_next_try(bucket, tmp_path):
    bucket.ingest()
    bucket.put({"raw/year=2024/bad.csv": b"id,n\nx,y\n"})
    with pytest.raises(RejectedError) as caught:
        bucket.ingest()
    assert caught.value.kind == "contract-violated"
    assert len(copies(bucket.ctx)) == 1
    bucket.watched.reset()
    result = bucket.ingest(exclude=("bad.csv",))
    assert result.outcome == "unchanged"
    assert copies(bucket.ctx) == []


def test_an_interrupted_run_goes_on_where_it_was(bucket):
    class Stopped(KeyboardInterrupt):
        pass

    def stop():
        raise Stopped

    bucket.ctx = replace(bucket.ctx, threads=1)
    operation = "CopyObject" if bucket.road == "copied" else "GetObject"
    bucket.watched.before(operation, lambda: bucket.watched.before(operation, stop))
    with pytest.raises(Stopped):
        bucket.ingest()
    bucket.watched.reset()
    result = bucket.ingest()
    asked = bucket.watched.reset()
    assert result.version == "1.0.0"
    assert asked[operation] == (2 if bucket.road == "streamed" else 3)
    assert data_at(bucket.ctx, "main") == relative(FILES)
    assert copies(bucket.ctx) == []


@pytest.mark.parametrize("step", ["branch", "sidecar", "commit", "confirm", "pin", "merge", "recheck", "tag", "ledger"])
def test_an_ingest_that_is_stopped_at_any_later_step_takes_nothing_twice(bucket, step):
    def stop():
        raise KeyboardInterrupt

    bucket.ctx = replace(bucket.ctx, progress=Watch(**{step: stop}))
    with pytest.raises(KeyboardInterrupt):
        bucket.ingest()
    bucket.watched.reset()
    result = bucket.ingest()
    assert (result.outcome, result.version) == ("resumed", "1.0.0")
    assert bucket.watched.reset() == {"ListObjectsV2": 1}
    assert data_at(bucket.ctx, "main") == relative(FILES)
    assert leftovers(bucket.ctx) == copies(bucket.ctx) == []
    assert verify(bucket.ctx, resolve(bucket.ctx, "flights@1.0.0"), deep=True).ok


@pytest.mark.parametrize("then", ["as it was", "gone"])
def test_what_was_taken_before_a_stop_and_then_taken_back_is_in_no_version(bucket, then):
    bucket.ingest()
    bucket.put({"raw/notes é.txt": b"other", "raw/new": b"new"})

    def stop():
        raise KeyboardInterrupt

    going = bucket.ctx
    bucket.ctx = replace(going, progress=Watch(branch=stop))
    with pytest.raises(KeyboardInterrupt):
        bucket.ingest()
    bucket.ctx = going
    if then == "gone":
        bucket.server.client.delete_object(Bucket=bucket.name, Key="raw/notes é.txt")
    else:
        bucket.put({"raw/notes é.txt": FILES["raw/notes é.txt"]})
    result = bucket.ingest(mode="append")
    assert (result.added, result.changed, result.removed) == (1, 0, 0)
    assert data_at(bucket.ctx, "main") == {**relative(FILES), "new": b"new"}
    assert copies(bucket.ctx) == []


@pytest.mark.parametrize("key", ["raw/../x", "raw/a//b", "raw/./c"])
def test_keys_that_cannot_be_paths_are_refused_all_together(bucket, key):
    bucket.put({key: b"1", "raw/b//c": b"2"})
    with pytest.raises(InvalidError) as caught:
        bucket.ingest()
    assert caught.value.kind == "unsafe-keys"
    assert caught.value.message.startswith(f"2 keys of s3://{bucket.name}/raw/")


def test_a_bucket_that_a_writer_has_not_finished_is_refused(bucket):
    bucket.put({"raw/_temporary/0/part": b"1"})
    with pytest.raises(RejectedError) as caught:
        bucket.ingest()
    assert caught.value.kind == "bucket-unfinished"


def test_a_store_that_is_not_the_servers_own_streams_and_says_so(aws, lakefs_on_bucket, tmp_path):
    watch = Watch()
    ctx = make_context(lakefs_on_bucket, lakefs_on_bucket.new_repository(), tmp_path / "state", progress=watch)
    with separate_moto_server() as other:
        # A bucket of the same name in another store: only a read through the server tells them apart.
        other.client.create_bucket(Bucket="lake")
        result = Bucket(other, ctx).ingest()
        assert other.client.list_objects_v2(Bucket="lake")["KeyCount"] == 0
    assert (result.copied, result.uploaded) == (0, 4)
    assert any("pass through here" in note for note in watch.notes)
    assert verify(ctx, resolve(ctx, "flights@1.0.0"), deep=True).ok
