"""The SHA-256 of objects that others wrote: known already, or streamed once and kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.model.names import check_dataset_name
from lakefs_repro.snapshot.context import Context
from lakefs_repro.transfer.hash_object import hash_object
from lakefs_repro.transfer.parallel import run_all

By = Literal["client", "worker", "store"]
Key = tuple[str, str, int]
"""What stands for an object's bytes: physical address, lakeFS' checksum, size."""


@dataclass(frozen=True, slots=True)
class Digest:
    """An object's SHA-256 in lower-case hex, its bytes, and who computed it: ``client``, ``worker`` or ``store``."""

    sha256: str
    size: int
    by: By


def key_of(info: ObjectInfo) -> Key:
    """What stands for the bytes of an object."""
    return info.address, info.checksum, info.size


def known_or_read(
    ctx: Context, dataset: str, commit: str, objects: Sequence[ObjectInfo], *, by: By = "client"
) -> Mapping[str, Digest]:
    """The digest of every object, by its path; what nobody hashed yet is streamed once, ``ctx.threads`` at a time.

    Memory stays below ``ctx.threads`` times 2 MiB and what the objects' names take; nothing touches the disk.

    Args:
        ctx: the repository.
        dataset: whose objects they are.
        commit: where they are read.
        objects: as ``commit`` lists them.
        by: who is at work, for the record.

    Raises:
        IntegrityError: an object is gone, truncated, or not what its checksum promises.
        UnavailableError: the server can't be reached.
    """
    check_dataset_name(dataset)
    known: dict[Key, Digest] = {}
    missing = {key_of(info): info for info in objects if key_of(info) not in known}
    ctx.progress.step("hash", total=sum(info.size for info in missing.values()), unit="B")

    def job(info: ObjectInfo) -> tuple[Key, Digest]:
        hashes = hash_object(ctx.repository.objects, commit, info, done=ctx.progress.advance)
        return key_of(info), Digest(hashes.sha256, hashes.size, by)

    known.update(run_all(job, missing.values(), threads=ctx.threads))
    return {info.path: known[key_of(info)] for info in objects}
