"""Writing a snapshot onto its ingest branch: branch, data, sidecar, commit, and the look at what was committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from lakefs_repro.errors import AlreadyExistsError, IntegrityError
from lakefs_repro.lake.values import Commit, ObjectInfo
from lakefs_repro.model.annotation import Annotation, is_annotation
from lakefs_repro.model.head import HeadRecord
from lakefs_repro.model.names import dataset_prefix, ingest_branch
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, sidecar_of
from lakefs_repro.snapshot.plan import Hashed, IngestPlan
from lakefs_repro.snapshot.settle import NOTHING_TO_DO, settle
from lakefs_repro.snapshot.sidecar import SidecarPaths, overlay
from lakefs_repro.snapshot.validate import Validated
from lakefs_repro.transfer.hashing import hash_bytes
from lakefs_repro.transfer.parallel import run_all
from lakefs_repro.transfer.upload import Roads, Upload, Uploader, multipart_checksum, part_size_of

_STAT_RATHER_THAN_LIST: Final = 64


@dataclass
class Sent:
    """What this run uploaded, sidecar left out; ``checksums`` are the server's where they are no plain MD5."""

    files: int = 0
    bytes: int = 0
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Draft:
    """An ingest branch that is to become one snapshot.

    ``fresh`` says that the branch equals the line's head, so that nothing on it need be looked at.
    """

    ctx: Context
    line: Line
    ulid: str
    fresh: bool

    @property
    def branch(self) -> str:
        """The branch's name."""
        return ingest_branch(self.line.dataset, self.ulid)


def open_draft(ctx: Context, line: Line, ulid: str) -> Draft:
    """The ingest branch of ``ulid``: made at the line's head, or found and brought up to it.

    What an interrupted run, or a run that lost a race, has uploaded already stays on the branch.
    """
    name = ingest_branch(line.dataset, ulid)
    try:
        settle(lambda: ctx.repository.branches.create(name, line.head.id, hidden=True), lambda: None)
    except AlreadyExistsError:
        _bring_up(ctx, line, name)
        return Draft(ctx, line, ulid, fresh=False)
    return Draft(ctx, line, ulid, fresh=True)


def _bring_up(ctx: Context, line: Line, name: str) -> None:
    head = ctx.repository.branches.get(name).commit
    if ctx.repository.commits.contains(head, line.head.id):
        return
    if next(iter(ctx.repository.branches.staged(name, most=1)), None) is not None:
        _commit(ctx, name, "Interrupted upload", {}, head)
    # Data paths are aligned with the plan afterwards, so which side wins a conflict does not matter.
    settle(
        lambda: ctx.repository.commits.merge(line.head.id, name, "Follow the line", strategy="source-wins"),
        lambda: name if ctx.repository.commits.contains(name, line.head.id) else None,
        doubtful=NOTHING_TO_DO,
    )


def committed(draft: Draft, wanted: Annotation, message: str) -> Commit | None:
    """The ingest commit that an interrupted run left on the branch, if it says and holds all that is wanted now."""
    if draft.fresh:
        return None
    ctx = draft.ctx
    head = ctx.repository.commits.get(ctx.repository.branches.get(draft.branch).commit)
    if not is_annotation(head.metadata) or draft.line.head.id == head.id:
        return None
    same = head.message == message and _said(Annotation.decode(head.metadata)) == _said(wanted.shortened())
    staged = next(iter(ctx.repository.branches.staged(draft.branch, most=1)), None)
    return head if same and staged is None else None


def _said(annotation: Annotation) -> Annotation:
    """What matters of an annotation: not which ledger it saw, nor what an earlier plan had counted."""
    return replace(annotation, ledger="", extra={})


def write_data(draft: Draft, plan: IngestPlan, hashed: Mapping[str, Hashed]) -> Sent:
    """Upload what the branch lacks and delete what the snapshot does not have."""
    ctx, prefix = draft.ctx, dataset_prefix(draft.line.dataset)
    wanted: Iterable[Hashed] = plan.upload
    remove: Iterable[str] = plan.remove
    if not draft.fresh:
        wanted, remove = _missing(draft, plan, hashed)
    todo = sorted(wanted, key=lambda h: h.hashes.size, reverse=True)
    ctx.progress.step("upload", total=sum(h.hashes.size for h in todo), unit="B")
    sent = Sent()

    def arrived(files: int, size: int) -> None:
        sent.files += files
        sent.bytes += size
        ctx.progress.advance(size)

    uploader = Uploader(ctx.repository.objects, Roads.of(ctx.server), threads=ctx.threads)
    uploader.send(draft.branch, (Upload(prefix + h.file.path, h.file.local, h.hashes) for h in todo), arrived)
    ctx.repository.objects.delete(draft.branch, (prefix + path for path in remove))
    sent.checksums = uploader.checksums
    return sent


def _missing(draft: Draft, plan: IngestPlan, hashed: Mapping[str, Hashed]) -> tuple[list[Hashed], list[str]]:
    """What an old branch lacks of the plan, and what it has too much, by its listing."""
    prefix = dataset_prefix(draft.line.dataset)
    here = {o.path.removeprefix(prefix): o for o in draft.ctx.repository.objects.list(draft.branch, prefix)}
    lacking = [h for path, h in hashed.items() if path not in here or not _confirms(here[path], h)]
    at_line = {o.path.removeprefix(prefix) for o in draft.ctx.repository.objects.list(draft.line.head.id, prefix)}
    at_line.difference_update(plan.remove)
    return lacking, [path for path in here if path not in hashed and path not in at_line]


