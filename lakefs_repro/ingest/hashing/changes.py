"""What a commit has under a dataset's prefix that the dataset's line has not: the objects to hash, with addresses."""

from __future__ import annotations

from collections.abc import Iterator

from lakefs_repro.ingest.hashing.digest import key_of
from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line


def new_objects(ctx: Context, line: Line, commit: str) -> Iterator[ObjectInfo]:
    """The objects under the dataset's prefix that are new or changed in ``commit``, by the bytes of their path.

    One is new when its place in the store, its checksum or its size is another than at the line's head: lakeFS' own
    diff does not see that an object's bytes lie elsewhere now. Both listings are read side by side; nothing is read
    of the objects themselves.

    Args:
        ctx: the repository.
        line: the dataset's line; its head is what ``commit`` is compared with.
        commit: a commit id.
    """
    prefix = dataset_prefix(line.dataset)
    objects = ctx.repository.objects
    old = objects.list(line.head.id, prefix) if line.begun else iter(())
    last = next(old, None)
    for info in objects.list(commit, prefix):
        while last is not None and last.path.encode() < info.path.encode():
            last = next(old, None)
        if last is None or last.path != info.path or key_of(last) != key_of(info):
            yield info
