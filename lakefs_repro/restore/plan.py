"""What a restore will do to a folder: decided before anything is written, and frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from lakefs_repro.errors import AlreadyExistsError, InvalidError
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.paths import collisions, safe_relative
from lakefs_repro.restore.targets import FileSystem, Seen

_NAMED: Final = 5
_BLOCK: Final = 4096

Wanted = Mapping[str, Entry]


@dataclass(frozen=True)
class RestorePlan:
    """A restore, before it begins.

    Attributes:
        action: what becomes of the target.
        staging: the hidden folder in which the new content is put together.
        files: how many the target will hold, with their ``bytes``.
        download: how many of them must come over the network, with ``download_bytes``, unless an interrupted
            restore left them in ``staging``.
        reuse: files of the target that are right already.
        remove: paths of an earlier restore that will be gone.
    """

    target: Path
    staging: Path
    action: Literal["created", "replaced", "unchanged"]
    files: int
    bytes: int
    download: int
    download_bytes: int
    reuse: Mapping[str, Seen] = field(default_factory=dict)
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """How many files were selected, their bytes, and the room that they take on a disk."""

    files: int
    bytes: int
    room: int


def check_files(entries: Iterable[Entry], system: FileSystem) -> Totals:
    """Refuse, all together, the paths that can't or must not be written.

    Anybody may have written anything into a repository, so a path is believed nothing.

    Raises:
        InvalidError: ``unsafe-path`` for what would leave the folder, or can't be a name there; ``path-collision``
            for names that this file system can't hold side by side.
    """
    paths: list[str] = []
    unsafe: list[str] = []
    size = room = 0
    for entry in entries:
        paths.append(entry.path)
        size += entry.size
        room += -(-entry.size // _BLOCK) * _BLOCK
        try:
            relative = safe_relative(entry.path, windows=system.windows)
        except InvalidError as error:
            unsafe.append(error.message)
            continue
        if any(len(part.encode()) > system.longest_name for part in relative.parts):
            unsafe.append(f"The path {entry.path!r} has a name longer than {system.longest_name} bytes.")
    if unsafe:
        raise InvalidError(
            f"Nothing was written, because {len(unsafe)} of the paths can't be: {' '.join(unsafe[:_NAMED])}",
            hint="somebody wrote them into the repository around the gate; --include restores other files",
            kind="unsafe-path",
        )
    clashes = collisions(paths, case_insensitive=system.case_insensitive, normalising=system.normalising)
    if clashes:
        named = "; ".join(" and ".join(group) for group in clashes[:_NAMED])
        raise InvalidError(
            f"Nothing was written, because the file system can't hold these side by side: {named}.",
            hint="restore to another file system, or parts of it with --include",
            kind="path-collision",
        )
    return Totals(len(paths), size, room)


@dataclass(frozen=True)
class Hashed:
    """A file that is in the target, with its SHA-256."""

    seen: Seen
    sha256: str


def plan_fresh(target: Path, staging: Path, totals: Totals) -> RestorePlan:
    """Restore to a folder that is not there, or is empty."""
    return RestorePlan(target, staging, "created", totals.files, totals.bytes, totals.files, totals.bytes)


def plan_over(
    target: Path,
    staging: Path,
    *,
    there: Mapping[str, Hashed],
    strange: Iterable[str],
    wanted: Wanted,
    ours: Mapping[str, frozenset[str]],
) -> RestorePlan:
    """Restore to a folder that holds something, if all of it can be had again.

    Args:
        target: the folder.
        staging: where its successor is put together.
        there: the files in it.
        strange: what is in it and is no file: links, sockets.
        wanted: the files that it shall hold.
        ours: the SHA-256s that earlier restores to this folder wrote, by path.

    Raises:
        AlreadyExistsError: something in it was not written by a restore, or was changed since.
    """
    foreign = [f"{path} (no regular file)" for path in strange]
    reuse: dict[str, Seen] = {}
    for path, file in there.items():
        if path in wanted and wanted[path].sha256 == file.sha256:
            reuse[path] = file.seen
        elif path not in ours:
            foreign.append(f"{path} (not from a restore)")
        elif file.sha256 not in ours[path]:
            foreign.append(f"{path} (changed since it was restored)")
    if foreign:
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        raise AlreadyExistsError(
            f"{target} holds what a restore did not write: {', '.join(sorted(foreign)[:_NAMED])}{more}. "
            "Nothing was changed.",
            hint="move it away, or restore to another folder",
            kind="target-not-ours",
        )
    missing = [entry for path, entry in wanted.items() if path not in reuse]
    remove = tuple(sorted(path for path in there if path not in wanted))
    return RestorePlan(
        target=target,
        staging=staging,
        action="replaced" if missing or remove else "unchanged",
        files=len(wanted),
        bytes=sum(entry.size for entry in wanted.values()),
        download=len(missing),
        download_bytes=sum(entry.size for entry in missing),
        reuse=reuse,
        remove=remove,
    )


def check_room(room: int, free: int, target: Path) -> None:
    """Refuse to begin what the disk can't hold.

    Raises:
        InvalidError: it can't.
    """
    if room > free:
        raise InvalidError(
            f"Restoring to {target} takes {room} bytes, and {free} are free there.",
            hint="make room, restore to another disk, or a part with --include",
            kind="not-enough-space",
        )
