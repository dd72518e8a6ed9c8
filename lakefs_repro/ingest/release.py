"""Releasing several datasets' exact snapshots as one: one commit, one pin, one tag; ``main`` never moves.

The commit is composed of ingest commits, each of which holds its own dataset alone, so only metadata is written. The
pin is what decides: whoever creates it has made the release, and whoever comes later finishes it or is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from lakefs_repro.errors import (
    AlreadyExistsError,
    IntegrityError,
    InvalidError,
    LakefsReproError,
    NotFoundError,
    RejectedError,
    UnavailableError,
)
from lakefs_repro.ingest import journal as journals
from lakefs_repro.ingest.actions import ACTIONS, carry
from lakefs_repro.ingest.publish import drop_branch
from lakefs_repro.ingest.settle import NOTHING_TO_DO, TAKEN, settle
from lakefs_repro.lake.values import Commit
from lakefs_repro.ledger.append import append, has_record, ledger_head
from lakefs_repro.model.annotation import Input
from lakefs_repro.model.names import (
    SIDECAR,
    check_release_name,
    compose_branch,
    dataset_prefix,
    release_pin,
    release_tag,
    sidecar_prefix,
)
from lakefs_repro.model.release import ReleaseNote
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import first_commit
from lakefs_repro.snapshot.releases import note_of
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.snapshot.snapshot import Snapshot
from lakefs_repro.snapshot.verify import verify
from lakefs_repro.snapshot.versions import branch_head

STEPS: Final = ("verify", "compose", "merge", "commit", "confirm", "pin", "tag", "ledger", "cleanup")

ReleaseOutcome = Literal["created", "resumed", "unchanged", "planned"]


@dataclass(frozen=True, slots=True)
class ReleaseResult:
    """What became of a release; ``resumed`` when an interrupted one was completed."""

    outcome: ReleaseOutcome
    name: str
    digest: str
    engine: str
    repository: str
    datasets: tuple[Input, ...]
    files: int
    bytes: int
    tag: str
    commit: str = ""

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        inputs = [{name: getattr(one, name) for name in one.__dataclass_fields__} for one in self.datasets]
        return {**plain, "datasets": inputs}


@dataclass(frozen=True)
class _Standing:
    """What there is of a release already: its commit, and what of it is missing."""

    commit: Commit
    note: ReleaseNote
    pinned: bool
    tagged: bool


def make_release(
    ctx: Context, name: str, uses: Iterable[str], *, message: str = "", dry_run: bool = False
) -> ReleaseResult:
    """Release several datasets' exact snapshots as one, under a name that means them for ever.

    Atomic: the pin is there, with all of it, or nothing is. Idempotent: the same content under the same name makes
    nothing, and completes what was interrupted. No byte of data is copied.

    Args:
        ctx: the repository.
        name: the release's name.
        uses: REFs of versions, one of each dataset.
        message: for the commit.
        dry_run: look and verify only.

    Raises:
        InvalidError: the name can't be; a REF is a part, or no version; or a dataset comes twice.
        AlreadyExistsError: the name stands for other content: a release is immutable.
        RejectedError: the data of a version is not whole, or a hook of the server refused the commit.
        IntegrityError: pin or tag of the name are not ours.
    """
    check_release_name(name)
    snapshots = _snapshots(ctx, uses)
    inputs = tuple(_input(ref, snapshot) for ref, snapshot in snapshots)
    note = ReleaseNote(name=name, id=ctx.new_id(), inputs=inputs, by=ctx.who, tool=ctx.tool)
    whole = [snapshot for _, snapshot in snapshots]
    if dry_run:
        standing = standing_of(ctx, name)
        if standing is not None:
            _require_same(standing, note)
            return _result(ctx, "unchanged", standing.note, whole, standing.commit.id)
        _require_sound(ctx, whole)
        return _result(ctx, "planned", note, whole)
    repository = ctx.repository
    intent = journals.Intent(repository.wire.endpoint.url, repository.name, f"release:{name}", note.digest)
    with journals.open_journal(ctx.journals, intent, note.id) as journal:
        note = ReleaseNote(name=name, id=journal.ulid, inputs=inputs, by=ctx.who, tool=ctx.tool)
        try:
            result = _release(ctx, note, whole, message)
        except UnavailableError:
            raise  # the same command goes on from there
        except LakefsReproError:
            drop_branch(ctx, compose_branch(journal.ulid))
            journal.forget()
            raise
        if journal.resumed:
            drop_branch(ctx, compose_branch(journal.ulid))
        journal.forget()
    return result


def _release(ctx: Context, note: ReleaseNote, snapshots: list[Snapshot], message: str) -> ReleaseResult:
    standing = standing_of(ctx, note.name)
    outcome: ReleaseOutcome = "created"
    if standing is not None:
        _require_same(standing, note)
        done = standing.pinned and standing.tagged and has_record(ctx.repository, standing.note.id)
        outcome = "unchanged" if done else "resumed"
    if standing is None or not standing.pinned:
        _require_sound(ctx, snapshots)
    made = standing.commit if standing is not None else _compose(ctx, note, message)
    if outcome != "unchanged":
        made = _publish(ctx, note, made)
    return _result(ctx, outcome, note, snapshots, made.id)


def _publish(ctx: Context, note: ReleaseNote, made: Commit) -> Commit:
    """Pin, tag and record; where somebody pinned the same release meanwhile, theirs: they may be dead by now."""
    ctx.progress.step("pin")
    made = _pin(ctx, note, made)
    finish_release(ctx, made, writer=note.id)
    ctx.progress.step("cleanup")
    drop_branch(ctx, compose_branch(note.id))
    return made


def finish_release(ctx: Context, made: Commit, *, writer: str) -> None:
    """Tag and record a release that is pinned; doing it again changes nothing.

    Args:
        ctx: the repository.
        made: its commit.
        writer: the ULID of who does it: several may, at once.

    Raises:
        IntegrityError: the tag is there already, elsewhere.
    """
    note = ReleaseNote.decode(made.metadata)
    ctx.progress.step("tag")
    _tag(ctx, release_tag(note.name), made.id)
    ctx.progress.step("ledger")
    append(
        ctx.repository,
        note.id,
        {
            "format": 1,
            "kind": "release",
            "annotation": note.encode(),
            "commit": made.id,
            "metarange": made.metarange,
            "committer": made.committer,
            "message": made.message,
            "created": made.created.isoformat(),
        },
        chunks={},
        first_commit=lambda: first_commit(ctx, made.id).id,
        writer=writer,
    )


def standing_of(ctx: Context, name: str) -> _Standing | None:
    """What there is of a release by its pin and its tag, or ``None``.

    Raises:
        IntegrityError: one of them stands at what is no such release, or they disagree.
    """
    pinned = branch_head(ctx, release_pin(name))
    try:
        tag = ctx.repository.tags.get(release_tag(name)).commit
    except NotFoundError:
        tag = None
    at = pinned or tag
    if at is None:
        return None
    commit = ctx.repository.commits.get(at)
    note = note_of(commit, name)
    if note is None or tag not in (None, at):
        what = f"the pin {release_pin(name)}" if pinned else f"the tag {release_tag(name)}"
        raise IntegrityError(
            f"There is {what} at {at[:12]}"
            + (f", and the tag at {tag:.12}." if note and tag else ", which is no release of that name."),
            hint="somebody made or moved it by hand; `lakefs-repro doctor` looks further, or take another name",
            kind="tag-moved" if note else "bad-annotation",
        )
    return _Standing(commit, note, pinned is not None, tag is not None)


def _require_same(standing: _Standing, wanted: ReleaseNote) -> None:
    if standing.note.digest != wanted.digest:
        held = ", ".join(f"{one.dataset}@{one.version}" for one in standing.note.inputs)
        raise AlreadyExistsError(
            f"The release {wanted.name} is there already, of {held}: a release is immutable.",
            hint="take another name",
            kind="release-exists",
        )


def _snapshots(ctx: Context, uses: Iterable[str]) -> list[tuple[str, Snapshot]]:
    found: dict[str, tuple[str, Snapshot]] = {}
    for ref in uses:
        snapshot = resolve(ctx, ref)
        if not snapshot.whole or snapshot.version is None:
            what = "is no version" if snapshot.whole else "is a part of a dataset"
            raise InvalidError(
                f"{ref} {what}; a release holds whole versions.",
                hint=f"name one, such as {snapshot.dataset}@{snapshot.annotation.version}",
                kind="not-a-version",
            )
        if snapshot.dataset in found:
            raise InvalidError(
                f"{found[snapshot.dataset][0]} and {ref} are of one dataset: a release holds each dataset once.",
                hint="make two releases of them",
                kind="dataset-twice",
            )
        found[snapshot.dataset] = (ref, snapshot)
    if not found:
        raise InvalidError("A release of nothing.", hint="say --use flights@1.0.0", kind="empty-release")
    return [found[dataset] for dataset in sorted(found)]


def _input(ref: str, snapshot: Snapshot) -> Input:
    return Input(
        ref=ref,
        dataset=snapshot.dataset,
        version=snapshot.version or "",
        commit=snapshot.ingest_commit,
        digest=snapshot.digest,
    )


def _require_sound(ctx: Context, snapshots: Iterable[Snapshot]) -> None:
    """Only what can still be read to its last byte is released."""
    ctx.progress.step("verify")
    for snapshot in snapshots:
        report = verify(ctx, snapshot)
        if not report.ok:
            first = report.problems[0]
            raise RejectedError(
                f"The data of {snapshot} is not whole: {first.path} is {first.kind}; nothing was released.",
                hint=f"`lakefs-repro verify {snapshot} --deep` names everything",
                kind="not-restorable",
            )


def _compose(ctx: Context, note: ReleaseNote, message: str) -> Commit:
    """One commit that holds exactly the datasets' ingest commits, on a branch of its own."""
    ctx.progress.step("compose")
    branch, first, others = compose_branch(note.id), note.inputs[0], note.inputs[1:]
    drop_branch(ctx, branch)  # of an interrupted run of this ULID: a few small requests make it again
    settle(lambda: ctx.repository.branches.create(branch, first.commit, hidden=True), lambda: branch_head(ctx, branch))
    ctx.progress.step("merge")
    for one in others:
        _merge(ctx, branch, one)
    # Every line carries the hooks of its time, which may conflict; what counts is what main has now.
    carry(ctx, ctx.repository.branches.get(ctx.main).commit, branch)
    ctx.progress.step("commit")
    listed = ", ".join(f"{one.dataset}@{one.version}" for one in note.inputs)
    note = ReleaseNote(
        name=note.name, id=note.id, inputs=note.inputs, by=note.by, tool=note.tool, ledger=ledger_head(ctx.repository)
    )
    metadata, said = note.encode(), message or f"Release {note.name}: {listed}"

    def look() -> Commit | None:
        head = ctx.repository.commits.get(ctx.repository.branches.get(branch).commit)
        return head if note_of(head, note.name) == note else None

    made = settle(lambda: ctx.repository.commits.create(branch, said, metadata, allow_empty=True), look)
    ctx.progress.step("confirm")
    _confirm(ctx, made, note)
    return made


