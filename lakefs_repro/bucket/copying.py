"""The road on which the store copies by itself: no byte comes here.

The server hands out an address in its own namespace; the store copies the object there, computing its SHA-256; what it
then says of the copy is compared with the source, because the server believes whatever a link claims.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lakefs_repro.bucket.address import SCHEME, BucketAddress
from lakefs_repro.bucket.failures import source_changed
from lakefs_repro.bucket.store import LARGEST_COPY, Store
from lakefs_repro.bucket.taken import By, Taken, remember
from lakefs_repro.bucket.values import BucketObject, kept_sha256, noted
from lakefs_repro.errors import IntegrityError, InvalidError, LakefsReproError, NotFoundError, UnavailableError
from lakefs_repro.lake.repository import Repository
from lakefs_repro.transfer.parallel import run_all

__all__ = ["SMALLEST_PART", "Copying"]

SMALLEST_PART: Final = 512 << 20
_MAX_PARTS: Final = 10_000


@dataclass(frozen=True)
class Copying:
    """Copies objects of one bucket onto one branch.

    Args:
        store: which holds the bucket and the server's storage namespace.
        address: where the objects lie.
        repository: whose branch it is.
        branch: where they are staged.
        prefix: of their paths in the repository.
        threads: parts of one large object copied at once.
        largest: bytes that are copied in one request.
        part: bytes of each part of a larger one.
    """

    store: Store
    address: BucketAddress
    repository: Repository
    branch: str
    prefix: str
    threads: int = 4
    largest: int = LARGEST_COPY
    part: int = SMALLEST_PART

    by_store: bool = field(default=True, init=False)

    def take(self, found: BucketObject) -> Taken:
        """Copy one object and stage the copy.

        Where the store can't tell a SHA-256 of the whole, the source is streamed once for it.

        Raises:
            IntegrityError: it changed after it was listed, or the copy is not it.
            DeniedError: the credentials may not write where the server keeps its objects.
        """
        path = self.prefix + found.path
        place = self.repository.staging.address(self.branch, path)
        to = bucket_and_key(place)
        if found.size > self.largest:
            sha256, head = self._in_parts(found, to)
        else:
            head = self.store.copy(self.address, found, to)
            sha256 = ""
        self._require_copied(found, head, to)
        known = kept_sha256(head)
        by: By = "store" if known and not sha256 else "client"
        sha256 = known or sha256 or self._streamed(found)
        taken = Taken(found.path, found.size, sha256, by, str(head["ETag"]).strip('"'), place)
        metadata = remember(noted(self.store.endpoint, self.address, found), taken)
        self.repository.staging.link(
            self.branch, path, place, checksum=taken.checksum, size=found.size, metadata=metadata
        )
        return taken

    def _require_copied(self, found: BucketObject, head: Mapping[str, Any], to: tuple[str, str]) -> None:
        """Compare the copy with the source as it was listed.

        The ETag of a copy differs where the source was written in parts, or either is encrypted with a key of its own:
        then the source must still have the one that it was listed with.
        """
        try:
            if head["ContentLength"] != found.size:
                raise source_changed(self.address.uri(found.key))
            if str(head["ETag"]).strip('"') != found.etag:
                self.store.look(self.address, found)
        except LakefsReproError:
            with contextlib.suppress(LakefsReproError):  # why it failed matters more
                self.store.delete(to)
            raise

    def _streamed(self, found: BucketObject) -> str:
        sha256 = hashlib.sha256()
        for block in self.store.blocks(self.address, found):
            sha256.update(block)
        return sha256.hexdigest()

    def _in_parts(self, found: BucketObject, to: tuple[str, str]) -> tuple[str, Mapping[str, Any]]:
        upload = self.store.begin_parts(to)
        try:
            parts = parts_of(found.size, max(self.part, -(-found.size // _MAX_PARTS)))
            etags: dict[int, str] = {}

            def job(numbered: tuple[int, range]) -> tuple[int, str]:
                number, part = numbered
                return number, self.store.copy_part(self.address, found, to, upload, number, part)

            etags.update(run_all(job, enumerate(parts, start=1), threads=self.threads))
            sha256 = self._streamed(found)
            return sha256, self.store.end_parts(to, upload, [etags[number] for number in sorted(etags)])
        except BaseException:
            with contextlib.suppress(LakefsReproError):  # why it failed matters more
                self.store.drop_parts(to, upload)
            raise

    def prove(self, taken: Taken) -> None:
        """See that the server reads the copy: its store might be another one with a bucket of the same name.

        Raises:
            UnavailableError: it does not.
        """
        try:
            self.repository.objects.probe(self.branch, self.prefix + taken.path, taken.size)
        except (IntegrityError, NotFoundError, InvalidError) as error:
            with contextlib.suppress(LakefsReproError):
                self.store.delete(bucket_and_key(taken.address))
            raise UnavailableError(
                f"The server can't read what was copied to {taken.address.partition(',')[0]}.",
                hint="its object store is another one than the bucket's",
                kind="other-store",
            ) from error


def bucket_and_key(address: str) -> tuple[str, str]:
    """The place that a physical address of an S3 block store names; its signature is part of the key.

    Raises:
        UnavailableError: it is of another kind of store.
    """
    bucket, _, key = address.removeprefix(SCHEME).partition("/")
    if not address.startswith(SCHEME) or not bucket or not key:
        raise UnavailableError("The server keeps its objects in no S3 bucket.", kind="other-store")
    return bucket, key


def parts_of(size: int, part: int) -> list[range]:
    """The ranges of bytes that cover ``size``, each of ``part`` bytes but the last."""
    return [range(start, min(size, start + part)) for start in range(0, size, part)]
