"""The folder that a restore is meant for: what is in it, what its file system makes of names, and who is at work."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lakefs_repro.errors import AlreadyExistsError, ConflictError, InvalidError

_MARK: Final = "lakefs-repro"
_LONGEST_SHOWN: Final = 150
_WINDOWS: Final = os.name == "nt"


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What a file system makes of names."""

    case_insensitive: bool = False
    normalising: bool = False
    longest_name: int = 255
    windows: bool = _WINDOWS


@dataclass(frozen=True, slots=True)
class Seen:
    """A regular file as it was when looked at: enough to notice that it was written since."""

    size: int
    modified_ns: int
    inode: int

    @classmethod
    def of(cls, info: os.stat_result) -> Seen:
        """From its ``lstat``."""
        return cls(info.st_size, info.st_mtime_ns, info.st_ino)


@dataclass(frozen=True)
class Contents:
    """All that is in a folder: regular files by their path in it, and what is neither file nor folder."""

    files: dict[str, Seen]
    strange: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Where to restore: an absolute path, free of links, beside which hidden helpers may lie."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> Target:
        """The target that a person means by ``path``.

        Raises:
            AlreadyExistsError: it is a file.
            InvalidError: it can't be replaced by a rename: the file system's root, a mount point, or a folder in which
                this process stands.
        """
        real = Path(os.path.realpath(path))
        if real.exists() and not real.is_dir():
            raise AlreadyExistsError(f"{path} is a file.", hint="name a folder", kind="target-not-ours")
        if real == real.parent or os.path.ismount(real):
            raise InvalidError(
                f"{path} is a mount point: a restored folder appears by a rename, which can't replace it.",
                hint=f"restore into a folder inside it, such as {path / 'data'}",
                kind="target-not-usable",
            )
        if real.is_dir() and Path.cwd().is_relative_to(real):
            raise InvalidError(
                f"{path} is the working folder: a restored folder takes the place of the one before.",
                hint="`cd ..` and name it from there",
                kind="target-not-usable",
            )
        return cls(real)

    def staging(self, key: str) -> Path:
        """The hidden folder beside the target where a restore is put together."""
        return self.path.parent / f"{self._stem}-{key}"

    def stagings(self) -> list[Path]:
        """Those that are there, of earlier restores to this target."""
        if not self.path.parent.is_dir():
            return []
        near = sorted(self.path.parent.iterdir())
        return [one for one in near if one.name.startswith(f"{self._stem}-") and one.is_dir() and not one.is_symlink()]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other restores to this target away; a killed process keeps nobody away.

        Raises:
            ConflictError: one is at work.
        """
        path = self.path.parent / f"{self._stem}.lock"
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise ConflictError(
                    f"Another restore to {self.path} is under way.",
                    hint="wait for it, or name another folder",
                    kind="restore-under-way",
                ) from None
            if _is_at(descriptor, path):
                break
            os.close(descriptor)  # its owner removed it between our opening and locking it
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(descriptor)

    @property
    def _stem(self) -> str:
        name = self.path.name
        if len(os.fsencode(name)) > _LONGEST_SHOWN:
            name = hashlib.sha256(os.fsencode(name)).hexdigest()[:32]
        return f".{name}.{_MARK}"


def look_into(folder: Path) -> Contents:
    """What a folder holds; links are not followed. Nothing, when it is not there."""
    files: dict[str, Seen] = {}
    strange: list[str] = []
    pending = [(folder, "")]
    while pending:
        here, prefix = pending.pop()
        try:
            entries = list(os.scandir(here))
        except FileNotFoundError:
            continue
        for entry in entries:
            path = prefix + entry.name
            info = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(info.st_mode):
                pending.append((Path(entry.path), f"{path}/"))
            elif stat.S_ISREG(info.st_mode):
                files[path] = Seen.of(info)
            else:
                strange.append(path)
    return Contents(files, tuple(sorted(strange)))


def file_system_at(folder: Path) -> FileSystem:
    """Find out by trying, in the nearest folder that is there; what can't be tried is taken for an ordinary one."""
    while not folder.is_dir():
        folder = folder.parent
    try:
        longest = os.pathconf(folder, "PC_NAME_MAX")
        with tempfile.TemporaryDirectory(prefix=f".{_MARK}-", dir=folder) as name:
            scratch = Path(name)
            (scratch / "CaseÄ").touch()
            composed = unicodedata.normalize("NFC", "é")
            (scratch / composed).touch()
            return FileSystem(
                case_insensitive=(scratch / "cASEÄ").exists(),
                normalising=(scratch / unicodedata.normalize("NFD", composed)).exists(),
                longest_name=longest,
            )
    except OSError:
        return FileSystem()


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)
