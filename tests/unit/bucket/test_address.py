from __future__ import annotations

import pytest

from lakefs_repro.bucket.address import BucketAddress, is_bucket_address
from lakefs_repro.errors import InvalidError


@pytest.mark.parametrize(
    ("text", "bucket", "prefix", "folder"),
    [
        ("s3://raw", "raw", "", ""),
        ("s3://raw/", "raw", "", ""),
        ("s3://raw/a/b/", "raw", "a/b", "a/b/"),
        ("S3A://raw/a b/é", "raw", "a b/é", "a b/é/"),
    ],
)
def test_addresses_are_read(text, bucket, prefix, folder):
    read = BucketAddress.parse(text)
    assert is_bucket_address(text)
    assert (read.bucket, read.prefix, read.folder) == (bucket, prefix, folder)


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3:///a",
        "gs://raw/a",
        "s3://r\nw/a",
        "s3://raw/a\x1b[0m",
        "s3://a/b",
        "s3://-raw/",
        "s3://raw/" + "x" * 1025,
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(InvalidError) as caught:
        BucketAddress.parse(text)
    assert caught.value.kind == "bad-bucket-address"
