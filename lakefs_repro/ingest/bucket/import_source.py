"""A prefix of a bucket that stays where it is: the version lists its objects, and its bytes are not the repository's.

Such a version is external: whoever may write to the bucket can change or delete what it lists. `verify` finds that.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.estimate import AT_ONCE, RoadName
from lakefs_repro.bucket.store import Store
from lakefs_repro.bucket.taken import Taken
from lakefs_repro.bucket.values import BucketObject
from lakefs_repro.errors import InvalidError, RejectedError
from lakefs_repro.ingest.bucket.hashes import BucketHashes
from lakefs_repro.ingest.bucket.source import BucketSource, FromBucket
from lakefs_repro.ingest.plan import IngestPlan
from lakefs_repro.ingest.publish import drop_branch
from lakefs_repro.ingest.tree import start_tree
from lakefs_repro.ingest.write import Draft, require_changes, unconfirmed
from lakefs_repro.lake.imports import ImportFrom
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.annotation import EXTERNAL
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.names import tree_branch
from lakefs_repro.snapshot.bucket_known import Compared
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line
from lakefs_repro.tables import TableFile
from lakefs_repro.transfer.parallel import run_all
from lakefs_repro.transfer.ranged import RangedObject

__all__ = ["ImportSource"]

_NO_IMPORT: Final = re.compile(r"[%?#\x00-\x1f\x7f]")
_NAMED: Final = 5
_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 2.0


class ImportSource(BucketSource):
    """The objects below one address, to be listed in a version and left where they are."""

    def __init__(self, ctx: Context, store: Store, asked: FromBucket) -> None:
        super().__init__(ctx, store, asked)
        mark = hashlib.sha256(self.intent.encode()).hexdigest()[:16]
        self._hashes = BucketHashes(store, asked.address, ctx.state / "buckets" / f"{mark}.jsonl")
        self._objects: dict[str, BucketObject] = {}

    @property
    def intent(self) -> str:
        return json.dumps(["import", super().intent, self._asked.dataset])

    @property
    def road(self) -> RoadName:
        return "import"

    @property
    def extra(self) -> Mapping[str, str]:
        return {**super().extra, EXTERNAL: "true"}

    def find(self) -> None:
        """List the bucket.

        Raises:
            InvalidError: the server lets nothing be imported from S3, there is nothing, or keys can't be kept.
        """
        server = self._ctx.server
        if not (server.imports and server.blockstore == "s3"):
            raise InvalidError(
                f"This server can't list objects of a bucket without copying them (its store is {server.blockstore}).",
                hint="leave out --zero-copy",
                kind="import-unsupported",
            )
        super().find()
        _require_importable(self._asked.address, self._listing.files)
        self._objects = {found.path: found for found in self._listing.files}

    def _take(self, line: Line, compared: Compared) -> None:  # noqa: ARG002 - nothing is brought anywhere
        """Know the SHA-256 of what is new."""
        missing = [found for found in compared.new if found.path not in self._taken]
        self._ctx.progress.step("hash", total=sum(found.size for found in missing), unit="B")
        self._hashes.recall()
        for taken in run_all(self._hashes.take, missing, threads=self._ctx.threads):
            self._hashed(taken)

    def _hashed(self, taken: Taken) -> None:
        self._taken[taken.path] = taken
        self._count(hashed=taken.by == "client", size=taken.size)
        self._ctx.progress.advance(taken.size)

    def table(self, path: str) -> TableFile | None:
        if path not in self._taken:
            return super().table(path)
        found, address = self._objects[path], self._asked.address
        name = address.uri(found.key)
        remote = RangedObject(
            name, found.size, lambda start, n: self._store.read(address, found, start, n), self._cache
        )
        return TableFile(path, remote=remote)

    def place(self, draft: Draft, plan: IngestPlan) -> Draft:
        """Import what is new onto a branch aside, whose tree the ingest branch then takes over.

        Raises:
            RejectedError: the server could not import it.
            IntegrityError: the bucket changed meanwhile.
        """
        ctx, name = self._ctx, tree_branch(draft.ulid)
        ctx.progress.step("import", total=len(plan.new), unit="files")
        start_tree(ctx, name, draft.line.head.id)
        wanted = iter(plan.new)
        while batch := list(islice(wanted, AT_ONCE)):
            self._import(name, [self._import_of(entry) for entry in batch])
            ctx.progress.advance(len(batch))
        ctx.repository.objects.delete(name, (self._prefix + path for path in plan.remove))
        self._put_right(name, plan)
        size = sum(entry.size for entry in plan.new)
        self._count(imported=len(plan.new), size=size)
        return Draft(ctx, draft.line, draft.ulid, fresh=True, aside=name)

    def _import_of(self, entry: Entry) -> ImportFrom:
        return ImportFrom(self._taken[entry.path].address, self._prefix + entry.path)

    def _import(self, branch: str, sources: Sequence[ImportFrom]) -> None:
        imports = self._ctx.repository.imports
        number = imports.start(branch, sources, f"List {self._asked.address}")
        try:
            self._await_import(branch, number)
        except KeyboardInterrupt:
            imports.cancel(branch, number)
            raise

    def _await_import(self, branch: str, number: str) -> None:
        wait = _FIRST_WAIT_S
        while True:
            state = self._ctx.repository.imports.state(branch, number)
            if state.error:
                raise RejectedError(
                    f"The server could not import from {self._asked.address}: {state.error}.",
                    hint="the server reads the bucket with credentials of its own, which must allow it",
                    kind="import-failed",
                )
            if state.completed:
                return
            time.sleep(wait)
            wait = min(_LONGEST_WAIT_S, 1.5 * wait)

    def _put_right(self, branch: str, plan: IngestPlan) -> None:
        """Name each object that the import took for another one, after another look at it.

        lakeFS 1.84 imports the last object whose key begins with the one that was named: ``a.csv.gz`` for ``a.csv``.

        Raises:
            IntegrityError: the bucket changed meanwhile.
        """
        address, staging = self._asked.address, self._ctx.repository.staging
        wrong = [(path, taken) for path, taken, imported in self._imported(branch, plan) if not imported]

        def mend(one: tuple[str, Taken]) -> None:
            path, taken = one
            self._store.look(address, self._objects[taken.path])
            staging.link(branch, path, taken.address, checksum=taken.checksum, size=taken.size, metadata={})

        for _ in run_all(mend, wrong, threads=self._ctx.threads):
            pass

    def _imported(self, ref: str, plan: IngestPlan) -> Iterator[tuple[str, Taken, bool]]:
        wanted = {self._prefix + entry.path: self._taken[entry.path] for entry in plan.new}
        for info in self._ctx.repository.objects.list(ref, self._prefix):
            taken = wanted.pop(info.path, None)
            if taken:
                same = (info.checksum, info.size, info.address) == (taken.checksum, taken.size, taken.address)
                yield info.path, taken, same
        for path, taken in wanted.items():
            yield path, taken, False

    def confirm(self, draft: Draft, made: Commit, plan: IngestPlan) -> None:
        """Compare the commit with what was hashed, by ETag, size and place.

        Raises:
            IntegrityError: it holds something else.
        """
        require_changes(draft, made, plan)
        for path, _, same in self._imported(made.id, plan):
            if not same:
                raise unconfirmed(draft, f"{path} is not what was imported")
        drop_branch(self._ctx, tree_branch(draft.ulid))

    def close(self) -> None:
        """Delete what was noted on the way."""
        self._hashes.forget()


def _require_importable(address: BucketAddress, files: Iterable[BucketObject]) -> None:
    """Refuse keys that lakeFS 1.84 loses: it reads an imported address as a URL, escapes and query included."""
    odd = [found.key for found in files if _NO_IMPORT.search(found.key)]
    if odd:
        raise InvalidError(
            f"{len(odd)} keys of {address} can't be listed without copying, because lakeFS takes %, ?, # and control "
            f"characters in them for parts of a URL: {', '.join(map(repr, odd[:_NAMED]))}.",
            hint="leave out --zero-copy, or leave them out with --exclude",
            kind="unsafe-keys",
        )
