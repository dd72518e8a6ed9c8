"""The hashes of one object in the lake, streamed past and kept nowhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from lakefs_repro.lake.objects import Objects
from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.lake.wire import Retry
from lakefs_repro.transfer.download_frames import read_frames
from lakefs_repro.transfer.download_stream import Opens, Wanted, blocks_of, read_whole
from lakefs_repro.transfer.hashing import Hashes, hash_bytes

_SMALLEST_PART: Final = 5 << 20
_MD5 = re.compile(r"[0-9a-f]{32}")


def hash_object(
    objects: Opens,
    ref: str,
    info: ObjectInfo,
    *,
    retry: Retry | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> Hashes:
    """Read an object once, from its first byte to its last, in blocks of at most 1 MiB.

    A connection that breaks is taken up again where it broke.

    Args:
        objects: where it is read.
        ref: best a commit, so that the object stays the same meanwhile.
        info: the object as ``ref`` lists it.
        retry: how long to wait before going on after a connection broke.
        done: told the bytes as they come.

    Raises:
        IntegrityError: it is gone, truncated, or not of the promised size.
        UnavailableError: the server can't be reached.
    """
    sha256, md5 = hashlib.sha256(), hashlib.md5()
    blocks = blocks_of(objects, ref, info, retry or Retry()) if info.size else [read_whole(objects, ref, info)]
    for block in blocks:
        sha256.update(block)
        md5.update(block)
        done(len(block))
    return Hashes(info.size, sha256.hexdigest(), md5.hexdigest())


def hash_many(objects: Objects, ref: str, group: Sequence[ObjectInfo]) -> Iterator[tuple[ObjectInfo, Hashes]]:
    """The hashes of small objects by the embedded engine's bulk road, as far as it gives them: many in one answer.

    Args:
        objects: the repository's objects.
        ref: where they are read.
        group: the objects as ``ref`` lists them, each of them once.
    """
    by_path = {info.path: info for info in group}
    for wanted, content in read_frames(objects, ref, [Wanted(info.path, info.size, "") for info in group]):
        if isinstance(content, bytes):
            yield by_path[wanted.path], hash_bytes(content)


def agrees(info: ObjectInfo, hashes: Hashes) -> bool:
    """Whether the server's checksum confirms the bytes: their MD5, or what S3 makes of it for an upload in one part."""
    one_part = hashlib.md5(bytes.fromhex(hashes.md5)).hexdigest()
    return info.checksum in (hashes.md5, one_part, f"{one_part}-1")


def looks_like_md5(info: ObjectInfo) -> bool:
    """Whether the server's checksum should be the MD5 of the bytes, if its store's checksums are MD5s at all.

    An upload in several parts through the S3 gateway has an MD5 of MD5s without any mark, but every part except the
    last has at least 5 MiB (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html), so a smaller object
    came in one. Stores that encrypt with keys of their own (SSE-KMS) show something else that looks the same.
    """
    return info.size < _SMALLEST_PART and _MD5.fullmatch(info.checksum) is not None
