"""Restoring a snapshot to a folder."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lakefs_repro.errors import InvalidError, LakefsReproError
from lakefs_repro.model.paths import match_glob
from lakefs_repro.model.report import RestoreReport
from lakefs_repro.restore.apply import Filled, Staging, appear, clean_up, fill, recover, take_over
from lakefs_repro.restore.content import Content, Files
from lakefs_repro.restore.journal import Record
from lakefs_repro.restore.plan import (
    Hashed,
    RestorePlan,
    Totals,
    check_files,
    check_room,
    plan_fresh,
    plan_over,
)
from lakefs_repro.restore.targets import Contents, Target, file_system_at, look_into
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.snapshot_files import Select
from lakefs_repro.transfer.hashing import hash_files

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def restore_to(
    ctx: Context,
    snapshot: Content,
    target: Path,
    *,
    include: Iterable[str] = (),
    state: Path,
    dry_run: bool = False,
) -> RestoreReport:
    """Make a folder hold exactly the files of a snapshot, or of a part of it.

    Atomic: the folder appears, or is exchanged, as a whole when every byte of it was verified; a kill leaves it as it
    was. Idempotent: a folder that is right stays untouched. Resumable: the same restore, typed again, keeps what was
    downloaded. Nothing is overwritten but what an earlier restore wrote and nobody changed since.

    Not restored are modes (they follow the umask), times, links and empty folders.

    Args:
        ctx: the repository.
        snapshot: what to restore; a release has its datasets in folders of their names.
        target: the folder; it may be absent, empty, or from an earlier restore.
        include: globs that select files; all without them.
        state: a local folder for notes.
        dry_run: look and plan, and write nothing.

    Raises:
        InvalidError: a path is unsafe (``unsafe-path``), names collide (``path-collision``), nothing is selected, or
            the disk has no room.
        AlreadyExistsError: the folder holds what no restore wrote (``target-not-ours``).
        ConflictError: another restore to it is under way, or something wrote into it meanwhile.
        IntegrityError: bytes are gone or not those that were ingested; the file is named, and the folder untouched.
    """
    begun = ctx.now()
    patterns = tuple(include)
    place = Target.at(target)
    files = snapshot.files.selecting(_selection(snapshot, patterns))
    try:
        totals = check_files(files, file_system_at(place.path.parent))
        if not totals.files and (patterns or not snapshot.whole):
            raise InvalidError(
                f"No file of {snapshot} is selected{' by ' + ' '.join(patterns) if patterns else ''}.",
                hint=f"`lakefs-repro show {snapshot.dataset or snapshot}` tells what it holds",
                kind="nothing-included",
            )
        staging = place.staging(_key(snapshot, patterns))
        if dry_run:
            plan, _ = _plan(ctx, place, staging, files, totals, state)
            filled = Filled(plan.download, plan.download_bytes, len(plan.reuse))
        else:
            place.path.parent.mkdir(parents=True, exist_ok=True)
            with place.locked():
                recover(place)
                plan, before = _plan(ctx, place, staging, files, totals, state)
                filled = _carry_out(snapshot, files, plan, before, state)
                clean_up(place)
    except OSError as error:
        raise _local(error, target) from error
    return RestoreReport(
        ref=str(snapshot),
        dataset=snapshot.dataset,
        version=snapshot.version,
        digest=snapshot.digest,
        target=place.path,
        action="planned" if dry_run else plan.action,
        files=plan.files,
        bytes=plan.bytes,
        downloaded=filled.downloaded,
        downloaded_bytes=filled.downloaded_bytes,
        reused=filled.reused,
        resumed=filled.resumed,
        removed=len(plan.remove),
        seconds=(ctx.now() - begun).total_seconds(),
    )


def _plan(
    ctx: Context, place: Target, staging: Path, files: Files, totals: Totals, state: Path
) -> tuple[RestorePlan, Contents]:
    before = look_into(place.path)
    if not before.files and not before.strange:
        plan = plan_fresh(place.path, staging, totals)
        room = totals.room
    else:
        ctx.progress.step("compare", total=len(before.files), unit="files")
        plan = plan_over(
            place.path,
            staging,
            there=_hashed(ctx, place.path, before),
            strange=before.strange,
            wanted={entry.path: entry for entry in files},
            ours=Record.of(state, place.path).read(),
        )
        room = plan.download_bytes
    have = sum(seen.size for seen in look_into(staging).files.values())
    folder = place.path.parent
    while not folder.exists():
        folder = folder.parent
    check_room(max(0, room - have), shutil.disk_usage(folder).free, place.path)
    return plan, before


def _carry_out(snapshot: Content, files: Files, plan: RestorePlan, before: Contents, state: Path) -> Filled:
    record = Record.of(state, plan.target)
    if plan.action == "unchanged":
        record.prepare(plan.target, files)
        record.settle()
        return Filled(reused=plan.files)
    staging = Staging(plan.staging)
    filled = fill(snapshot, files, plan, staging)
    record.prepare(plan.target, files)
    if plan.action == "created":
        appear(plan, staging)
    else:
        take_over(plan, before, staging)
    record.settle()
    return filled


def _hashed(ctx: Context, folder: Path, contents: Contents) -> dict[str, Hashed]:
    found: dict[str, Hashed] = {}
    for path, hashes in hash_files((folder / name for name in contents.files), threads=ctx.threads):
        name = path.relative_to(folder).as_posix()
        found[name] = Hashed(contents.files[name], hashes.sha256)
        ctx.progress.advance()
    return found


def _selection(snapshot: Content, patterns: tuple[str, ...]) -> Select | None:
    if not patterns:
        return None if snapshot.whole else snapshot.selects
    return lambda path: snapshot.selects(path) and any(match_glob(path, pattern) for pattern in patterns)


def _key(snapshot: Content, patterns: tuple[str, ...]) -> str:
    """Names what is restored, so that the same restore finds its staging folder again."""
    key = snapshot.digest[:12]
    if snapshot.whole and not patterns:
        return key
    part = json.dumps([snapshot.partition, snapshot.under, sorted(patterns)]).encode()
    return f"{key}-{hashlib.sha256(part).hexdigest()[:8]}"


def _local(error: OSError, target: Path) -> LakefsReproError:
    if error.errno in _FULL:
        return InvalidError(
            f"The disk became full while restoring to {target}; the folder is as it was.",
            hint="make room and type the command again: what was downloaded is kept",
            kind="not-enough-space",
        )
    return InvalidError(
        f"Restoring to {target} failed at {error.filename or target}: {error.strerror}. The folder is as it was.",
        hint="mend that and type the command again: what was downloaded is kept",
        kind="local-files",
    )
