"""What somebody asks of an ingest, and what comes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lakefs_repro.ingest.partition import Scope
from lakefs_repro.ingest.scan import Scan
from lakefs_repro.ingest.source import Source
from lakefs_repro.model.annotation import Input
from lakefs_repro.model.contract import Contract

Mode = Literal["replace", "append"]
Bump = Literal["major", "minor", "patch"]
Outcome = Literal["created", "unchanged", "planned", "resumed"]


@dataclass(frozen=True)
class IngestRequest:
    """Everything that decides what an ingest does.

    Args:
        dataset: its name.
        sources: one folder, or files.
        mode: ``replace`` makes the dataset equal to the source; ``append`` only adds files.
        version: the exact version to make, or ``None``.
        bump: which part to raise when no version is named; minor by default.
        contract: the contract to hold the data to; the captured one, or an inferred one, when ``None``.
        inputs: the snapshots that the data was made from.
        query: the text of the query or job that made it.
        job: its name.
        code: git commit of the code that made it; empty when unknown.
        code_dirty: whether that code had changes that were not committed.
        exclude: globs of files to leave out.
        under: a folder in the dataset to put the files under.
        partition: the partition that alone is replaced, or appended to: ``year=2024/month=3``; "" for the dataset.
        message: for the commit.
        allow_shrink: let ``replace`` remove more than half of the files.
        dry_run: hash, compare and validate only.
        intent: what makes two requests the same command; derived from the sources when empty.
        found: the files, where the caller has found them already; ``sources`` are not looked at then.
        source: what is to be ingested instead of ``sources`` and ``found``: a branch, a bucket.
        adopt: the data lies in ``main`` already, where another client put it.
        scope: what ``partition`` means in the dataset; found by the ingest.
    """

    dataset: str
    sources: tuple[Path, ...]
    mode: Mode = "replace"
    version: str | None = None
    bump: Bump | None = None
    contract: Contract | None = None
    inputs: tuple[Input, ...] = ()
    query: str = ""
    job: str = ""
    code: str = ""
    code_dirty: bool = False
    exclude: tuple[str, ...] = ()
    under: str = ""
    partition: str = ""
    message: str = ""
    allow_shrink: bool = False
    dry_run: bool = False
    intent: str = ""
    found: Scan | None = None
    source: Source | None = None
    adopt: bool = False
    scope: Scope | None = None

    @property
    def fingerprint(self) -> str:
        """Equal for "the same command typed again"."""
        said: Any = (
            self.intent or (self.source and self.source.intent) or [str(path.absolute()) for path in self.sources]
        )
        parts = [said, self.mode, self.version, self.bump, self.exclude, self.under, self.partition]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class IngestResult:
    """What an ingest did.

    ``outcome`` is ``created`` (a new version), ``unchanged`` (the source equals the latest version), ``planned``
    (a dry run) or ``resumed`` (an interrupted ingest was completed). Counts are of files; from ``hashed`` on they are
    what this run really did, sidecar left out: see :class:`~lakefs_repro.ingest.source.Counts`. ``taken_from`` and
    ``taken_commit`` are the ref and the commit that others wrote; empty for files.
    """

    outcome: Outcome
    dataset: str
    version: str
    digest: str
    engine: str
    repository: str
    commit: str = ""
    ingest_commit: str = ""
    ingest: str = ""
    previous: str = ""
    files: int = 0
    bytes: int = 0
    rows: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    partition: str = ""
    excluded: int = 0
    taken_from: str = ""
    taken_commit: str = ""
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
    external: bool = False
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> Mapping[str, Any]:
        """For ``--json``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
