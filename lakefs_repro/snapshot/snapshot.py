"""A snapshot: one immutable content of one dataset, to look into and to read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO

from lakefs_repro.errors import IntegrityError, NotFoundError
from lakefs_repro.model.annotation import Annotation
from lakefs_repro.model.contract import Contract
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import build
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.model.paths import in_partition
from lakefs_repro.model.table import FileStatistics, TableSchema, TableStatistics, merge_statistics
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.sidecar import Sidecar
from lakefs_repro.snapshot.snapshot_files import Chunks, SnapshotFiles
from lakefs_repro.snapshot.snapshot_tables import read_tables
from lakefs_repro.transfer.download import Downloader, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa

_NAMES_TO_COMPARE = 10_000


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a REF stands for, found by :func:`lakefs_repro.snapshot.resolve.resolve`.

    Looking at it reads what is asked for and no more. Bytes are read at ``ingest_commit``, which the version's pin
    keeps, and are compared with the manifest's SHA-256.

    Attributes:
        version: its semantic version, or None when the commit is no version.
        digest: the root of its manifest, the same on every server; that of the whole dataset, also for a part.
        commit: what the REF named, for a version the merge into ``main``.
        ingest_commit: the commit on the dataset's own line.
        partition: the ``key=value`` folders that select a part; empty for all.
        under: the folder or file that a URI selects; "" for all.
        release: the release that it was asked for in, whose commit then is ``commit``; "" without one.
    """

    context: Context = field(repr=False, compare=False)
    dataset: str
    version: str | None
    digest: str
    commit: str
    ingest_commit: str
    annotation: Annotation = field(repr=False, compare=False)
    partition: tuple[tuple[str, str], ...] = ()
    under: str = ""
    release: str = ""

    def __str__(self) -> str:
        name = f"{self.dataset}@{self.version or self.commit[:12]}"
        part = "/".join(f"{key}={value}" for key, value in self.partition) or self.under
        return f"{name}#{part}" if part else name

    @property
    def external(self) -> bool:
        """Whether some of its bytes lie outside the repository's storage, where they can change or go."""
        return self.annotation.external

    @property
    def whole(self) -> bool:
        """Whether it is all of the dataset and no part of it."""
        return not self.partition and not self.under

    @property
    def files(self) -> SnapshotFiles:
        """Its files, sorted by path, each with size and SHA-256; read while they are iterated over."""
        select = None if self.whole else self.selects
        objects = self.context.repository.objects
        return SnapshotFiles(objects, self.dataset, self.ingest_commit, self.digest, select, self._chunks)

    @property
    def size(self) -> int:
        """Bytes of all its files together."""
        return self.files.total_bytes

    @cached_property
    def part_digest(self) -> str:
        """The digest of exactly its own files: for a part, the root that a manifest of them alone would have.

        Two versions with the same digest of a part hold the same files in it. For a whole snapshot it is ``digest``.
        """
        return self.digest if self.whole else build(self.files, presorted=True).root

    @cached_property
    def contract(self) -> Contract:
        """The contract that its data was held to, captured with it."""
        return self.sidecar.contract()

    @property
    def schema(self) -> tuple[TableSchema, ...]:
        """The columns of each of its tables; empty when no file is a table."""
        return tuple(TableSchema.from_json(raw) for raw in self._stored.get("schemas", ()))

    @property
    def statistics(self) -> tuple[TableStatistics, ...]:
        """Rows, nulls, minima and maxima of each of its tables, of the selected files alone."""
        files = (FileStatistics.from_json(raw) for raw in self._stored.get("files", ()))
        return merge_statistics(file for file in files if self.selects(file.path))

    def open(self, path: str) -> BinaryIO:
        """One file to read from start to end.

        Args:
            path: as it stands in :attr:`files`, relative to the dataset.

        Raises:
            NotFoundError: the snapshot has no such file.
            IntegrityError: now for a small file, while it is read for a large one, when its bytes are not those that
                were ingested. Before the end of the file is reached, nothing is promised about what was read.
        """
        entry = self.files.find(path)
        if entry is None:
            raise self._no_file(path)
        return self.downloader().open(self.ingest_commit, self.wanted(entry))

    def to_arrow(self, columns: Sequence[str] | None = None, *, table: str | None = None) -> pa.Table:
        """Its rows as one Arrow table, from files that were downloaded and verified first.

        Args:
            columns: only these, in this order.
            table: which one, when the contract has several.

        Raises:
            InvalidError: no file is a table, or there are several tables and none is named.
            IntegrityError: a file's bytes are not those that were ingested.
        """
        return read_tables(self, columns=columns, table=table)

    def to_pandas(self, columns: Sequence[str] | None = None, *, table: str | None = None) -> pd.DataFrame:
        """The same as a data frame."""
        frame: pd.DataFrame = self.to_arrow(columns, table=table).to_pandas()
        return frame

    def uri(self, path: str) -> str:
        """Where lakeFS' own clients find a file: ``lakefs://repository/commit/dataset/path``, immutable."""
        return f"lakefs://{self.context.repository.name}/{self.ingest_commit}/{dataset_prefix(self.dataset)}{path}"

    def selects(self, path: str) -> bool:
        """Whether a path of the dataset lies in the part that this is."""
        if self.under and path != self.under and not path.startswith(self.under.rstrip("/") + "/"):
            return False
        return not self.partition or in_partition(path, self.partition)

    def wanted(self, entry: Entry) -> Wanted:
        """One of its files as the object that it is in the repository."""
        return Wanted(dataset_prefix(self.dataset) + entry.path, entry.size, entry.sha256)

    def downloader(self) -> Downloader:
        """Reads its objects."""
        return Downloader(self.context.repository.objects, self.context.server, threads=self.context.threads)

    @property
    def sidecar(self) -> Sidecar:
        """What lies beside its data."""
        return Sidecar(self.context.repository.objects, self.dataset, self.ingest_commit)

    @cached_property
    def _chunks(self) -> Chunks:
        return Chunks()

    @cached_property
    def _stored(self) -> dict[str, Any]:
        try:
            value = json.loads(self.sidecar.statistics())
        except NotFoundError:
            return {}
        except ValueError as error:
            raise IntegrityError(
                f"{self.sidecar.paths.statistics} at {self.ingest_commit[:12]} is not JSON.", kind="statistics-corrupt"
            ) from error
        return value if isinstance(value, dict) else {}

    def _no_file(self, path: str) -> NotFoundError:
        names = [entry.path for entry in islice(self.files, _NAMES_TO_COMPARE)]
        near = get_close_matches(path, names, n=3)
        hint = f"it has {', '.join(near)}" if near else "`.files` lists what it has"
        return NotFoundError(f"{self} has no file {path!r}.", hint=hint, kind="file-not-found")
