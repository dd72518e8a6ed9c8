"""Setting right what the doctor found, one finding at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from lakefs_repro.doctor.diagnose import diagnose
from lakefs_repro.doctor.finding import Action, Finding, Repair
from lakefs_repro.doctor.lease import LEASE
from lakefs_repro.doctor.repository import scratch_name, wanted_protection
from lakefs_repro.errors import ConflictError, IntegrityError, InvalidError, NotFoundError
from lakefs_repro.ingest import journal as journals
from lakefs_repro.ingest.heal import heal
from lakefs_repro.ingest.publish import drop_branch, finish, record, release, reserve
from lakefs_repro.ingest.release import finish_release
from lakefs_repro.lake.values import Commit
from lakefs_repro.ledger.append import ensure_ledger
from lakefs_repro.model.annotation import Annotation
from lakefs_repro.model.names import LEDGER_BRANCH, parse_release_pin, pin_branch, tag_name
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import first_commit
from lakefs_repro.snapshot.releases import find_release, verify_release
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.snapshot.verify import verify


def repair(ctx: Context, finding: Finding, *, lease: timedelta = LEASE) -> str:
    """Do what a finding's repair says, and tell in one sentence what was done.

    Idempotent. The repository is looked at again just before: what is right by now, or came alive, is left alone.

    Args:
        ctx: the repository.
        finding: one of :func:`~lakefs_repro.doctor.diagnose.diagnose`, with a repair.
        lease: the one that it was found with.

    Raises:
        InvalidError: the finding has no repair.
        IntegrityError: a pin can't be put back, because the data that it would keep is gone.
        ConflictError: somebody else changed the same thing at the same time.
    """
    wanted = finding.repair
    if wanted is None:
        raise InvalidError(f"There is no repair for this: {finding.message}", hint=finding.hint, kind="no-repair")
    again = diagnose(ctx, dataset=wanted.dataset or None, lease=lease, try_writing=False)
    if not any(found.repair == wanted for found in again):
        return f"Nothing to do any more ({wanted.does})."
    return _ACTIONS[wanted.action](ctx, wanted)


def _protect(ctx: Context, _: Repair) -> str:
    added = ctx.repository.settings.protect(wanted_protection(ctx))
    return f"Protected {', '.join(added)}; the server may take a minute to heed it."


def _restore_ledger(ctx: Context, wanted: Repair) -> str:
    head = ensure_ledger(ctx.repository, lambda: wanted.commit or first_commit(ctx, ctx.main).id)
    return f"Made {LEDGER_BRANCH} again at {head[:12]}."


def _heal_ingest(ctx: Context, wanted: Repair) -> str:
    with _journal_of(ctx, wanted.ingest):
        healed = heal(ctx, wanted.dataset, wanted.ingest)
    what = f"the ingest {wanted.ingest} of {wanted.dataset}"
    return {
        "finished": f"Finished {what}: {ctx.main} held it already.",
        "cleaned": f"Removed what was left of {what}.",
        "nothing": f"Nothing was left of {what}.",
    }[healed]


@contextlib.contextmanager
def _journal_of(ctx: Context, ulid: str) -> Iterator[None]:
    """Hold a dead ingest's journal meanwhile, so that the same command does not come alive under our hands."""
    folder = ctx.journals
    journal = journals.seize(folder, ulid)
    if journal is None and journals.is_live(folder, ulid):
        raise ConflictError(f"The ingest {ulid} came alive just now; nothing was changed.", kind="came-alive")
    try:
        yield
    except BaseException:
        if journal:
            journal.close()
        raise
    if journal:
        journal.forget()


def _drop_branch(ctx: Context, wanted: Repair) -> str:
    drop_branch(ctx, wanted.branch)
    return f"Deleted {wanted.branch}."


def _create_pin(ctx: Context, wanted: Repair) -> str:
    made = _ingest_commit(ctx, wanted)
    reserve(ctx, wanted.dataset, wanted.version, made)  # first: from now on nothing more is collected
    name, gone = pin_branch(wanted.dataset, wanted.version), _gone(ctx, wanted)
    if gone:
        return f"Made {name} at {made.id[:12]}, but it came too late for some of the data: {gone}"
    return f"Made {name} at {made.id[:12]}; every object of it can still be read."


def _move_pin(ctx: Context, wanted: Repair) -> str:
    made = _ingest_commit(ctx, wanted)
    name = pin_branch(wanted.dataset, wanted.version)
    # Between deleting and making again, a scratch branch keeps the commit.
    guard = scratch_name(ctx)
    ctx.repository.branches.create(guard, made.id, hidden=True)
    try:
        gone = _gone(ctx, wanted)
        if gone:
            raise IntegrityError(
                f"{name} was left where it is: {gone}",
                hint=f"`lakefs-repro verify {wanted.dataset}@{wanted.version}` names the files",
                kind="data-gone",
            )
        drop_branch(ctx, name)
        reserve(ctx, wanted.dataset, wanted.version, made)
    finally:
        drop_branch(ctx, guard)
    return f"Put {name} back at {made.id[:12]}, of which every object can be read."


