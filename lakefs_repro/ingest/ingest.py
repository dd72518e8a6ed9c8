"""Ingest: what a source holds becomes an immutable, validated, pinned and tagged version of a dataset.

:data:`STEPS` are its steps, in order. It can be killed before or after the effect of each; the same command goes on.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lakefs_repro.errors import ConflictError, InvalidError, LakefsReproError, UnavailableError
from lakefs_repro.ingest import journal as journals
from lakefs_repro.ingest.folder_source import FolderSource
from lakefs_repro.ingest.heal import clear_holder, finish_latest
from lakefs_repro.ingest.outcome import annotation_of, finished_result, next_version, result_of
from lakefs_repro.ingest.partition import scope_of
from lakefs_repro.ingest.plan import IngestPlan, make_plan
from lakefs_repro.ingest.publish import (
    LostRaceError,
    ReservedError,
    drop_branch,
    finish,
    merge_to_main,
    pause,
    release,
    release_others,
    require_free,
    reserve,
)
from lakefs_repro.ingest.request import IngestRequest, IngestResult, Outcome
from lakefs_repro.ingest.source import Source
from lakefs_repro.ingest.validate import Validated, captured_contract, validate_plan
from lakefs_repro.ingest.write import (
    carry_actions,
    commit,
    commit_tree,
    committed,
    open_draft,
    write_sidecar,
)
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.head import HeadRecord
from lakefs_repro.model.names import check_dataset_name, ingest_branch, tree_branch
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, foreign_changes, read_line, require_clean, sidecar_of

STEPS: Final = (
    "scan", "hash", "look", "validate", "branch", "upload", "sidecar", "commit", "confirm", "pin", "merge",
    "recheck", "tag", "ledger", "cleanup",
)  # fmt: skip

_PATIENCE_TURNS: Final = 400


def ingest(ctx: Context, request: IngestRequest) -> IngestResult:
    """Make the source the next version of a dataset.

    Atomic: ``main`` is as it was or holds the whole new version. Idempotent: a source equal to the latest version
    makes nothing, and an interrupted ingest is completed when the same request comes again.

    Raises:
        InvalidError: the request or the source is wrong.
        RejectedError: the data breaks its contract, a hook refused it, or too much would be lost.
        ConflictError: another ingest was first, or another client changed the dataset in ``main``.
        IntegrityError: the source changed while it was read.
        UnavailableError: the server went away; what was sent stays, and the same request goes on from there.
    """
    check_dataset_name(request.dataset)
    if request.version and request.bump:
        raise InvalidError(
            "A version and a bump contradict each other.", hint="name one of them", kind="version-and-bump"
        )
    if request.partition:
        request = _scoped(ctx, request)
    source = request.source or FolderSource(ctx, request)
    source.find()
    with tempfile.TemporaryDirectory(prefix="lakefs-repro-") as spill:
        if request.dry_run:
            return _dry_run(ctx, request, source, Path(spill))
        return _journaled(ctx, request, source, Path(spill))


def _scoped(ctx: Context, request: IngestRequest) -> IngestRequest:
    """The request with what its partition means in the dataset."""
    if request.source is not None:
        raise InvalidError(
            "--partition goes with files of this machine.",
            hint="leave it out: what did not change on a branch or in a bucket stays as it is anyway",
            kind="contradicting-options",
        )
    return replace(request, scope=scope_of(ctx, request.dataset, request.partition, under=request.under))


def _dry_run(ctx: Context, request: IngestRequest, source: Source, spill: Path) -> IngestResult:
    ctx.progress.step("look")
    line = read_line(ctx, request.dataset)
    require_clean(ctx, line, sidecar_only=request.adopt)
    plan = _plan(ctx, request, line, source)
    ctx.progress.step("validate")
    validated = validate_plan(ctx, request, line, plan, source, spill)
    if plan.same and _nothing_else(ctx, line, request):
        return result_of(ctx, "unchanged", line.annotation, plan, source)
    draft = annotation_of(ctx, request, line, plan, validated, source, "", next_version(ctx, request, line))
    return result_of(ctx, "planned", draft, plan, source)


def _journaled(ctx: Context, request: IngestRequest, source: Source, spill: Path) -> IngestResult:
    repository = ctx.repository
    intent = journals.Intent(repository.wire.endpoint.url, repository.name, request.dataset, request.fingerprint)
    with journals.open_journal(ctx.journals, intent, ctx.new_id()) as journal:
        work = _Work(ctx, request, source, spill, journal.ulid, resumed=journal.resumed)
        try:
            result = work.run()
        except (UnavailableError, KeyboardInterrupt):
            raise  # what is there stays, for the same command to go on from
        except LakefsReproError:
            if work.abandon():
                journal.forget()
            raise
        journal.forget()
    if work.finished_earlier and not _holds(ctx, request, source):
        # What was completed is what the source was then; it has changed since, and that is the next version.
        return _journaled(ctx, request, source, spill)
    source.close()
    return result


def _holds(ctx: Context, request: IngestRequest, source: Source) -> bool:
    """Whether ``main`` holds what the source is now."""
    line = read_line(ctx, request.dataset)
    return _plan(ctx, request, line, source).same and _nothing_else(ctx, line, request)


@dataclass
class _Work:
    """One ingest under one ULID, through as many turns as its races take."""

    ctx: Context
    request: IngestRequest
    source: Source
    spill: Path
    ulid: str
    resumed: bool
    merged: bool = False
    finished_earlier: bool = False
    reserved: str = ""
    line: Line | None = None

    def run(self) -> IngestResult:
        """Turn until published; a lost race is the end for a replacement of what another changed."""
        for turn in range(_PATIENCE_TURNS):
            try:
                return self._turn()
            except (LostRaceError, ReservedError) as error:
                self._give_back()
                if isinstance(error, ReservedError) and clear_holder(self.ctx, self.request.dataset, error):
                    continue
                if not self._may_follow():
                    raise
                self.ctx.progress.note("another ingest is ahead; following it")
                pause(turn)
        raise ConflictError(
            f"Other ingests of {self.request.dataset} were first, {_PATIENCE_TURNS} times over.",
            hint="type the command again when fewer are at work",
            kind="lost-race",
        )

    def _may_follow(self) -> bool:
        """Whether what another ingest made meanwhile may stay beside ours: files added, or other partitions."""
        if self.request.version:
            return False
        if self.request.scope is None or self.request.mode == "append":
            return self.request.mode == "append"
        if self.line is None:
            return False
        digest_in, now = self.request.scope.digest_in, read_line(self.ctx, self.request.dataset)
        return digest_in(self.ctx, now) == digest_in(self.ctx, self.line)

    def _turn(self) -> IngestResult:
        ctx, request = self.ctx, self.request
        ctx.progress.step("look")
        line = read_line(ctx, request.dataset)
        done = self._done_before(line)
        if done:
            return done
        finish_latest(ctx, line)
        require_clean(ctx, line, sidecar_only=request.adopt)
        self.line = self.line or line
        plan = _plan(ctx, request, line, self.source)
        if plan.same and _nothing_else(ctx, line, request):
            self.abandon()
            return result_of(ctx, "unchanged", line.annotation, plan, self.source)
        version = next_version(ctx, request, line)
        if self.resumed:
            release_others(ctx, request.dataset, version, self.ulid)
        require_free(ctx, request.dataset, version, self.ulid)
        made, validated = self._write(line, plan, version)
        ctx.progress.step("pin")
        self.reserved = version
        reserve(ctx, request.dataset, version, made)
        ctx.progress.step("merge")
        merge = merge_to_main(ctx, made, line.head.id, adopt=request.adopt)
        self.merged = True
        published = finish(ctx, made, merge)
        outcome: Outcome = "resumed" if self.resumed else "created"
        result = result_of(ctx, outcome, published.annotation, plan, self.source)
        return replace(result, commit=published.merge, ingest_commit=made.id, rows=validated.rows)

    def _done_before(self, line: Line) -> IngestResult | None:
        """Complete what an interrupted run of this ULID had merged already."""
        if not self.resumed:
            return None
        branch = ingest_branch(self.request.dataset, self.ulid)
        made = self._merged_commit(line, branch)
        if made is None:
            return None
        self.merged = True
        published = finish(self.ctx, made)
        drop_branch(self.ctx, branch)
        self.finished_earlier = True
        return finished_result(self.ctx, published, made, self.source)

    def _merged_commit(self, line: Line, branch: str) -> Commit | None:
        if line.annotation and line.annotation.ingest == self.ulid:
            return line.head
        try:
            head = self.ctx.repository.branches.get(branch).commit
        except LakefsReproError as error:
            if error.kind == "not-found":
                return None
            raise
        if head == line.head.id or not self.ctx.repository.commits.contains(self.ctx.main, head):
            return None
        made = self.ctx.repository.commits.get(head)
        return made if made.metadata.get("repro.ingest") == self.ulid else None

    def _write(self, line: Line, plan: IngestPlan, version: str) -> tuple[Commit, Validated]:
        ctx, request = self.ctx, self.request
        ctx.progress.step("validate")
        validated = validate_plan(ctx, request, line, plan, self.source, self.spill)
        ctx.progress.step("branch")
        draft = open_draft(ctx, line, self.ulid)
        annotation = annotation_of(ctx, request, line, plan, validated, self.source, self.ulid, version)
        message = request.message or f"Ingest {request.dataset}@{version}"
        made = committed(draft, annotation, message)
        if made is None:
            placed = self.source.place(draft, plan)
            ctx.progress.step("sidecar")
            head = HeadRecord(
                dataset=request.dataset,
                ingest=self.ulid,
                version=version,
                manifest=plan.manifest.root,
                contract=validated.contract.hash,
                files=plan.manifest.entries,
                bytes=plan.manifest.bytes,
            )
            write_sidecar(placed, plan, validated, head)
            carry_actions(placed)
            ctx.progress.step("commit")
            if placed is draft:
                made = commit(draft, annotation, message)
            else:
                made = commit_tree(draft, placed, annotation, message)
        ctx.progress.step("confirm")
        self.source.confirm(draft, made, plan)
        return made, validated

    def _give_back(self) -> None:
        if self.reserved and not self.merged:
            release(self.ctx, self.request.dataset, self.reserved, self.ulid)
            self.reserved = ""

    def abandon(self) -> bool:
        """Leave nothing of this ingest behind, unless ``main`` holds it already; say whether it is gone."""
        if self.merged:
            return False
        try:
            self._give_back()
            if self.resumed:
                release_others(self.ctx, self.request.dataset, "", self.ulid)
            drop_branch(self.ctx, tree_branch(self.ulid))
            drop_branch(self.ctx, ingest_branch(self.request.dataset, self.ulid))
        except UnavailableError:
            return False
        return True


def _plan(ctx: Context, request: IngestRequest, line: Line, source: Source) -> IngestPlan:
    sidecar = sidecar_of(ctx, line)
    return make_plan(
        source.entries(line),
        mode=request.mode,
        root=line.annotation.digest if line.annotation else None,
        read=sidecar.chunk if line.annotation else None,
        allow_shrink=request.allow_shrink,
        within=request.scope.holds if request.scope else None,
    )


def _nothing_else(ctx: Context, line: Line, request: IngestRequest) -> bool:
    """Whether, the files being the same, nothing else asks for a version either."""
    if request.adopt and foreign_changes(ctx, line):
        return False  # the same bytes, but other objects
    captured = captured_contract(ctx, line) if request.contract else None
    return request.contract is None or (captured is not None and captured.hash == request.contract.hash)
