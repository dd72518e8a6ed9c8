"""Rolling one dataset of ``main`` back to an earlier version, by a new commit, copying nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from lakefs_repro.errors import LakefsReproError, RejectedError, UnavailableError
from lakefs_repro.ingest import journal as journals
from lakefs_repro.ingest.heal import clear_holder, finish_latest, heal
from lakefs_repro.ingest.publish import (
    ReservedError,
    drop_branch,
    finish,
    merge_to_main,
    release,
    reserve,
    taken_versions,
)
from lakefs_repro.ingest.settle import settle
from lakefs_repro.ingest.write import carry_actions, commit, open_draft
from lakefs_repro.lake.values import Commit
from lakefs_repro.ledger.append import ledger_head
from lakefs_repro.model.annotation import EXTERNAL, Annotation
from lakefs_repro.model.head import HeadRecord
from lakefs_repro.model.names import ingest_branch
from lakefs_repro.model.version import Version
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, merge_of, read_line, require_clean
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.snapshot.sidecar import SidecarPaths
from lakefs_repro.snapshot.verify import verify


@dataclass(frozen=True, slots=True)
class RollbackResult:
    """What a rollback did; ``outcome`` is ``unchanged`` when ``main`` holds that snapshot already."""

    outcome: Literal["rolled-back", "unchanged", "planned"]
    dataset: str
    version: str
    rolled_back_to: str
    previous: str
    digest: str
    engine: str
    repository: str
    commit: str = ""
    ingest_commit: str = ""

    def to_json(self) -> dict[str, str]:
        """For ``--json``."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def roll_back(
    ctx: Context, dataset: str, ingest_commit: str, *, message: str = "", dry_run: bool = False
) -> RollbackResult:
    """Make the snapshot of an earlier ingest commit the newest version of its dataset.

    A commit on the line takes the old commit's tree whole, so no byte is copied; it is merged, pinned and tagged as
    the next patch version. Other datasets stay as they are, and the history is kept. Killed at any moment, the
    same call completes it.

    Raises:
        ConflictError: another ingest of the dataset was first, or another client changed it in ``main``.
        NotFoundError: no such commit.
    """
    old = ctx.repository.commits.get(ingest_commit)
    target = Annotation.decode(old.metadata)
    _require_sound(ctx, dataset, old)
    if dry_run:
        return _plan(ctx, dataset, target)
    repository = ctx.repository
    intent = journals.Intent(repository.wire.endpoint.url, repository.name, dataset, f"rollback:{old.id}")
    with journals.open_journal(ctx.journals, intent, ctx.new_id()) as journal:
        result = _resumed(ctx, dataset, target, journal) or _roll_back(ctx, old, target, journal, message)
        journal.forget()
        return result


def _require_sound(ctx: Context, dataset: str, old: Commit) -> None:
    """Only what went through the gate, and can still be read to its last byte, may become the newest version.

    Raises:
        RejectedError: no ingest of ``main`` made this commit, or its data is damaged or gone.
    """
    if not ctx.repository.commits.contains(ctx.main, old.id):
        raise RejectedError(
            f"Commit {old.id[:12]} is not in {ctx.main}: nobody validated it.",
            hint="roll back to a version; `lakefs-repro list` names them",
            kind="never-validated",
        )
    ctx.progress.step("verify")
    report = verify(ctx, resolve(ctx, f"{dataset}@{old.id}"))
    if not report.ok:
        first = report.problems[0]
        raise RejectedError(
            f"The data of that version is not whole: {first.path} is {first.kind}; nothing was changed.",
            hint="`lakefs-repro verify --deep` names everything; an older version may still be whole",
            kind="not-restorable",
        )


def _resumed(ctx: Context, dataset: str, target: Annotation, journal: journals.Journal) -> RollbackResult | None:
    """Bring an interrupted rollback to its end when ``main`` holds it, else clear the ground for another try."""
    if not journal.resumed or heal(ctx, dataset, journal.ulid) != "finished":
        return None
    line = read_line(ctx, dataset)
    if line.annotation is None or line.annotation.ingest != journal.ulid:
        return None
    merge = merge_of(ctx, line.head.id)
    return _result(
        ctx, "rolled-back", line.annotation, target, commit=merge.id if merge else "", ingest_commit=line.head.id
    )


