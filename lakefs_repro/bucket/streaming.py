"""The road for all other stores: the bytes pass through here once, are hashed on the way, and touch no disk."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.failures import source_changed
from lakefs_repro.bucket.store import Store
from lakefs_repro.bucket.taken import Taken, remember
from lakefs_repro.bucket.values import BucketObject, noted
from lakefs_repro.errors import IntegrityError, LakefsReproError, UnavailableError
from lakefs_repro.lake.repository import Repository
from lakefs_repro.transfer.upload import part_size_of

__all__ = ["IN_MEMORY", "Streaming"]

IN_MEMORY: Final = 8 << 20
"""Bytes up to which an object is held whole."""

_TRIES: Final = 3


@dataclass(frozen=True)
class Streaming:
    """Reads objects of one bucket and uploads them to one branch, hashing on the way.

    Memory: 8 MiB for each thread, or a part of 16 MiB (more above 160 GB) where the server takes uploads in parts.

    Args:
        store: which holds the bucket.
        address: where the objects lie.
        repository: whose branch it is.
        branch: where they are staged.
        prefix: of their paths in the repository.
        multipart: whether the server takes presigned uploads in parts.
    """

    store: Store
    address: BucketAddress
    repository: Repository
    branch: str
    prefix: str
    multipart: bool = False

    by_store: bool = field(default=False, init=False)

    def take(self, found: BucketObject) -> Taken:
        """Read one object, stage its bytes.

        Raises:
            IntegrityError: it changed after it was listed, or the server got other bytes.
        """
        if found.size <= IN_MEMORY:
            return self._whole(found)
        if self.multipart:
            return self._in_parts(found)
        return self._through(found)

    def _whole(self, found: BucketObject) -> Taken:
        data = b"".join(self.store.blocks(self.address, found))
        sha256, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest()
        metadata = remember(self._origin(found), self._taken(found, sha256, md5))
        info = self.repository.objects.put(self.branch, self.prefix + found.path, data, metadata=metadata)
        self._require(found, info.checksum, md5)
        return self._taken(found, sha256, info.checksum, info.address)

    def _through(self, found: BucketObject) -> Taken:
        """In one request of known length; what fails on the way to the server is read again from the beginning."""
        path = self.prefix + found.path
        for left in reversed(range(_TRIES)):
            body = _Body(self.store.blocks(self.address, found))
            try:
                info = self.repository.objects.put(self.branch, path, body, size=found.size)
                break
            except UnavailableError as error:
                if not left or error.kind == "bucket-unreachable":
                    raise
        self._require(found, info.checksum, body.md5.hexdigest())
        taken = self._taken(found, body.sha256.hexdigest(), info.checksum, info.address)
        self.repository.objects.note(self.branch, path, remember(self._origin(found), taken))
        return taken

    def _in_parts(self, found: BucketObject) -> Taken:
        objects, path = self.repository.objects, self.prefix + found.path
        size = part_size_of(found.size)
        count = -(-found.size // size)
        upload, place, urls = objects.start_multipart(self.branch, path, count)
        try:
            _require_all(urls, count, path)
            body = _Body(self.store.blocks(self.address, found))
            digests, etags = [], []
            for url in urls:
                data = body.read(size)
                digest = hashlib.md5(data).digest()
                digests.append(digest)
                etags.append(objects.put_part(url, data, {"Content-MD5": base64.b64encode(digest).decode()}))
            checksum = f"{hashlib.md5(b''.join(digests)).hexdigest()}-{count}"
            metadata = remember(self._origin(found), self._taken(found, body.sha256.hexdigest(), checksum))
            info = objects.finish_multipart(self.branch, path, upload, place, etags, metadata)
        except BaseException:
            with contextlib.suppress(LakefsReproError):  # why it failed matters more
                objects.abort_multipart(self.branch, path, upload, place)
            raise
        self._require(found, info.checksum, checksum)
        return self._taken(found, body.sha256.hexdigest(), info.checksum, info.address)

    def _origin(self, found: BucketObject) -> dict[str, str]:
        return noted(self.store.endpoint, self.address, found)

    @staticmethod
    def _taken(found: BucketObject, sha256: str, checksum: str, address: str = "") -> Taken:
        return Taken(found.path, found.size, sha256, "client", checksum, address)

    def _require(self, found: BucketObject, got: str, sent: str) -> None:
        if got != sent:
            raise source_changed(self.address.uri(found.key))


def _require_all(urls: Sequence[str], count: int, path: str) -> None:
    if len(urls) != count:
        raise IntegrityError(
            f"The server gave {len(urls)} addresses for {count} parts of {path}.", kind="upload-incomplete"
        )


class _Body:
    """Blocks as something to read from, hashed as they pass."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = b""
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5()

    def read(self, amount: int = -1) -> bytes:
        """At most ``amount`` bytes, fewer only at the end; all when negative."""
        held = [self._rest]
        size = len(self._rest)
        while amount < 0 or size < amount:
            block = next(self._blocks, b"")
            if not block:
                break
            held.append(block)
            size += len(block)
        whole = b"".join(held)
        data, self._rest = (whole, b"") if amount < 0 else (whole[:amount], whole[amount:])
        self.sha256.update(data)
        self.md5.update(data)
        return data
