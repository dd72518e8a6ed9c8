"""Writing a snapshot onto its ingest branch: branch, sidecar, hooks, commit, and the look at what was committed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lakefs_repro.errors import AlreadyExistsError, IntegrityError
from lakefs_repro.ingest.actions import carry
from lakefs_repro.ingest.plan import IngestPlan
from lakefs_repro.ingest.settle import NOTHING_TO_DO, settle
from lakefs_repro.ingest.validate import Validated
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.annotation import Annotation, is_annotation
from lakefs_repro.model.head import HeadRecord
from lakefs_repro.model.names import dataset_prefix, ingest_branch
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, sidecar_of
from lakefs_repro.snapshot.sidecar import SidecarPaths, overlay
from lakefs_repro.transfer.hashing import hash_bytes
from lakefs_repro.transfer.upload import Roads, Upload, Uploader


@dataclass(frozen=True)
class Draft:
    """An ingest branch that is to become one snapshot.

    ``fresh`` says that the branch equals the line's head, so that nothing on it need be looked at. ``aside`` names
    another branch, on which the tree is put together that the ingest branch then takes over whole.
    """

    ctx: Context
    line: Line
    ulid: str
    fresh: bool
    aside: str = ""

    @property
    def branch(self) -> str:
        """The name of the branch to write to."""
        return self.aside or ingest_branch(self.line.dataset, self.ulid)


def open_draft(ctx: Context, line: Line, ulid: str) -> Draft:
    """The ingest branch of ``ulid``: made at the line's head, or found and brought up to it.

    What an interrupted run, or a run that lost a race, has uploaded already stays on the branch.
    """
    name = ingest_branch(line.dataset, ulid)
    try:
        settle(lambda: ctx.repository.branches.create(name, line.head.id, hidden=True), lambda: None)
    except AlreadyExistsError:
        bring_up(ctx, line, name)
        return Draft(ctx, line, ulid, fresh=False)
    return Draft(ctx, line, ulid, fresh=True)


def bring_up(ctx: Context, line: Line, name: str) -> None:
    """Merge the line's head into a branch that an interrupted run left; what is staged there is committed first."""
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
    carry(draft.ctx, draft.line.main, draft.branch)


def commit(draft: Draft, annotation: Annotation, message: str) -> Commit:
    """Commit what is staged, with its annotation."""
    before = draft.ctx.repository.branches.get(draft.branch).commit
    return _commit(draft.ctx, draft.branch, message, annotation.encode(), before)


def commit_tree(draft: Draft, tree: Draft, annotation: Annotation, message: str) -> Commit:
    """Commit what is staged on another branch, and its whole tree on the ingest branch, copying nothing."""
    ctx = draft.ctx
    there = _commit(ctx, tree.branch, message, {}, ctx.repository.branches.get(tree.branch).commit)
    before = ctx.repository.branches.get(draft.branch).commit
    return _commit(ctx, draft.branch, message, annotation.encode(), before, metarange=there.metarange)


def _commit(
    ctx: Context, branch: str, message: str, metadata: Mapping[str, str], before: str, *, metarange: str | None = None
) -> Commit:
    def look() -> Commit | None:
        head = ctx.repository.branches.get(branch).commit
        if head == before:
            return None
        found = ctx.repository.commits.get(head)
        return found if before in found.parents and dict(metadata).items() <= found.metadata.items() else None

    def act() -> Commit:
        return ctx.repository.commits.create(
            branch, message, metadata, source_metarange=metarange, allow_empty=metarange is None
        )

    return settle(act, look, doubtful=NOTHING_TO_DO)


def require_changes(draft: Draft, made: Commit, plan: IngestPlan) -> None:
    """See that exactly the planned paths differ between the line's head and an ingest commit.

    Raises:
        IntegrityError: another client wrote to the ingest branch.
    """
    prefix = dataset_prefix(draft.line.dataset)
    expected = {prefix + path for path in (*(entry.path for entry in plan.new), *plan.remove)}
    own = (SidecarPaths(draft.line.dataset).root, "_lakefs_actions/")
    changed = (d.path for d in draft.ctx.repository.commits.diff(draft.line.head.id, made.id))
    found = {path for path in changed if not path.startswith(own)}
    if found != expected:
        stray = min(found ^ expected)
        raise unconfirmed(draft, f"{stray} is {'there' if stray in found else 'not there'} unexpectedly")


def unconfirmed(draft: Draft, what: str) -> IntegrityError:
    """An ingest commit is not what was planned."""
    return IntegrityError(
        f"The ingest branch {draft.branch} does not hold what was validated: {what}.",
        hint="nobody else may write to an ingest branch; type the command again",
        kind="ingest-branch-changed",
    )
