"""``s3://bucket/prefix``: where objects lie that are to become a version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lakefs_repro.errors import InvalidError

__all__ = ["BucketAddress", "is_bucket_address"]

SCHEME: Final = "s3://"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; older and other stores allow more.
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_MAX_KEY_BYTES: Final = 1024


def is_bucket_address(text: str) -> bool:
    """Whether somebody means a bucket, rightly written or not, rather than a local path."""
    return text.lower().startswith((SCHEME, "s3a://", "s3n://"))


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """A bucket and a key prefix in it; ``prefix`` is "" for all of the bucket, and has no final slash."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> BucketAddress:
        """Read ``s3://bucket/prefix``.

        Raises:
            InvalidError: it is none.
        """
        scheme, _, rest = text.partition("://")
        bucket, _, prefix = rest.partition("/")
        if scheme.lower() not in ("s3", "s3a", "s3n") or not _BUCKET.fullmatch(bucket):
            raise _wrong(text, "it must be s3://BUCKET/PREFIX")
        if any(not character.isprintable() for character in prefix) or "?" in bucket:
            raise _wrong(text, "its prefix has characters that can't be printed")
        try:
            length = len(prefix.encode())
        except UnicodeEncodeError as error:
            raise _wrong(text, "its prefix is not UTF-8") from error
        if length > _MAX_KEY_BYTES:
            raise _wrong(text, "no key is longer than 1,024 bytes")
        return cls(bucket, prefix.rstrip("/"))

    @property
    def folder(self) -> str:
        """The prefix that its keys have: "" or ending with a slash."""
        return f"{self.prefix}/" if self.prefix else ""

    def uri(self, key: str) -> str:
        """The address of one object."""
        return f"{SCHEME}{self.bucket}/{key}"

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.folder}"


def _wrong(text: str, why: str) -> InvalidError:
    return InvalidError(
        f"{text!r} is no address in a bucket: {why}.",
        hint="write for example s3://my-bucket/raw/flights/",
        kind="bad-bucket-address",
    )
