"""Carrying out a restore: fill a hidden folder, verify it, and let it appear by one rename.

Killed at any point, the target is what it was, or whole and new; the same restore, typed again, goes on.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lakefs_repro.errors import AlreadyExistsError, ConflictError, InternalError, InvalidError
from lakefs_repro.model.entry import Entry
from lakefs_repro.restore.content import Content, Files
from lakefs_repro.restore.journal import Swap
from lakefs_repro.restore.plan import RestorePlan
from lakefs_repro.restore.targets import Contents, Seen, Target, look_into
from lakefs_repro.transfer.download import Download
from lakefs_repro.transfer.hashing import hash_files

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2


@dataclass(slots=True)
class Filled:
    """Where the files of a restore came from."""

    downloaded: int = 0
    downloaded_bytes: int = 0
    reused: int = 0
    resumed: int = 0


@dataclass(frozen=True, slots=True)
class Staging:
    """The hidden folder: ``tree`` becomes the target, ``parts`` holds what is not whole, ``old`` what was replaced."""

    path: Path

    @property
    def tree(self) -> Path:
        return self.path / "tree"

    @property
    def parts(self) -> Path:
        return self.path / "parts"

    @property
    def old(self) -> Path:
        return self.path / "old"

    def open(self) -> Contents:
        """Make it, or take over what an interrupted restore left, without anything that no restore writes.

        Raises:
            InvalidError: somebody else made it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.path.mkdir(mode=0o700)
        except FileExistsError:
            info = self.path.lstat()
            if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid():
                raise InvalidError(
                    f"{self.path} is in the way, and another user made it.",
                    hint="remove it, or restore to another folder",
                    kind="staging-not-ours",
                ) from None
        self.tree.mkdir(exist_ok=True)
        self.parts.mkdir(exist_ok=True)
        contents = look_into(self.tree)
        for path in contents.strange:
            (self.tree / path).unlink()
        return contents

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path)

    def part(self, path: str) -> Path:
        """Where a file lies until it is whole."""
        return self.parts / hashlib.sha256(path.encode()).hexdigest()[:32]


def fill(snapshot: Content, files: Files, plan: RestorePlan, staging: Staging) -> Filled:
    """Bring exactly the planned files into the staging folder, every byte verified.

    Raises:
        IntegrityError: the store no longer has them, or has others; what is right stays for the next try.
    """
    ctx = snapshot.context
    ctx.progress.step("look")
    right = _keep_what_is_right(files, staging, staging.open(), threads=ctx.threads)
    ctx.progress.step("download", total=plan.bytes, unit="bytes")
    filled = Filled(resumed=len(right))

    def needed() -> Iterator[Download]:
        for entry in files:
            if entry.path in right:
                ctx.progress.advance(entry.size)
            elif entry.path in plan.reuse and _take(plan, entry, staging):
                filled.reused += 1
                ctx.progress.advance(entry.size)
            else:
                yield Download(snapshot.wanted(entry), staging.tree / entry.path, staging.part(entry.path))

    def done(download: Download) -> None:
        filled.downloaded += 1
        filled.downloaded_bytes += download.size
        ctx.progress.advance(download.size)

    # Made durable all at once by `sync`: an fsync of each of many small files takes longer than bringing them.
    snapshot.downloader().save(snapshot.ingest_commit, needed(), done=done, durable=False)
    made = look_into(staging.tree)
    if made.strange or len(made.files) != plan.files:
        raise InternalError(
            f"{staging.tree} holds {len(made.files)} files instead of {plan.files}.",
            hint="remove it and type the command again",
            kind="staging-differs",
        )
    sync(staging.tree)
    return filled


def appear(plan: RestorePlan, staging: Staging) -> None:
    """Let the staged folder take the place of none, or of an empty one.

    Raises:
        AlreadyExistsError: somebody put something there meanwhile.
    """
    try:
        staging.tree.rename(plan.target)
    except (FileExistsError, NotADirectoryError, OSError) as error:
        if not plan.target.exists():
            raise
        raise AlreadyExistsError(
            f"Something was put into {plan.target} while it was being restored ({error.strerror}).",
            hint="move it away and type the command again: what was downloaded is kept",
            kind="target-not-ours",
        ) from error
    sync_folder(plan.target.parent)


