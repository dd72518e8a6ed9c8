"""Branches that are handed out for others to write to: opened at the dataset's line, finished as an ingest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from lakefs_repro.errors import AlreadyExistsError, InvalidError, NotFoundError
from lakefs_repro.ingest.branch.frozen import FROM, FROM_COMMIT
from lakefs_repro.ingest.branch.source import BranchSource, FromBranch
from lakefs_repro.ingest.hashing.digests import forget
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.publish import drop_branch
from lakefs_repro.ingest.request import IngestRequest, IngestResult
from lakefs_repro.ingest.settle import settle
from lakefs_repro.model.annotation import Annotation, is_annotation
from lakefs_repro.model.names import check_dataset_name, parse_write_branch, write_branch
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import merge_of, read_line, require_clean

_NAME_LENGTH = 12


@dataclass(frozen=True, slots=True)
class OpenBranch:
    """A branch that was handed out.

    Attributes:
        dataset: what is to be written there, under its prefix.
        branch: its name.
        commit: its head.
        version: the version that it began from, as far as that is known; empty before the first.
        written: when its head was committed, in UTC.
        staged: whether something is staged there that nobody has committed.
    """

    dataset: str
    branch: str
    commit: str
    version: str = ""
    written: datetime | None = None
    staged: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a branch: the ingest's result, and whether the branch was deleted; else ``kept`` says why not."""

    result: IngestResult
    branch: str
    deleted: bool
    kept: str = ""


def open_branch(ctx: Context, dataset: str, name: str = "") -> OpenBranch:
    """Make a branch at the head of a dataset's line, to be written to by anybody who speaks lakeFS or S3.

    It holds the latest version of this dataset alone, so that nothing needs to be trimmed when it is finished.

    Args:
        ctx: the repository.
        dataset: its name; it need not have a version yet.
        name: the end of the branch's name, of lower-case letters, digits and ``_``; made up when empty.

    Raises:
        AlreadyExistsError: there is such a branch (kind ``branch-exists``).
        ConflictError: another client changed the dataset in ``main``, so that nothing could be merged.
    """
    check_dataset_name(dataset)
    branch = write_branch(dataset, name or ctx.new_id().lower()[:_NAME_LENGTH])
    line = read_line(ctx, dataset)
    require_clean(ctx, line)

    def look() -> str | None:
        found = _head_or_none(ctx, branch)
        return found if found == line.head.id else None

    try:
        settle(lambda: ctx.repository.branches.create(branch, line.head.id), look)
    except AlreadyExistsError as error:
        raise AlreadyExistsError(
            f"The branch {branch} is there already.",
            hint=f"go on writing to it, finish it (`lakefs-repro branch finish {branch}`), or take another --name",
            kind="branch-exists",
        ) from error
    version = line.annotation.version if line.annotation else ""
    return OpenBranch(dataset, branch, line.head.id, version, line.head.created)


def _head_or_none(ctx: Context, branch: str) -> str | None:
    try:
        return ctx.repository.branches.get(branch).commit
    except NotFoundError:
        return None


def open_branches(ctx: Context, dataset: str | None = None) -> Iterator[OpenBranch]:
    """The branches that were handed out and are still there, by name."""
    for found in ctx.repository.branches.list("write-"):
        parsed = parse_write_branch(found.name)
        if parsed is None or dataset not in (None, parsed[0]):
            continue
        head = ctx.repository.commits.get(found.commit)
        staged = next(iter(ctx.repository.branches.staged(found.name, most=1)), None) is not None
        said = head.metadata.get("repro.version", "") if is_annotation(head.metadata) else ""
        yield OpenBranch(parsed[0], found.name, found.commit, said, head.created, staged)


def dataset_of(ctx: Context, branch: str) -> str:
    """The dataset that a branch is for: by the name it was handed out with, or by the line that it grew from.

    Raises:
        InvalidError: neither tells.
        NotFoundError: there is no such branch.
    """
    parsed = parse_write_branch(branch)
    if parsed:
        return parsed[0]
    try:
        history = list(ctx.repository.commits.log(branch, first_parent=True, most=1000))
    except NotFoundError as error:
        raise NotFoundError(
            f"There is no branch {branch!r} in {ctx.repository.name}.",
            hint="`lakefs-repro branch list` names the branches that were handed out",
            kind="branch-not-found",
        ) from error
    for commit in history:
        if is_annotation(commit.metadata):
            said = Annotation.decode(commit.metadata)
            if not said.commit:  # an ingest commit: that of main names one
                return said.dataset
            break
    raise InvalidError(
        f"{branch} does not tell which dataset is on it.", hint="say --dataset NAME", kind="dataset-needed"
    )


def finish_branch(ctx: Context, request: IngestRequest, asked: FromBranch) -> Finished:
    """Make what was written to a branch the next version, and delete the branch if it was handed out for that.

    Args:
        ctx: the repository.
        request: as for any ingest; where its source comes from is ignored.
        asked: the branch, and what is no data on it.

    Raises:
        RejectedError: the branch is not finished, or its data breaks the contract.
        ConflictError: somebody is still writing, or another version was first.
    """
    asked = replace(asked, dataset=request.dataset, dry_run=request.dry_run)
    source = BranchSource(ctx, asked)
    try:
        result = ingest(ctx, replace(request, sources=(), found=None, source=source, adopt=asked.adopt))
    except NotFoundError as error:
        done = _finished_before(ctx, request.dataset, asked.ref) if error.kind == "branch-not-found" else None
        if done is None:
            raise
        return done
    if result.outcome != "planned":
        forget(ctx, request.dataset, source.frozen.commit.id)
    return _tidied(ctx, asked, source, result)


def _tidied(ctx: Context, asked: FromBranch, source: BranchSource, result: IngestResult) -> Finished:
    branch = source.frozen.branch
    ctx.progress.step("tidy")
    if result.outcome == "planned" or asked.adopt or not branch:
        return Finished(result, asked.ref, deleted=False)
    if parse_write_branch(branch) is None:
        return Finished(result, branch, deleted=False, kept="it was not opened by `branch open`")
    if result.outcome == "unchanged" and not _taken(ctx, result.dataset, source.frozen.commit.id):
        return Finished(result, branch, deleted=False, kept="nothing was written to it")
    head = ctx.repository.branches.get(branch).commit
    if head != source.frozen.commit.id or next(iter(ctx.repository.branches.staged(branch, most=1)), None):
        return Finished(result, branch, deleted=False, kept="its writer went on; that is not in the version")
    drop_branch(ctx, branch)
    return Finished(result, branch, deleted=True)


def _taken(ctx: Context, dataset: str, commit: str) -> bool:
    """Whether the latest version was taken from this commit."""
    said = read_line(ctx, dataset).annotation
    return said is not None and said.extra.get(FROM_COMMIT) == commit


def _finished_before(ctx: Context, dataset: str, ref: str) -> Finished | None:
    """The latest version, when it was taken from this branch, which was then deleted."""
    line = read_line(ctx, dataset)
    said = line.annotation
    if said is None or said.extra.get(FROM) != ref or parse_write_branch(ref) is None:
        return None
    merge = merge_of(ctx, line.head.id)
    result = IngestResult(
        outcome="unchanged",
        dataset=dataset,
        version=said.version,
        digest=said.digest,
        engine=ctx.engine,
        repository=ctx.repository.name,
        commit=merge.id if merge else "",
        ingest_commit=line.head.id,
        ingest=said.ingest,
        previous=said.previous,
        files=said.files,
        bytes=said.bytes,
        rows=said.rows or 0,
    )
    return Finished(result, ref, deleted=True)
