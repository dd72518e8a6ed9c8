"""Where the content of a snapshot comes from: the seam between the ingest and files, branches or buckets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lakefs_repro.ingest.plan import IngestPlan
    from lakefs_repro.ingest.write import Draft
    from lakefs_repro.lake.values import Commit
    from lakefs_repro.model.entry import Entry
    from lakefs_repro.snapshot.line import Line
    from lakefs_repro.tables import TableFile


@dataclass(frozen=True, slots=True)
class Counts:
    """What this run did with files, the sidecar left out.

    ``hashed`` counts the files that were read for their SHA-256, ``reused`` those whose SHA-256 was known already,
    ``uploaded`` those that were sent from here, ``copied`` those that the store copied by itself, ``imported`` those
    that stay where they are. Each has its bytes.
    """

    hashed: int = 0
    hashed_bytes: int = 0
    reused: int = 0
    reused_bytes: int = 0
    uploaded: int = 0
    uploaded_bytes: int = 0
    copied: int = 0
    copied_bytes: int = 0
    imported: int = 0
    imported_bytes: int = 0


class Source(Protocol):
    """The content that is to become a snapshot, bound to one repository and one dataset.

    An ingest calls :meth:`find` once. Then, for each turn that a lost race costs, it calls the others in the order in
    which they stand here.
    """

    @property
    def intent(self) -> str:
        """What makes two requests the same command, typed again."""

    def find(self) -> None:
        """Find the files, and do all that can be done before it is known where the dataset's line stands.

        Raises:
            InvalidError: there is nothing, or something that can't be kept.
        """

    def entries(self, line: Line) -> Mapping[str, Entry]:
        """The manifest's entries of the whole source, by path in the dataset; what ``line`` knows is not read again."""

    def table(self, path: str) -> TableFile | None:
        """A file of the source, to be validated; ``None`` when the source does not hold this path."""

    def place(self, draft: Draft, plan: IngestPlan) -> Draft:
        """Put the planned content on a branch, uncommitted, and return that branch.

        It is ``draft`` itself; or a branch of the source's own, whose tree the ingest branch then takes over whole.
        An interrupted run may have done a part of it already.
        """

    def confirm(self, draft: Draft, made: Commit, plan: IngestPlan) -> None:
        """See that the ingest commit holds exactly what was planned and validated.

        Raises:
            IntegrityError: it does not.
        """

    @property
    def excluded(self) -> int:
        """How many files were left out."""

    @property
    def extra(self) -> Mapping[str, str]:
        """What else the annotation should say of the source: keys that begin with ``repro.``."""

    @property
    def sha256_by(self) -> frozenset[str]:
        """Who computed the hashes: some of ``client``, ``worker`` and ``store``."""

    @property
    def counts(self) -> Counts:
        """What was done so far."""

    def close(self) -> None:
        """Everything is done, or there was nothing to do: remove what was needed on the way alone."""