def _confirms(stored: ObjectInfo, wanted: Hashed) -> bool:
    """Whether the server's checksum proves that an object is the local file."""
    if stored.size != wanted.hashes.size:
        return False
    if "-" in stored.checksum:
        return stored.checksum == multipart_checksum(wanted.file.local, part_size_of(stored.size))
    return stored.checksum == wanted.hashes.md5


def write_sidecar(draft: Draft, plan: IngestPlan, validated: Validated, head: HeadRecord) -> None:
    """Stage manifest chunks, contract, statistics and ``head.json``; remove chunks of other manifests."""
    objects, paths = draft.ctx.repository.objects, SidecarPaths(draft.line.dataset)
    chunks, old = dict(plan.new_chunks), plan.old_chunks
    if not draft.fresh:
        here = {o.path.removeprefix(paths.chunks) for o in objects.list(draft.branch, paths.chunks)}
        old = tuple(here.difference(plan.manifest.chunks))
        read = overlay(chunks, sidecar_of(draft.ctx, draft.line).chunk)
        chunks = {name: read(name) for name in plan.manifest.chunks if name not in here}
    wanted = {paths.chunk(name): data for name, data in chunks.items()}
    wanted[paths.contract] = validated.contract.dump().encode()
    wanted[paths.statistics] = validated.statistics
    wanted[paths.head] = head.encode()
    uploads = [Upload(path, data, hash_bytes(data)) for path, data in wanted.items()]
    Uploader(objects, Roads.of(draft.ctx.server), threads=draft.ctx.threads).send(draft.branch, uploads)
    objects.delete(draft.branch, (paths.chunk(name) for name in old))


def carry_actions(draft: Draft) -> None:
    """Bring ``main``'s hook definitions onto the branch: lakeFS loads them from the source of a merge."""
    ctx = draft.ctx
    theirs = {o.path: o for o in ctx.repository.objects.list(draft.line.main, "_lakefs_actions/")}
    ours = {o.path: o for o in ctx.repository.objects.list(draft.branch, "_lakefs_actions/")}
    for path, info in theirs.items():
        if path not in ours or ours[path].checksum != info.checksum:
            ctx.repository.objects.put(draft.branch, path, ctx.repository.objects.get(draft.line.main, path))
    ctx.repository.objects.delete(draft.branch, (path for path in ours if path not in theirs))


def commit(draft: Draft, annotation: Annotation, message: str) -> Commit:
    """Commit what is staged, with its annotation."""
    before = draft.ctx.repository.branches.get(draft.branch).commit
    return _commit(draft.ctx, draft.branch, message, annotation.encode(), before)


def _commit(ctx: Context, branch: str, message: str, metadata: Mapping[str, str], before: str) -> Commit:
    def look() -> Commit | None:
        head = ctx.repository.branches.get(branch).commit
        if head == before:
            return None
        found = ctx.repository.commits.get(head)
        return found if before in found.parents and dict(metadata).items() <= found.metadata.items() else None

    return settle(
        lambda: ctx.repository.commits.create(branch, message, metadata, allow_empty=True), look, doubtful=NOTHING_TO_DO
    )


def confirm(draft: Draft, made: Commit, plan: IngestPlan, checksums: Mapping[str, str]) -> None:
    """See that the commit holds exactly the planned snapshot: from here on, local bytes stand for its objects.

    Args:
        draft: the ingest branch.
        made: its commit.
        plan: what was planned.
        checksums: by path, the checksums that this run's own multipart uploads were answered with.

    Raises:
        IntegrityError: another client wrote to the ingest branch, or an object is not what was sent.
    """
    ctx, prefix = draft.ctx, dataset_prefix(draft.line.dataset)
    sent = {prefix + h.file.path: h for h in plan.upload}
    expected = {*sent, *(prefix + path for path in plan.remove)}
    own = (SidecarPaths(draft.line.dataset).root, "_lakefs_actions/")
    changed = (d.path for d in ctx.repository.commits.diff(draft.line.head.id, made.id))
    found = {path for path in changed if not path.startswith(own)}
    if found != expected:
        stray = min(found ^ expected)
        raise _unconfirmed(draft, f"{stray} is {'there' if stray in found else 'not there'} unexpectedly")
    stored: Iterable[ObjectInfo]
    if len(sent) <= _STAT_RATHER_THAN_LIST:
        stored = run_all(lambda path: ctx.repository.objects.stat(made.id, path), sent, threads=ctx.threads)
    else:
        stored = (o for o in ctx.repository.objects.list(made.id, prefix) if o.path in sent)
    confirmed = 0
    for info in stored:
        known = checksums.get(info.path)
        if info.checksum != known and not _confirms(info, sent[info.path]):
            raise _unconfirmed(draft, f"{info.path} has other bytes than were sent")
        confirmed += 1
    if confirmed != len(sent):
        raise _unconfirmed(draft, f"{len(sent) - confirmed} of {len(sent)} uploaded files are not there")


def _unconfirmed(draft: Draft, what: str) -> IntegrityError:
    return IntegrityError(
        f"The ingest branch {draft.branch} does not hold what was validated: {what}.",
        hint="nobody else may write to an ingest branch; type the command again",
        kind="ingest-branch-changed",
    )
