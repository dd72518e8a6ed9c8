"""Multipart uploads under way: a folder each, with the address that they are for and the parts that have come."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import secrets
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lakefs_repro.embedded.store.folders import sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MIN_PART = 5 * 1024 * 1024
MAX_PARTS = 10_000
_ID = _MD5 = re.compile(r"[0-9a-f]{32}")
_ADDRESS = "address"
_CHUNK = 64 * 1024 * 1024


class PartError(Exception):
    """The parts do not make an object; ``code`` and the message are S3's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NoSuchUploadError(Exception):
    """Nothing is known of the upload, or it is for another address."""


class Part(NamedTuple):
    """One part as the client names it; ``etag`` is the MD5 in hex."""

    number: int
    etag: str


@dataclass(frozen=True)
class Assembled:
    """The object that the parts have made, complete and on disk, not yet under its own name."""

    file: Path
    checksum: str
    size: int


class Uploads:
    """The uploads of a root. Part files are named by number and MD5, so each is whole or not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        folder.mkdir(mode=0o700, exist_ok=True)

    def begin(self, address: str) -> str:
        """A new upload for ``address``; its id."""
        upload = secrets.token_hex(16)
        folder = self._folder / upload
        folder.mkdir(mode=0o700)
        with (folder / _ADDRESS).open("x") as file:
            file.write(address)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(folder)
        sync_folder(self._folder)
        return upload

    def require(self, upload: str, address: str | None = None) -> Path:
        """The upload's folder.

        Raises:
            NoSuchUploadError: there is none, or it is for another ``address``.
        """
        folder = self._folder / upload
        try:
            known = (folder / _ADDRESS).read_text() if _ID.fullmatch(upload) else None
        except FileNotFoundError:
            known = None
        if known is None or address not in {None, known}:
            raise NoSuchUploadError
        return folder

    def keep(self, upload: str, part: Part, temporary: Path) -> None:
        """Take a complete, synced file as a part; it replaces an earlier one of its number."""
        with self._guard:
            folder = self.require(upload)
            kept = folder / _part_name(part)
            temporary.rename(kept)
            sync_folder(folder)  # before the earlier one goes: a crash leaves one of the two
            for other in folder.glob(f"{part.number:05d}-*"):
                if other != kept:
                    other.unlink()

    def assemble(self, upload: str, address: str, parts: Sequence[Part], into: Path) -> Assembled:
        """Put the parts together in the file ``into``, and bring it to disk.

        Raises:
            NoSuchUploadError: see ``require``.
            PartError: a part is missing, another one than named, too small, or out of order.
        """
        folder = self.require(upload, address)
        files = [_found(folder, part) for part in parts]
        sizes = [file.stat().st_size for file in files]
        if any(one.number > other.number for one, other in itertools.pairwise(parts)):
            raise PartError(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. The parts list must be specified in order by part "
                "number.",
            )
        if any(size < MIN_PART for size in sizes[:-1]):
            raise PartError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.")
        _join(files, into)
        digest = hashlib.md5(b"".join(bytes.fromhex(part.etag) for part in parts)).hexdigest()
        return Assembled(into, f"{digest}-{len(parts)}", sum(sizes))

    def discard(self, upload: str, address: str | None = None) -> None:
        """Forget an upload and its parts; fine when there is none, or it is for another ``address``."""
        if not _ID.fullmatch(upload):
            return
        with self._guard, suppress(NoSuchUploadError):
            if address is not None:
                self.require(upload, address)
            shutil.rmtree(self._folder / upload, ignore_errors=True)

    def forget_abandoned(self, oldest: float) -> None:
        """Forget the uploads in which nothing has happened since ``oldest``."""
        for folder in self._folder.iterdir():
            if folder.stat().st_mtime < oldest:
                self.discard(folder.name)


def _part_name(part: Part) -> str:
    return f"{part.number:05d}-{part.etag}"


def _found(folder: Path, part: Part) -> Path:
    file = folder / _part_name(part)
    if not _MD5.fullmatch(part.etag) or not file.is_file():
        raise PartError(
            "InvalidPart",
            "One or more of the specified parts could not be found.  The part may not have been uploaded, or the "
            "specified entity tag may not match the part's entity tag.",
        )
    return file


def _join(files: Sequence[Path], into: Path) -> None:
    with os.fdopen(os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        for file in files:
            with file.open("rb") as source:
                shutil.copyfileobj(source, target, _CHUNK)
        target.flush()
        os.fsync(target.fileno())
