"""The hashes of one object in the lake, streamed past and kept nowhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.lake.wire import Retry
from lakefs_repro.transfer.download_stream import Opens, blocks_of, read_whole
from lakefs_repro.transfer.hashing import Hashes

_WHOLE: Final = 256 << 10


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
    blocks = (
        [read_whole(objects, ref, info)] if info.size <= _WHOLE else blocks_of(objects, ref, info, retry or Retry())
    )
    for block in blocks:
        sha256.update(block)
        md5.update(block)
        done(len(block))
    return Hashes(info.size, sha256.hexdigest(), md5.hexdigest())
