"""One worker's share of hashing what others wrote: as many workers as one likes, and nothing to coordinate them."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lakefs_repro.errors import InvalidError
from lakefs_repro.ingest.branch.excludes import Excludes
from lakefs_repro.ingest.branch.frozen import branch_or_empty, commit_of
from lakefs_repro.ingest.hashing.changes import new_objects
from lakefs_repro.ingest.hashing.digests import gather
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.names import check_dataset_name, dataset_prefix
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import read_line

_SHARD: Final = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


@dataclass(frozen=True, slots=True)
class Shard:
    """A share of the objects: those whose path falls on ``number`` of ``of``; both count from 1."""

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise InvalidError(
                f"There is no share {self.number} of {self.of}.",
                hint="shares go from 1 to N: 1/4, 2/4, 3/4, 4/4",
                kind="bad-shard",
            )

    @classmethod
    def parse(cls, text: str) -> Shard:
        """``2/4``.

        Raises:
            InvalidError: it is none.
        """
        match = _SHARD.fullmatch(text)
        if match is None:
            raise InvalidError(f"{text!r} is no share of the work.", hint="write for example 2/4", kind="bad-shard")
        return cls(int(match[1]), int(match[2]))

    def __contains__(self, path: str) -> bool:
        """Whether the object of this path is in the share, on every machine alike."""
        return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big") % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True, slots=True)
class HashRequest:
    """What a worker is to hash.

    Args:
        dataset: whose objects.
        ref: the branch that others wrote to; its head is taken. A tag, a commit or ``branch~1`` too.
        commit: a commit to take instead of the head of ``ref``, the same for all workers.
        shard: this worker's share.
        exclude: globs of what is no data.
        default_excludes: whether what other programs leave beside their data is left out, too.
    """

    dataset: str
    ref: str
    commit: str = ""
    shard: Shard = Shard()
    exclude: tuple[str, ...] = ()
    default_excludes: bool = True


@dataclass(frozen=True, slots=True)
class HashResult:
    """What a worker did with its share.

    ``objects`` are those of the share that the dataset does not hold yet; of these ``hashed`` were read now and
    ``known`` had been hashed before. ``unproven`` were read but have a checksum at the server that proves nothing.
    """

    dataset: str
    ref: str
    commit: str
    shard: int
    shards: int
    objects: int
    bytes: int
    hashed: int
    hashed_bytes: int
    known: int
    unproven: int
    excluded: int
    seconds: float

    def to_json(self) -> Mapping[str, Any]:
        """For ``--json``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def hash_shard(ctx: Context, request: HashRequest) -> HashResult:
    """Hash one share of what a branch has new, and leave the results in the repository for whoever finishes it.

    Can be killed at any moment and started again: what was hashed until a few seconds before is not read again.
    Workers need not know of each other, nor take the same commit, because results go by where the bytes lie.

    Raises:
        NotFoundError: there is no such branch or commit.
        IntegrityError: an object is gone, truncated, or not what its checksum promises.
        UnavailableError: the server can't be reached; what was hashed so far is kept.
    """
    check_dataset_name(request.dataset)
    started = time.monotonic()
    ctx.progress.step("scan")
    commit = _commit(ctx, request)
    prefix = dataset_prefix(request.dataset)
    excludes = Excludes(request.exclude, defaults=request.default_excludes)
    mine, excluded = [], 0
    for info in new_objects(ctx, read_line(ctx, request.dataset), commit.id):
        if info.path not in request.shard:
            continue
        path = info.path.removeprefix(prefix)
        if excludes.leave_out(path, info.size) or excludes.unfinished(path):
            excluded += 1
        else:
            mine.append(info)
    shard = str(request.shard).replace("/", "-of-")
    gathered = gather(ctx, request.dataset, commit.id, mine, by="worker", shard=shard)
    return HashResult(
        dataset=request.dataset,
        ref=request.ref,
        commit=commit.id,
        shard=request.shard.number,
        shards=request.shard.of,
        objects=len(mine),
        bytes=sum(info.size for info in mine),
        hashed=gathered.read,
        hashed_bytes=gathered.read_bytes,
        known=len(mine) - gathered.read,
        unproven=gathered.unproven,
        excluded=excluded,
        seconds=round(time.monotonic() - started, 3),
    )


def _commit(ctx: Context, request: HashRequest) -> Commit:
    """The commit to hash; what is staged on a branch is in none, and said so."""
    if request.commit:
        return commit_of(ctx, request.commit)
    commit = commit_of(ctx, request.ref)
    branch = branch_or_empty(ctx, request.ref)
    staged = ctx.repository.branches.staged(branch, dataset_prefix(request.dataset), most=1) if branch else iter(())
    if next(staged, None):
        ctx.progress.note(f"{branch} has objects that nobody has committed: they are not hashed")
    return commit
