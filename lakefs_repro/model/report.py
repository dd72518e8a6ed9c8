"""What reading commands return: frozen values that turn into JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any, Literal

__all__ = [
    "MAX_PROBLEMS",
    "LogEntry",
    "PinState",
    "Problem",
    "ProblemKind",
    "ReleaseInfo",
    "ReleaseReport",
    "RestoreAction",
    "RestoreReport",
    "VerifyReport",
    "VersionInfo",
]

MAX_PROBLEMS = 1000
"""How many problems a report names; all are counted."""

PinState = Literal["held", "moved", "missing"]
"""Whether the pin of a version keeps exactly its ingest commit, another commit, or is not there."""

ProblemKind = Literal[
    "gone", "missing", "extra", "truncated", "size-mismatch", "hash-mismatch", "manifest", "foreign-change"
]
"""What is wrong with a path of a snapshot.

- ``gone``: the commit lists it, but the store no longer has its bytes (collected, or deleted there).
- ``missing``: the manifest has it, the commit does not.
- ``extra``: the commit has it, the manifest does not.
- ``truncated``: its bytes in the store end early.
- ``size-mismatch``: the commit lists it with another size than the manifest.
- ``hash-mismatch``: its bytes are others (found by a deep verification).
- ``manifest``: a part of the manifest is lost or damaged, or has another digest.
- ``foreign-change``: the merge holds something else than the ingest commit.
"""

RestoreAction = Literal["created", "replaced", "unchanged", "planned"]
"""What became of the folder; a dry run is ``planned``."""


_SUMMED = ("files", "bytes", "read_bytes", "seconds")


class _Json:
    """Turns a value into what ``json.dumps`` takes: times in ISO 8601, paths as text."""

    def to_json(self) -> dict[str, Any]:
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class VersionInfo(_Json):
    """One version of a dataset.

    Attributes:
        commit: the merge that its tag points at.
        ingest_commit: the commit on the dataset's line that its pin keeps.
        files: with ``bytes`` and ``rows`` as its annotation says; ``rows`` is None when it is no table.
        created: when it was merged.
        by: the committer as lakeFS knows them.
        pin: whether its data is kept.
        rolled_back_to: the version whose content this one has again, or "".
        external: whether some bytes lie outside the repository's storage, where they can change or go.
        problem: "" or why the tag is not to be trusted: ``bad-annotation`` or ``tag-moved``; then only
            ``dataset``, ``version`` and ``commit`` are known.
    """

    dataset: str
    version: str
    commit: str
    ingest_commit: str = ""
    digest: str = ""
    files: int = 0
    bytes: int = 0
    rows: int | None = None
    created: datetime | None = None
    by: str = ""
    message: str = ""
    pin: PinState = "missing"
    rolled_back_to: str = ""
    external: bool = False
    problem: str = ""

    @property
    def pinned(self) -> bool:
        """Whether its pin exists and keeps exactly its ingest commit."""
        return self.pin == "held"

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "pinned": self.pinned}


@dataclass(frozen=True, kw_only=True)
class LogEntry(_Json):
    """One merge in the history of a dataset.

    ``added``, ``removed`` and ``changed`` count files against the commit before; None when the manifests can't be
    read any more. ``released`` says whether the version has its tag. In the history of a partition, ``files``,
    ``bytes`` and the changes are those of the partition, ``part_digest`` is its own digest, and ``rows`` is None; in
    that of a whole dataset ``part_digest`` is "". ``sha256_by`` says who computed the hashes: ``client``, ``worker``,
    ``store``, or several, separated by commas.
    """

    dataset: str
    version: str
    commit: str
    ingest_commit: str
    digest: str
    files: int
    bytes: int
    rows: int | None
    created: datetime
    by: str
    message: str
    released: bool
    added: int | None = None
    removed: int | None = None
    changed: int | None = None
    rolled_back_to: str = ""
    part_digest: str = ""
    sha256_by: str = ""
    external: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, with the path in the repository that it is about."""

    path: str
    kind: ProblemKind
    detail: str

    def to_json(self) -> dict[str, Any]:
        return {"path": self.path, "kind": self.kind, "detail": self.detail}


@dataclass(frozen=True, kw_only=True)
class VerifyReport(_Json):
    """What a verification found.

    Attributes:
        files: the files that were looked at, with their ``bytes``.
        read_bytes: how many bytes were read from the store to prove it.
        counts: the number of problems of each kind.
        problems: the first :data:`MAX_PROBLEMS` of them.
        pin: whether the version's data is kept from garbage collection; None for what is no version.
        external: whether some bytes lie outside the repository's storage; their source was asked.
    """

    ref: str
    dataset: str
    version: str | None
    digest: str
    commit: str
    deep: bool
    files: int
    bytes: int
    read_bytes: int
    seconds: float
    counts: Mapping[ProblemKind, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    pin: PinState | None = None
    external: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.counts

    def to_json(self) -> dict[str, Any]:
        return {"ok": self.ok, **super().to_json()}


@dataclass(frozen=True, kw_only=True)
class ReleaseReport(_Json):
    """What a verification of a whole release found: the report of each of its datasets, and their sums.

    Attributes:
        pin: whether the release's own pin keeps exactly its commit, and with it the data of all its datasets.
    """

    ref: str
    release: str
    digest: str
    commit: str
    deep: bool
    datasets: tuple[VerifyReport, ...]
    pin: PinState

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(report.ok for report in self.datasets)

    def to_json(self) -> dict[str, Any]:
        sums = {name: sum(getattr(each, name) for each in self.datasets) for name in _SUMMED}
        return {"ok": self.ok, **super().to_json(), **sums}


@dataclass(frozen=True, kw_only=True)
class ReleaseInfo(_Json):
    """One release, as a listing tells it.

    Attributes:
        datasets: the versions in it: ``flights@1.0.0``.
        pin: whether its data is kept.
        problem: "" or why it is not to be trusted: ``bad-annotation`` or ``tag-moved``; then only ``name`` and
            ``commit`` are known.
    """

    name: str
    commit: str
    digest: str = ""
    datasets: tuple[str, ...] = ()
    created: datetime | None = None
    by: str = ""
    message: str = ""
    pin: PinState = "missing"
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class RestoreReport(_Json):
    """What a restore did, or with the action ``planned`` would do.

    Attributes:
        files: what the folder holds now, with their ``bytes``.
        downloaded: files that came over the network, with ``downloaded_bytes``.
        reused: files that were right in the folder already.
        resumed: files that an interrupted restore had left, found right.
        removed: files of an earlier restore that are no longer in it.
    """

    ref: str
    dataset: str
    version: str | None
    digest: str
    target: PurePath
    action: RestoreAction
    files: int
    bytes: int
    downloaded: int = 0
    downloaded_bytes: int = 0
    reused: int = 0
    resumed: int = 0
    removed: int = 0
    seconds: float = 0.0


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if is_dataclass(value) and hasattr(value, "to_json"):
        return value.to_json()
    return value