def _ingest_commit(ctx: Context, wanted: Repair) -> Commit:
    """The commit that a pin must stand at, if it is what it should be."""
    made = ctx.repository.commits.get(wanted.commit)
    said = Annotation.decode(made.metadata)
    if (said.dataset, said.version) != (wanted.dataset, wanted.version):
        raise IntegrityError(
            f"{made.id[:12]} holds {said.dataset}@{said.version}, not {wanted.dataset}@{wanted.version}.",
            kind="bad-annotation",
        )
    return made


def _gone(ctx: Context, wanted: Repair) -> str:
    """What of a version's data can't be read any more, in words; empty when all of it can."""
    try:
        report = verify(ctx, resolve(ctx, f"{wanted.dataset}@{wanted.version}"))
    except (IntegrityError, NotFoundError) as error:
        return error.message
    if report.ok:
        return ""
    first = report.problems[0]
    return f"{sum(report.counts.values())} of {report.files} files can't be read, such as {first.path} ({first.kind})."


def _release_pin(ctx: Context, wanted: Repair) -> str:
    with _journal_of(ctx, wanted.ingest):
        released = release(ctx, wanted.dataset, wanted.version, wanted.ingest)
    spoken = f"{wanted.dataset}@{wanted.version}"
    return f"Gave {spoken} back." if released else f"{spoken} is not reserved by {wanted.ingest} any more."


def _finish(ctx: Context, wanted: Repair) -> str:
    made = _ingest_commit(ctx, wanted)
    with _journal_of(ctx, wanted.ingest):
        _reserve_if_missing(ctx, wanted, made)
        published = finish(ctx, made)
    return f"Tagged {tag_name(wanted.dataset, wanted.version)} at {published.merge[:12]}, and recorded it."


def _reserve_if_missing(ctx: Context, wanted: Repair, made: Commit) -> None:
    """A version never exists without its pin, so the pin comes before the tag."""
    try:
        there = ctx.repository.branches.get(pin_branch(wanted.dataset, wanted.version)).commit
    except NotFoundError:
        there = ""
    if there != made.id:
        reserve(ctx, wanted.dataset, wanted.version, made)


def _record(ctx: Context, wanted: Repair) -> str:
    made = _ingest_commit(ctx, wanted)
    merge = ctx.repository.tags.get(tag_name(wanted.dataset, wanted.version)).commit
    record(ctx, made, Annotation.decode(made.metadata), merge)
    return f"Wrote the record of {wanted.dataset}@{wanted.version} into the ledger."


def _pin_release(ctx: Context, wanted: Repair) -> str:
    """Make a release's pin at its commit; another one of that name goes only when all the data can be read."""
    name = parse_release_pin(wanted.branch) or ""
    guard = scratch_name(ctx)
    ctx.repository.branches.create(guard, wanted.commit, hidden=True)  # from now on nothing more is collected
    try:
        report = verify_release(ctx, find_release(ctx, name))
        gone = next((each.problems[0] for each in report.datasets if each.problems), None)
        if gone is not None and report.pin == "moved":
            raise IntegrityError(
                f"{wanted.branch} was left where it is: {gone.path} is {gone.kind}.",
                hint=f"`lakefs-repro verify release:{name}` names more",
                kind="data-gone",
            )
        drop_branch(ctx, wanted.branch)
        ctx.repository.branches.create(wanted.branch, wanted.commit, hidden=True)
    finally:
        drop_branch(ctx, guard)
    if gone is not None:
        return f"Made {wanted.branch} again, but too late for some of the data: {gone.path} is {gone.kind}."
    return f"Made {wanted.branch} at {wanted.commit[:12]}; every object of it can still be read."


def _finish_release(ctx: Context, wanted: Repair) -> str:
    finish_release(ctx, ctx.repository.commits.get(wanted.commit), writer=ctx.new_id())
    return f"Tagged and recorded the release that {wanted.branch} keeps."


_ACTIONS: Final[Mapping[Action, Callable[[Context, Repair], str]]] = {
    "protect": _protect,
    "restore-ledger": _restore_ledger,
    "heal-ingest": _heal_ingest,
    "drop-branch": _drop_branch,
    "create-pin": _create_pin,
    "move-pin": _move_pin,
    "release-pin": _release_pin,
    "finish": _finish,
    "record": _record,
    "pin-release": _pin_release,
    "finish-release": _finish_release,
}