def _look(ctx: Context, dataset: str) -> Line:
    ctx.progress.step("look")
    line = read_line(ctx, dataset)
    require_clean(ctx, line)
    return line


def _plan(ctx: Context, dataset: str, target: Annotation) -> RollbackResult:
    line = _look(ctx, dataset)
    now = line.annotation or target
    if (now.digest, now.schema) == (target.digest, target.schema):
        return _result(ctx, "unchanged", now, target, commit="", ingest_commit=line.head.id)
    said = replace(target, version=_next_patch(ctx, dataset, now), previous=now.version)
    return _result(ctx, "planned", said, target, commit="", ingest_commit="")


def _roll_back(
    ctx: Context, old: Commit, target: Annotation, journal: journals.Journal, message: str
) -> RollbackResult:
    dataset, ulid = target.dataset, journal.ulid
    version = ""
    try:
        finish_latest(ctx, read_line(ctx, dataset))
        line = _look(ctx, dataset)
        now = line.annotation or target
        if (now.digest, now.schema) == (target.digest, target.schema):
            return _result(ctx, "unchanged", now, target, commit="", ingest_commit=line.head.id)
        version = _next_patch(ctx, dataset, now)
        said = replace(
            target,
            ingest=ulid,
            version=version,
            previous=now.version,
            rolled_back_to=target.version,
            ledger=ledger_head(ctx.repository),
            commit="",
            tool=ctx.tool,
            extra={"repro.by": ctx.who, **({EXTERNAL: "true"} if target.external else {})},
        )
        made = _make(ctx, line, old, said, message or f"Roll {dataset} back to {target.version}")
        ctx.progress.step("pin")
        _reserve(ctx, dataset, version, made)
        ctx.progress.step("merge")
        merge = merge_to_main(ctx, made, line.head.id)
    except UnavailableError:
        raise  # what is there stays, for the same command to go on from
    except LakefsReproError:
        if version:
            release(ctx, dataset, version, ulid)
        drop_branch(ctx, ingest_branch(dataset, ulid))
        journal.forget()
        raise
    published = finish(ctx, made, merge)
    return _result(ctx, "rolled-back", said, target, commit=published.merge, ingest_commit=made.id)


def _next_patch(ctx: Context, dataset: str, now: Annotation) -> str:
    return str(max([*taken_versions(ctx, dataset), Version(now.version)]).bump("patch"))


def _reserve(ctx: Context, dataset: str, version: str, made: Commit) -> None:
    """Reserve the version, after cleaning up after a holder of this machine that is known to be dead."""
    try:
        reserve(ctx, dataset, version, made)
    except ReservedError as error:
        if not clear_holder(ctx, dataset, error):
            raise
        reserve(ctx, dataset, version, made)


def _make(ctx: Context, line: Line, old: Commit, said: Annotation, message: str) -> Commit:
    ctx.progress.step("branch")
    draft = open_draft(ctx, line, said.ingest)
    ctx.progress.step("commit")
    metadata = said.encode()

    def look() -> Commit | None:
        head = ctx.repository.commits.get(ctx.repository.branches.get(draft.branch).commit)
        return head if head.metadata.get("repro.ingest") == said.ingest else None

    made = settle(
        lambda: ctx.repository.commits.create(draft.branch, message, metadata, source_metarange=old.metarange), look
    )
    carry_actions(draft)
    if next(iter(ctx.repository.branches.staged(draft.branch, most=1)), None) is None:
        return made
    # The old tree has older hook definitions: main's go on top, with a head.json that makes this the line's newest.
    head = HeadRecord(
        dataset=said.dataset,
        ingest=said.ingest,
        version=said.version,
        manifest=said.digest,
        contract=said.schema,
        files=said.files,
        bytes=said.bytes,
    )
    ctx.repository.objects.put(draft.branch, SidecarPaths(said.dataset).head, head.encode())
    return commit(draft, said, message)


def _result(
    ctx: Context,
    outcome: Literal["rolled-back", "unchanged", "planned"],
    said: Annotation,
    target: Annotation,
    *,
    commit: str,
    ingest_commit: str,
) -> RollbackResult:
    return RollbackResult(
        outcome=outcome,
        dataset=said.dataset,
        version=said.version,
        rolled_back_to=target.version,
        previous=said.previous,
        digest=said.digest,
        engine=ctx.engine,
        repository=ctx.repository.name,
        commit=commit,
        ingest_commit=ingest_commit,
    )