def _merge(ctx: Context, branch: str, one: Input) -> None:
    settle(
        # Lines have nothing in common but hook definitions, so which side wins matters for those alone.
        lambda: ctx.repository.commits.merge(one.commit, branch, f"Compose {one.dataset}", strategy="source-wins"),
        lambda: branch if ctx.repository.commits.contains(branch, one.commit) else None,
        doubtful=NOTHING_TO_DO,
    )


def _confirm(ctx: Context, made: Commit, note: ReleaseNote) -> None:
    """See that the commit holds each dataset as its ingest commit does, and nothing else."""
    names = [one.dataset for one in note.inputs]
    expected = {SIDECAR, ACTIONS, *map(dataset_prefix, names), *map(sidecar_prefix, names)}
    listed = {o.path for prefix in ("", SIDECAR) for o in ctx.repository.objects.list(made.id, prefix, delimiter="/")}
    stray = sorted(listed - expected)
    for one in note.inputs:
        for prefix in (dataset_prefix(one.dataset), sidecar_prefix(one.dataset)):
            stray += [d.path for d in ctx.repository.commits.diff(one.commit, made.id, prefix=prefix, most=1)]
    if stray:
        raise IntegrityError(
            f"The release's commit {made.id[:12]} does not hold what was to be released: {stray[0]} differs.",
            hint="nobody else may write to a compose branch; type the command again",
            kind="release-differs",
        )


