"""What a bucket says of an object."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from lakefs_repro.bucket.address import BucketAddress

__all__ = ["ARCHIVED", "BucketObject", "kept_sha256", "noted"]

ARCHIVED: Final = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects must be brought back before they can be read or copied."""

_MD5: Final = re.compile(r"[0-9a-f]{32}")
_SHA256_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object as a listing has it.

    Attributes:
        path: what it is called in the dataset.
        etag: without quotes; it names the bytes for as long as they don't change, and is never a digest of ours.
    """

    key: str
    path: str
    size: int
    etag: str
    modified: datetime
    storage_class: str = "STANDARD"

    @property
    def plain_etag(self) -> bool:
        """Whether the ETag looks like that of an object that was written in one request."""
        return _MD5.fullmatch(self.etag) is not None


def kept_sha256(head: Mapping[str, Any]) -> str:
    """The SHA-256 of all bytes that a store keeps of an object, in hex, or "".

    S3 keeps one for an object that was written in one request with that algorithm, or copied so. That of a multipart
    upload is a hash of its parts' hashes (``COMPOSITE``, or ``-N`` at its end) and proves nothing here.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
    """
    text = head.get("ChecksumSHA256")
    kind = head.get("ChecksumType")
    in_parts = "-" in str(head.get("ETag") or "") or bool(head.get("PartsCount"))
    if not isinstance(text, str) or kind not in (None, "FULL_OBJECT") or (kind is None and in_parts):
        return ""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return value.hex() if len(value) == _SHA256_BYTES else ""


def noted(store: str, address: BucketAddress, found: BucketObject) -> dict[str, str]:
    """What is noted with the copy of an object, so that it is known again: its origin and its ETag then.

    Args:
        store: the endpoint, because buckets of two stores may have the same name.
        address: where it lies.
        found: the object.
    """
    return {
        "repro-source": quote(address.uri(found.key), safe=":/"),
        "repro-store": quote(store, safe=":/"),
        "repro-etag": quote(found.etag, safe='"-'),
    }