def take_over(plan: RestorePlan, before: Contents, staging: Staging) -> None:
    """Let the staged folder take the place of the target.

    Where the system can exchange two names at once (Linux), the target is never absent. Elsewhere it is for a moment;
    a kill just then is mended by :func:`recover`, in the next restore to the same target.

    Raises:
        ConflictError: something in the target was changed meanwhile; it stays as it is.
    """
    swap = Swap.of(staging.tree)
    _require_unchanged(plan.target, plan.target, before)
    swap.write(staging.path)
    sync_folder(staging.path)
    if exchange(staging.tree, plan.target):
        staging.tree.rename(staging.old)
    else:
        plan.target.rename(staging.old)
        staging.tree.rename(plan.target)
    sync_folder(plan.target.parent)
    try:
        _require_unchanged(staging.old, plan.target, before)
    except ConflictError:
        # Back again, by a note of its own: a kill between the renames must not lose what somebody wrote.
        Swap.of(staging.old).write(staging.path)
        plan.target.rename(staging.tree)
        staging.old.rename(plan.target)
        swap.forget(staging.path)
        raise
    swap.forget(staging.path)


def recover(target: Target) -> None:
    """Complete swaps that were interrupted, so that the target is there, whole."""
    for path in target.stagings():
        swap, staging = Swap.read(path), Staging(path)
        if swap is None:
            continue
        for place in (staging.tree, staging.old):
            if not target.path.exists() and swap.is_at(place):
                place.rename(target.path)
                sync_folder(target.path.parent)
        if swap.is_at(target.path):
            if staging.tree.exists() and not staging.old.exists():
                staging.tree.rename(staging.old)  # killed right after an exchange
            if staging.old.exists():
                shutil.rmtree(staging.old)
        swap.forget(path)


def clean_up(target: Target) -> None:
    """Remove what this and earlier restores to the target left beside it."""
    for path in target.stagings():
        Staging(path).remove()


def exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders at once; ``False`` where the system can't."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return not renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)


def sync(folder: Path) -> None:
    """Bring everything below a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if syncfs is None:
            os.sync()
        elif syncfs(descriptor):
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), str(folder))
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Bring a folder's own entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_what_is_right(files: Files, staging: Staging, left: Contents, *, threads: int) -> frozenset[str]:
    """Hash what an interrupted restore left; remove what is wrong or not wanted."""
    if not left.files:
        return frozenset()
    expected = {entry.path: entry.sha256 for entry in files if entry.path in left.files}
    right = set()
    for path, hashes in hash_files((staging.tree / path for path in left.files), threads=threads):
        relative = path.relative_to(staging.tree).as_posix()
        if expected.get(relative) == hashes.sha256:
            right.add(relative)
        else:
            path.unlink()
    return frozenset(right)


def _take(plan: RestorePlan, entry: Entry, staging: Staging) -> bool:
    """Take a file over from the target, where it stays until the folders are exchanged.

    A second name for the same bytes is enough, since one of both folders is removed afterwards.
    """
    source, made = plan.target / entry.path, staging.tree / entry.path
    try:
        if Seen.of(source.lstat()) != plan.reuse[entry.path]:
            return False
        made.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, made, follow_symlinks=False)
    except OSError:
        return False  # no links on this file system: it comes over the network
    return True


def _require_unchanged(folder: Path, target: Path, before: Contents) -> None:
    now = look_into(folder)
    if now != before:
        differing = sorted(
            {p for p, s in now.files.items() if before.files.get(p) != s} | set(before.files) - set(now.files)
        )
        named = ", ".join(differing[:5]) or "a link"
        raise ConflictError(
            f"{named} in {target} was changed while it was being restored; it stays as it is.",
            hint="let whatever writes there finish, and type the command again: what was downloaded is kept",
            kind="target-changed",
        )