def _pin(ctx: Context, note: ReleaseNote, made: Commit) -> Commit:
    """Create the pin: atomic, so one of many racers has made the release."""
    pin = release_pin(note.name)

    def look() -> str | None:
        head = branch_head(ctx, pin)
        return head if head == made.id else None

    try:
        settle(lambda: ctx.repository.branches.create(pin, made.id, hidden=True), look, doubtful=TAKEN)
    except AlreadyExistsError:
        standing = standing_of(ctx, note.name)
        if standing is None:
            raise
        _require_same(standing, note)
        return standing.commit
    return made


def _tag(ctx: Context, name: str, commit: str) -> None:
    def look() -> str | None:
        try:
            there = ctx.repository.tags.get(name).commit
        except NotFoundError:
            return None
        return there if there == commit else None

    try:
        settle(lambda: ctx.repository.tags.create(name, commit).commit, look, doubtful=TAKEN)
    except AlreadyExistsError as error:
        raise IntegrityError(
            f"The tag {name} is there already, at another commit than {commit[:12]}.",
            hint="somebody made it by hand; `lakefs-repro doctor` shows both",
            kind="tag-moved",
        ) from error


def _result(
    ctx: Context, outcome: ReleaseOutcome, note: ReleaseNote, snapshots: Iterable[Snapshot], commit: str = ""
) -> ReleaseResult:
    said = [snapshot.annotation for snapshot in snapshots]
    return ReleaseResult(
        outcome=outcome,
        name=note.name,
        digest=note.digest,
        engine=ctx.engine,
        repository=ctx.repository.name,
        datasets=note.inputs,
        files=sum(one.files for one in said),
        bytes=sum(one.bytes for one in said),
        tag=release_tag(note.name),
        commit=commit,
    )
