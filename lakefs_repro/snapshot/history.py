"""The history of a dataset in ``main``, or of one partition of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lakefs_repro.errors import IntegrityError, NotFoundError
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.annotation import Annotation
from lakefs_repro.model.diff import diff
from lakefs_repro.model.manifest import Manifest, build, iter_entries
from lakefs_repro.model.names import check_dataset_name
from lakefs_repro.model.paths import in_partition
from lakefs_repro.model.ref import Partition, parse_ref
from lakefs_repro.model.report import LogEntry
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.sidecar import Sidecar
from lakefs_repro.snapshot.versions import annotation_of, made_by, tagged


def log(ctx: Context, dataset: str) -> Iterator[LogEntry]:
    """What happened to a dataset in ``main``, newest first, rollbacks too; manifests are compared as it is read.

    Args:
        ctx: the repository.
        dataset: its name, perhaps with a partition (``flights#year=2024``): then only what changed that partition.

    Raises:
        NotFoundError: ``main`` holds no such dataset, or never held such a partition.
        InvalidError: it is no dataset's name, or the partition can't be read.
    """
    name, partition = _named(dataset)
    released = {tag.commit for tag in tagged(ctx, name)}
    merges = _merges(ctx, name)
    this = next(merges, None)
    if this is None:
        raise NotFoundError(
            f"{ctx.main} holds no dataset {name}.", hint="`lakefs-repro list` names them", kind="dataset-not-found"
        )
    told = False
    while this is not None:
        before = next(merges, None)
        entry = _entry(this, before, partition, released)
        if entry is not None:
            told = True
            yield entry
        this = before
    if not told:
        raise NotFoundError(
            f"No version of {name} ever had a file in {dataset.partition('#')[2]}.",
            hint=f"`lakefs-repro show {name} --files` lists what it has; values are compared as text",
            kind="partition-not-found",
        )


def _named(text: str) -> tuple[str, Partition]:
    """The dataset and the partition that a text like ``flights#year=2024`` names."""
    name, hash_sign, _ = text.partition("#")
    check_dataset_name(name)
    return name, parse_ref(text).partition if hash_sign else ()


@dataclass(frozen=True, slots=True)
class _Merge:
    """A merge of the dataset with what it says, and the manifest that it brought."""

    commit: Commit
    said: Annotation
    sidecar: Sidecar


def _merges(ctx: Context, dataset: str) -> Iterator[_Merge]:
    for commit in ctx.repository.commits.log(ctx.main, first_parent=True):
        said = annotation_of(commit)
        if said is not None and said.dataset == dataset:
            yield _Merge(commit, said, Sidecar(ctx.repository.objects, dataset, said.commit or commit.id))


def _entry(this: _Merge, before: _Merge | None, partition: Partition, released: set[str]) -> LogEntry | None:
    """What a merge did to the dataset, or to the partition; ``None`` when it left the partition as it was."""
    commit, said = this.commit, this.said
    counts = _changes(this, before, partition)
    if partition and counts is not None and not counts:
        return None
    part = _part_or_none(this, partition) if partition else None
    return LogEntry(
        dataset=said.dataset,
        version=said.version,
        commit=commit.id,
        ingest_commit=said.commit or commit.id,
        digest=said.digest,
        files=said.files if not partition else part.entries if part else 0,
        bytes=said.bytes if not partition else part.bytes if part else 0,
        rows=None if partition else said.rows,
        created=commit.created,
        by=made_by(commit, said),
        message=commit.message,
        released=commit.id in released,
        added=counts["added"] if counts is not None else None,
        removed=counts["removed"] if counts is not None else None,
        changed=counts["changed"] if counts is not None else None,
        rolled_back_to=said.rolled_back_to,
        part_digest=part.root if part else "",
        sha256_by=said.sha256_by,
        external=said.external,
    )


def _changes(this: _Merge, before: _Merge | None, partition: Partition) -> Counter[str] | None:
    """How many files were added, removed and changed, or ``None`` when a manifest can't be read any more."""
    try:
        if before is not None:
            changes = diff(before.said.digest, before.sidecar.chunk, this.said.digest, this.sidecar.chunk)
            return Counter(change.kind for change in changes if in_partition(change.path, partition))
        files = _part(this, partition).entries if partition else this.said.files
    except (IntegrityError, NotFoundError):
        return None
    return Counter(added=files) if files else Counter()


def _part_or_none(merge: _Merge, partition: Partition) -> Manifest | None:
    try:
        return _part(merge, partition)
    except (IntegrityError, NotFoundError):
        return None


def _part(merge: _Merge, partition: Partition) -> Manifest:
    """The manifest that the partition's files alone would have."""
    entries = iter_entries(merge.said.digest, merge.sidecar.chunk)
    return build((entry for entry in entries if in_partition(entry.path, partition)), presorted=True)
