"""Zero-copy: a version lists what stays in its bucket, says so, and verify finds what changed there."""

from __future__ import annotations

import logging

import pytest
from support.buckets import Watched
from support.lakes import data_at, make_context, tags

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.store import open_store
from lakefs_repro.errors import IntegrityError, InvalidError, RejectedError
from lakefs_repro.ingest.bucket.import_source import ImportSource
from lakefs_repro.ingest.bucket.source import BucketSource, FromBucket
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.restore.rollback import roll_back
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.snapshot.verify import verify

FILES = {"raw/year=2023/a.csv": b"id,n\n1,2\n", "raw/year=2024/b.csv": b"id,n\n3,4\n", "raw/notes é.txt": b"hello"}
RELATIVE = {key.removeprefix("raw/"): data for key, data in FILES.items()}


class Bucket:
    def __init__(self, server, ctx):
        self.server = server
        self.ctx = ctx
        self.name = server.new_bucket(FILES)
        self.store = open_store(server.endpoint)
        self.watched = Watched(self.store.client)

    def put(self, files, **how):
        self.server.put(self.name, files, **how)

    def ingest(self, *, zero_copy=True, exclude=(), under="", prefix="raw", **options):
        asked = FromBucket("flights", BucketAddress(self.name, prefix), exclude=exclude, under=under)
        source = (ImportSource if zero_copy else BucketSource)(self.ctx, self.store, asked)
        return ingest(self.ctx, IngestRequest("flights", (), source=source, **options))

    def verify(self, ref="flights", **how):
        return verify(self.ctx, resolve(self.ctx, ref), **how)


@pytest.fixture
def bucket(bucket_server, aws, lakefs_on_bucket, tmp_path):
    return Bucket(bucket_server, make_context(lakefs_on_bucket, lakefs_on_bucket.new_repository(), tmp_path / "state"))


def test_a_version_lists_what_stays_in_its_bucket(bucket):
    result = bucket.ingest()
    assert (result.outcome, result.version, result.imported, result.external) == ("created", "1.0.0", 3, True)
    assert (result.copied, result.uploaded) == (0, 0)
    assert data_at(bucket.ctx, "main") == RELATIVE
    snapshot = resolve(bucket.ctx, "flights@1.0.0")
    assert snapshot.external
    addresses = {info.address for info in bucket.ctx.repository.objects.list(snapshot.commit, "flights/")}
    assert addresses == {f"s3://{bucket.name}/{key}" for key in FILES}
    report = bucket.verify()
    assert report.ok
    assert report.external
    assert bucket.verify(deep=True).ok
    assert not [b for b in bucket.ctx.repository.branches.list() if b.name.startswith(("tree-", "ingest-"))]
    assert not list(bucket.ctx.state.glob("buckets/*"))


def test_a_sha256_that_the_store_keeps_is_used_and_said_so(bucket):
    bucket.put(FILES, ChecksumAlgorithm="SHA256")
    result = bucket.ingest()
    assert result.hashed == 0
    assert "GetObject" not in {k: v for k, v in bucket.watched.calls.items() if k == "GetObject" and v > 6}
    assert resolve(bucket.ctx, "flights").annotation.sha256_by == "store"
    assert bucket.verify(deep=True).ok


@pytest.mark.parametrize("data", [b"HELLO", b"hell", b"hello, world"])
def test_an_overwritten_source_is_found(bucket, data):
    bucket.ingest()
    bucket.put({"raw/notes é.txt": data})
    report = bucket.verify()
    assert not report.ok
    assert [problem.path for problem in report.problems] == ["flights/notes é.txt"]


def test_a_source_that_is_gone_is_found(bucket):
    bucket.ingest()
    bucket.server.client.delete_object(Bucket=bucket.name, Key="raw/year=2023/a.csv")
    report = bucket.verify()
    assert dict(report.counts) == {"gone": 1}


def test_a_source_with_the_same_bytes_written_again_is_no_damage(bucket):
    bucket.ingest()
    client, key = bucket.server.client, "raw/notes é.txt"
    upload = client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
    part = client.upload_part(Bucket=bucket.name, Key=key, UploadId=upload, PartNumber=1, Body=FILES[key])
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    client.complete_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload, MultipartUpload=parts)
    assert bucket.verify().ok


def test_every_night_only_what_is_new_is_asked_for(bucket):
    bucket.ingest()
    bucket.watched.reset()
    assert bucket.ingest().outcome == "unchanged"
    assert bucket.watched.reset() == {"ListObjectsV2": 1}
    bucket.put({"raw/more.txt": b"more"})
    bucket.server.client.delete_object(Bucket=bucket.name, Key="raw/notes é.txt")
    result = bucket.ingest()
    assert (result.added, result.removed, result.imported, result.reused) == (1, 1, 1, 2)
    asked = bucket.watched.reset()
    assert (asked["HeadObject"], asked["GetObject"]) == (1, 1)
    assert bucket.verify().ok


