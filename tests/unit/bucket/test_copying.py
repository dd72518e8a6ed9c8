"""Large objects are copied in parts; what fails on the way leaves no parts behind."""

from __future__ import annotations

import hashlib
import os

import pytest
from support.buckets import Watched
from support.lakes import make_context

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.copying import Copying, parts_of
from lakefs_repro.bucket.store import open_store
from lakefs_repro.bucket.streaming import Streaming
from lakefs_repro.errors import IntegrityError

DATA = os.urandom((11 << 20) + 17)


@pytest.fixture
def placed(bucket_server, aws, lakefs_on_bucket, tmp_path):
    """A store, an address with one object of 11 MiB, and a repository in the same store."""
    bucket = bucket_server.new_bucket({"raw/large.bin": DATA})
    repository = make_context(lakefs_on_bucket, lakefs_on_bucket.new_repository(), tmp_path).repository
    return open_store(bucket_server.endpoint), BucketAddress(bucket, "raw"), repository


def test_a_large_object_is_copied_in_parts(placed):
    store, address, repository = placed
    copying = Copying(store, address, repository, "main", "flights/", largest=1 << 20, part=5 << 20)
    watched = Watched(store.client)
    taken = copying.take(next(store.list(address)))
    copying.prove(taken)
    assert watched.calls["UploadPartCopy"] == 3
    assert taken.sha256 == hashlib.sha256(DATA).hexdigest()
    assert taken.by == "client"
    assert repository.objects.get("main", "flights/large.bin") == DATA


def test_a_copy_in_parts_that_fails_is_given_up(placed, bucket_server):
    store, address, repository = placed
    copying = Copying(store, address, repository, "main", "flights/", largest=1 << 20, part=5 << 20)
    found = next(store.list(address))
    Watched(store.client).before(
        "GetObject", lambda: bucket_server.put(address.bucket, {"raw/large.bin": os.urandom(len(DATA))})
    )
    with pytest.raises(IntegrityError) as caught:
        copying.take(found)
    assert caught.value.kind == "source-changed"
    assert "Uploads" not in bucket_server.client.list_multipart_uploads(Bucket="lake")


@pytest.mark.parametrize("multipart", [True, False])
def test_a_large_object_is_streamed(placed, multipart):
    store, address, repository = placed
    streaming = Streaming(store, address, repository, "main", "flights/", multipart=multipart)
    taken = streaming.take(next(store.list(address)))
    assert taken.sha256 == hashlib.sha256(DATA).hexdigest()
    info = next(repository.objects.list("main", "flights/", metadata=True))
    assert info.metadata["repro-sha256"] == taken.sha256
    assert info.checksum == taken.checksum
    assert repository.objects.get("main", "flights/large.bin") == DATA


def test_parts_cover_everything_once():
    assert parts_of(10, 4) == [range(4), range(4, 8), range(8, 10)]
    assert parts_of(0, 4) == []
