"""What lies below an address of a bucket, as files of a dataset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.store import Store
from lakefs_repro.bucket.values import BucketObject
from lakefs_repro.errors import InvalidError, RejectedError
from lakefs_repro.ingest.branch.excludes import Excludes
from lakefs_repro.ingest.plan import check_paths
from lakefs_repro.model.paths import check_repository_path

__all__ = ["Listing", "listed"]

_NAMED: Final = 5


@dataclass(frozen=True)
class Listing:
    """The files found, by the bytes of their path in the dataset, and how many objects were left out."""

    files: tuple[BucketObject, ...] = ()
    excluded: int = 0

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(found.size for found in self.files)


def listed(store: Store, address: BucketAddress, prefix: str, excludes: Excludes, under: str = "") -> Listing:
    """List what lies below an address.

    Args:
        store: which holds the bucket.
        address: where to look.
        prefix: the dataset's prefix in the repository, which shares the room that a path has.
        excludes: what is no data.
        under: a folder in the dataset to put everything under.

    Raises:
        InvalidError: there is nothing, or some keys can't be kept as paths; they are refused all together.
        RejectedError: a writer's leftovers lie among it: it is not finished.
    """
    folder = f"{under.strip('/')}/" if under.strip("/") else ""
    files: list[BucketObject] = []
    bad: list[InvalidError] = []
    unfinished: list[str] = []
    excluded = 0
    for found in store.list(address):
        if excludes.unfinished(found.path):
            unfinished.append(found.key)
        elif not found.path or excludes.leave_out(found.path, found.size):
            excluded += 1
        else:
            path = folder + found.path
            try:
                check_repository_path(path, prefix=prefix)
            except InvalidError as error:
                bad.append(error)
            files.append(replace(found, path=path))
    _require_kept(address, bad)
    if unfinished:
        raise _unfinished(address, unfinished)
    if not files:
        raise InvalidError(
            f"There is nothing to ingest: {address} holds no objects.",
            hint=f"{excluded} were left out as no data; --no-default-excludes keeps them" if excluded
            else "check the bucket and the prefix",
            kind="empty-source",
        )  # fmt: skip
    check_paths(found.path for found in files)
    return Listing(tuple(sorted(files, key=lambda found: found.path.encode())), excluded)


def _require_kept(address: BucketAddress, bad: list[InvalidError]) -> None:
    if not bad:
        return
    shown = " ".join(error.message for error in bad[:_NAMED])
    more = f" And {len(bad) - _NAMED} more." if len(bad) > _NAMED else ""
    raise InvalidError(
        f"{len(bad)} keys of {address} can't be kept as paths. {shown}{more}",
        hint="rename them in the bucket, or leave them out with --exclude",
        kind="unsafe-keys",
    )


def _unfinished(address: BucketAddress, keys: list[str]) -> RejectedError:
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return RejectedError(
        f"{address} is not finished: a writer has left {', '.join(keys[:_NAMED])}{more}.",
        hint="let the job end, or delete what a failed one has left; --exclude says that it is no data",
        kind="bucket-unfinished",
    )