def test_a_version_that_keeps_external_files_is_external(bucket):
    bucket.ingest()
    bucket.put({"raw/more.txt": b"more"})
    result = bucket.ingest(zero_copy=False)
    assert (result.copied, result.external) == (1, True)
    assert bucket.verify().ok
    bucket.put({"raw/notes é.txt": b"HELLO"})
    assert not bucket.verify().ok


def test_a_rollback_to_an_external_version_is_external(bucket):
    first = bucket.ingest()
    bucket.put({"raw/more.txt": b"more"})
    bucket.ingest()
    roll_back(bucket.ctx, "flights", first.ingest_commit)
    assert resolve(bucket.ctx, "flights@latest").external


def test_what_is_left_out_is_not_listed(bucket):
    bucket.ingest(exclude=("*.txt",))
    assert set(data_at(bucket.ctx, "main")) == {"year=2023/a.csv", "year=2024/b.csv"}


def test_a_contract_is_checked_where_the_data_lies(bucket):
    bucket.ingest()
    bucket.put({"raw/year=2024/bad.csv": b"id,n\nx,y\n"})
    with pytest.raises(RejectedError) as caught:
        bucket.ingest()
    assert caught.value.kind == "contract-violated"
    assert tags(bucket.ctx) == ["flights-v1.0.0"]


def test_a_bucket_that_changes_while_it_is_listed_is_refused(bucket):
    bucket.watched.before("HeadObject", lambda: bucket.put(dict.fromkeys(FILES, b"changed")))
    with pytest.raises(Exception) as caught:
        bucket.ingest()
    assert caught.value.kind == "source-changed"
    assert tags(bucket.ctx) == []


def test_a_bucket_that_loses_objects_while_it_is_read_is_refused_as_changed(bucket):
    client = bucket.server.client
    bucket.watched.before("HeadObject", lambda: client.delete_object(Bucket=bucket.name, Key="raw/year=2023/a.csv"))
    with pytest.raises(IntegrityError) as caught:
        bucket.ingest()
    assert caught.value.kind == "source-changed"


@pytest.mark.parametrize("key", ["at=00%3A00/a", "100%", "what?", "e#f", "a\tb"])
def test_keys_that_the_server_would_read_as_other_addresses_are_refused_at_once(bucket, key):
    bucket.put({f"raw/{key}": b"1"})
    with pytest.raises(InvalidError) as caught:
        bucket.ingest()
    assert caught.value.kind == "unsafe-keys"
    assert bucket.watched.reset() == {"ListObjectsV2": 1}
    assert bucket.ingest(exclude=(key,)).external


def test_other_keys_are_listed_as_they_are(bucket):
    more = {f"raw/{name}": b"1" for name in ("a b", "c+d", "g&h;i", "j[k]$", "empty")}
    bucket.put({**more, "raw/empty": b""})
    assert bucket.ingest().imported == len(FILES) + len(more)
    assert bucket.verify().ok
    assert bucket.verify(deep=True).ok


def test_a_key_that_another_one_begins_with_is_listed_as_itself(bucket):
    more = {"raw/p": b"1", "raw/p1": b"2", "raw/p10": b"3", "raw/q": b"4", "raw/q.bak": b"5"}
    bucket.put(more)
    result = bucket.ingest(exclude=("*.bak",))
    assert result.imported == len(FILES) + len(more) - 1
    found = bucket.ctx.repository.objects.list(resolve(bucket.ctx, "flights").commit, "flights/")
    own = {info.path: info.address for info in found}
    assert own["flights/p"] == f"s3://{bucket.name}/raw/p"
    assert own["flights/q"] == f"s3://{bucket.name}/raw/q"
    assert bucket.verify(deep=True).ok
    assert bucket.ingest(exclude=("*.bak",)).outcome == "unchanged"
    bucket.put({"raw/p": b"!"})
    assert [problem.path for problem in bucket.verify().problems] == ["flights/p"]


def test_the_server_lists_once_for_each_object_that_an_import_names(bucket, caplog):
    # What the plan's formula says of lakeFS.
    with caplog.at_level(logging.INFO, logger="werkzeug"):
        bucket.ingest()
    own = f"/{bucket.name}?list-type=2&max-keys"
    assert sum(own in record.getMessage() for record in caplog.records) == len(FILES)


def test_an_interrupted_hashing_goes_on(bucket):
    def stop():
        raise KeyboardInterrupt

    object.__setattr__(bucket.ctx, "threads", 1)
    bucket.watched.before("GetObject", lambda: bucket.watched.before("GetObject", stop))
    with pytest.raises(KeyboardInterrupt):
        bucket.ingest()
    bucket.watched.reset()
    result = bucket.ingest()
    assert (result.version, result.hashed) == ("1.0.0", 3)
    # One was hashed before; the table files are read once more, by ranges, for the contract.
    assert bucket.watched.reset()["HeadObject"] == 2


def test_a_server_without_such_a_store_says_so(bucket_server, aws, embedded_engine, tmp_path):
    ctx = make_context(embedded_engine, embedded_engine.new_repository(), tmp_path / "state")
    with pytest.raises(InvalidError) as caught:
        Bucket(bucket_server, ctx).ingest()
    assert caught.value.kind == "import-unsupported"
