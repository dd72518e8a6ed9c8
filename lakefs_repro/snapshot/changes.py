"""What a commit has under a dataset's prefix that the dataset's line has not: the objects to hash, with addresses."""

from __future__ import annotations

from typing import Final

from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line
from lakefs_repro.transfer.parallel import run_all

_STAT_RATHER_THAN_LIST: Final = 1000
_GONE: Final = frozenset({"removed"})


def new_objects(ctx: Context, line: Line, commit: str) -> list[ObjectInfo]:
    """The objects under the dataset's prefix that are new or changed in ``commit``, by the bytes of their path.

    lakeFS compares objects by checksum, size and metadata: one that was written again with the same bytes is not new,
    wherever its bytes lie now. Nothing is read of the objects themselves.

    Args:
        ctx: the repository.
        line: the dataset's line; its head is what ``commit`` is compared with.
        commit: a commit id.
    """
    prefix = dataset_prefix(line.dataset)
    changes = ctx.repository.commits.diff(line.head.id, commit, prefix=prefix)
    paths = [change.path for change in changes if change.type not in _GONE]
    return objects_at(ctx, commit, paths, prefix=prefix)


def objects_at(ctx: Context, commit: str, paths: list[str], *, prefix: str) -> list[ObjectInfo]:
    """What a commit says of these objects: each asked for when they are few, picked from the listing when many.

    Args:
        ctx: the repository.
        commit: a commit id.
        paths: whole paths, all of them in ``commit`` and under ``prefix``.
        prefix: what to list.
    """
    objects = ctx.repository.objects
    if len(paths) <= _STAT_RATHER_THAN_LIST:
        found = list(run_all(lambda path: objects.stat(commit, path), paths, threads=ctx.threads))
    else:
        wanted = set(paths)
        found = [info for info in objects.list(commit, prefix) if info.path in wanted]
    return sorted(found, key=lambda info: info.path.encode())
