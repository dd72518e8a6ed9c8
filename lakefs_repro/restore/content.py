"""What can be restored to a folder: a snapshot, a part of one, or a release with all its datasets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from lakefs_repro.model.entry import Entry
from lakefs_repro.model.ref import Partition
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.snapshot_files import Select
from lakefs_repro.transfer.download import Downloader, Wanted


class Files(Protocol):
    """Files by their path in the folder, with size and SHA-256; read anew each time they are iterated over."""

    def __iter__(self) -> Iterator[Entry]: ...

    def selecting(self, select: Select | None) -> Files:
        """The same with another selection."""


class Content(Protocol):
    """Exact files, and where their bytes come from. Its text is a REF that names it."""

    @property
    def context(self) -> Context: ...

    @property
    def dataset(self) -> str:
        """Whose files; "" for those of several."""

    @property
    def version(self) -> str | None: ...

    @property
    def digest(self) -> str: ...

    @property
    def ingest_commit(self) -> str:
        """The commit at which the objects are read."""

    @property
    def partition(self) -> Partition: ...

    @property
    def under(self) -> str: ...

    @property
    def whole(self) -> bool: ...

    @property
    def files(self) -> Files: ...

    def selects(self, path: str) -> bool:
        """Whether a path belongs to it."""

    def wanted(self, entry: Entry) -> Wanted:
        """One of its files as the object that it is in the repository."""

    def downloader(self) -> Downloader:
        """Reads its objects."""
