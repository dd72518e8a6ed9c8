from __future__ import annotations

import base64
import hashlib

import pytest

from lakefs_repro.bucket.values import kept_sha256

SHA256 = hashlib.sha256(b"hello")
TEXT = base64.b64encode(SHA256.digest()).decode()
ETAG = '"5d41402abc4b2a76b9719d911017c592"'


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        ({"ChecksumSHA256": TEXT, "ChecksumType": "FULL_OBJECT", "ETag": ETAG}, True),
        ({"ChecksumSHA256": TEXT, "ETag": ETAG}, True),
        ({"ChecksumSHA256": TEXT, "ChecksumType": "COMPOSITE", "ETag": ETAG}, False),
        ({"ChecksumSHA256": f"{TEXT}-2", "ChecksumType": "COMPOSITE", "ETag": ETAG}, False),
        ({"ChecksumSHA256": f"{TEXT}-2", "ETag": ETAG}, False),
        ({"ChecksumSHA256": TEXT, "ETag": ETAG[:-1] + '-2"'}, False),
        ({"ChecksumSHA256": TEXT, "ETag": ETAG, "PartsCount": 2}, False),
        ({"ChecksumSHA256": "rubbish", "ChecksumType": "FULL_OBJECT", "ETag": ETAG}, False),
        ({"ChecksumCRC32": "NhCmhg==", "ChecksumType": "FULL_OBJECT", "ETag": ETAG}, False),
        ({"ETag": ETAG}, False),
    ],
)
def test_only_a_checksum_of_all_bytes_is_believed(head, kept):
    assert kept_sha256(head) == (SHA256.hexdigest() if kept else "")
