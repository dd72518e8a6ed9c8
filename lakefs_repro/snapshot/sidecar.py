"""What lies beside a dataset's data in its repository: head, manifest, contract and statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lakefs_repro.errors import IntegrityError, NotFoundError
from lakefs_repro.lake.objects import Objects
from lakefs_repro.model.contract import Contract
from lakefs_repro.model.head import HeadRecord
from lakefs_repro.model.names import sidecar_prefix

ReadChunk = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class SidecarPaths:
    """The paths of one dataset's sidecar."""

    dataset: str

    @property
    def root(self) -> str:
        return sidecar_prefix(self.dataset)

    @property
    def head(self) -> str:
        return self.root + "head.json"

    @property
    def contract(self) -> str:
        return self.root + "contract.yaml"

    @property
    def statistics(self) -> str:
        return self.root + "statistics.json"

    @property
    def chunks(self) -> str:
        return self.root + "manifest/"

    def chunk(self, name: str) -> str:
        """Where the manifest chunk of this name lies."""
        return self.chunks + name


@dataclass(frozen=True)
class Sidecar:
    """The sidecar of a dataset as it is at one commit; chunks are read when asked for, and then remembered."""

    objects: Objects
    dataset: str
    commit: str
    _chunks: dict[str, bytes] = field(default_factory=dict)

    @property
    def paths(self) -> SidecarPaths:
        return SidecarPaths(self.dataset)

    def chunk(self, name: str) -> bytes:
        """The bytes of a manifest chunk, unchecked: whoever parses it compares its hash.

        Raises:
            IntegrityError: the commit does not hold it.
        """
        if name not in self._chunks:
            try:
                self._chunks[name] = self.objects.get(self.commit, self.paths.chunk(name))
            except NotFoundError as error:
                raise IntegrityError(
                    f"The manifest of {self.dataset} at {self.commit[:12]} lacks its chunk {name[:12]}.",
                    hint="`lakefs-repro doctor` looks for copies in the ledger",
                    kind="manifest-incomplete",
                ) from error
        return self._chunks[name]

    def head(self) -> HeadRecord:
        """``head.json``; :class:`NotFoundError` when the commit holds no such dataset."""
        return HeadRecord.decode(self.objects.get(self.commit, self.paths.head), path=self.paths.head)

    def contract(self) -> Contract:
        """The contract captured with the data."""
        text = self.objects.get(self.commit, self.paths.contract).decode()
        return Contract.load(text, source=f"{self.paths.contract} at {self.commit[:12]}")

    def statistics(self) -> bytes:
        """``statistics.json``, raw."""
        return self.objects.get(self.commit, self.paths.statistics)


def overlay(new: dict[str, bytes], old: ReadChunk | None) -> ReadChunk:
    """Read chunks from ``new`` first, then from an older sidecar."""

    def read(name: str) -> bytes:
        if name in new or old is None:
            return new[name]
        return old(name)

    return read
