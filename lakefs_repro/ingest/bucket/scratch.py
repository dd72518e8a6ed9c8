"""The branch onto which a bucket's objects are taken before they become a version.

Its name follows from what is taken, so that a run that was killed, here or elsewhere, goes on where it was: what an
object was taken from is noted with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.taken import Taken, recall
from lakefs_repro.bucket.values import BucketObject, noted
from lakefs_repro.errors import AlreadyExistsError
from lakefs_repro.ingest.plan import IngestPlan
from lakefs_repro.ingest.publish import drop_branch
from lakefs_repro.ingest.settle import settle
from lakefs_repro.ingest.write import bring_up
from lakefs_repro.model.names import copy_branch, dataset_prefix
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line

__all__ = ["Scratch"]

_MARK: Final = 16


@dataclass
class Scratch:
    """One such branch.

    Args:
        ctx: the repository.
        dataset: whose objects they will be.
        store: the endpoint that they come from.
        address: where they lie there.
        under: the folder in the dataset that they are put under.
    """

    ctx: Context
    dataset: str
    store: str
    address: BucketAddress
    under: str = ""

    @property
    def branch(self) -> str:
        """Its name."""
        said = "\n".join((self.store, str(self.address), self.under))
        return copy_branch(self.dataset, hashlib.sha256(said.encode()).hexdigest()[:_MARK])

    def open(self, line: Line, wanted: Iterable[BucketObject]) -> dict[str, Taken]:
        """Make the branch at the line's head, or find it; what of ``wanted`` it holds already, by path."""
        name, ctx = self.branch, self.ctx
        try:
            settle(lambda: ctx.repository.branches.create(name, line.head.id, hidden=True), lambda: None)
        except AlreadyExistsError:
            bring_up(ctx, line, name)
            return self._held(wanted)
        return {}

    def _held(self, wanted: Iterable[BucketObject]) -> dict[str, Taken]:
        prefix = dataset_prefix(self.dataset)
        by_path: Mapping[str, BucketObject] = {found.path: found for found in wanted}
        held: dict[str, Taken] = {}
        for info in self.ctx.repository.objects.list(self.branch, prefix, metadata=True):
            path = info.path.removeprefix(prefix)
            found = by_path.get(path)
            taken = recall(info, path, noted(self.store, self.address, found), found.size) if found else None
            if taken:
                held[path] = taken
        return held

    def align(self, line: Line, plan: IngestPlan, taken: Container[str]) -> None:
        """Leave on the branch what the plan has: delete what the snapshot has not, and what was taken for nothing.

        An interrupted run may have taken, or deleted, what the bucket has again as the line has it.
        """
        prefix = dataset_prefix(self.dataset)
        objects = self.ctx.repository.objects
        at_line = {info.path for info in objects.list(line.head.id, prefix)}
        remove = {prefix + path for path in plan.remove}
        stale = [
            change.path
            for change in self.ctx.repository.branches.staged(self.branch, prefix)
            if change.path.removeprefix(prefix) not in taken and change.path not in remove
        ]
        for path in stale:
            if path in at_line:
                self.ctx.repository.branches.unstage(self.branch, path)
        objects.delete(self.branch, [*(path for path in stale if path not in at_line), *remove])

    def forget(self, path: str) -> None:
        """Take an object back: its bytes are those that the line has already."""
        self.ctx.repository.branches.unstage(self.branch, dataset_prefix(self.dataset) + path)

    def drop(self) -> None:
        """Delete the branch, and with it what is only there."""
        drop_branch(self.ctx, self.branch)
