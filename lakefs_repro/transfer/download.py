"""Objects into local files, or just past a hash: nothing gets its name before its SHA-256 was found right.

Small objects come many in one answer where the server offers that, large ones in blocks. A connection that breaks is
taken up again where it broke. What is left of a download that was killed is hashed and gone on from.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypeVar

from lakefs_repro.errors import IntegrityError, LakefsReproError, NotFoundError
from lakefs_repro.lake.objects import Objects
from lakefs_repro.lake.values import ServerInfo
from lakefs_repro.lake.wire import Retry
from lakefs_repro.transfer.download_frames import read_frames
from lakefs_repro.transfer.download_stream import Wanted, blocks_of, check_hash, open_verified, read_whole
from lakefs_repro.transfer.hashing import BLOCK
from lakefs_repro.transfer.parallel import run_all

__all__ = ["Download", "Downloader", "Outcome", "Wanted"]

SMALL: Final = 256 << 10
BULK_BYTES: Final = 4 << 20
BULK_OBJECTS: Final = 400

Outcome = tuple[Wanted, LakefsReproError | None]
"""An object, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Download:
    """One object to save.

    Args:
        wanted: the object.
        target: the file's name when it is whole; its folder is made.
        part: its name until then, on the same file system and in a folder that is there and nobody else's.
            What it holds already is hashed and gone on from.
    """

    wanted: Wanted
    target: Path
    part: Path

    @property
    def size(self) -> int:
        return self.wanted.size


class _Sized(Protocol):
    @property
    def size(self) -> int: ...


Item = TypeVar("Item", bound=_Sized)


class Downloader:
    """Fetches objects at one ref and compares their SHA-256.

    Args:
        objects: the repository's objects.
        server: what the server says of itself, for the roads that it offers.
        threads: downloads at once. Memory stays below ``threads`` times 2 MiB, whatever the objects' sizes.
        retry: how long to wait before going on after a connection broke.
    """

    def __init__(self, objects: Objects, server: ServerInfo, *, threads: int = 8, retry: Retry | None = None) -> None:
        self._objects = objects
        self._bulk = bool(server.extensions.get("bulk_download"))
        self._threads = threads
        self._retry = retry or Retry()

    def save(
        self,
        ref: str,
        downloads: Iterable[Download],
        *,
        done: Callable[[Download], None] = lambda _: None,
        durable: bool = True,
    ) -> None:
        """Save all ``downloads``; each appears under its name by one rename, when its bytes were found right.

        Args:
            ref: where they are read, best a commit.
            downloads: read lazily.
            done: told of each as it gets its name, from the calling thread.
            durable: ``fsync`` each file before its rename; without it the caller sees to that.

        Raises:
            IntegrityError: an object is gone, truncated, or (twice) not what was promised; nothing wrong is kept.
            NotFoundError: there is no such object.
            UnavailableError: the server can't be reached; what came so far is kept for the next try.
        """
        files = _Files(durable=durable)

        def job(group: list[Download]) -> list[Download]:
            if group[0].size > SMALL:
                self._save_large(ref, group[0], files)
                return group
            by_path = {download.wanted.path: download for download in group}
            for wanted, result in self._small(ref, [download.wanted for download in group]):
                if isinstance(result, LakefsReproError):
                    raise result
                files.write(by_path[wanted.path], result)
            return group

        for group in run_all(job, self._groups(downloads), threads=self._threads):
            for download in group:
                done(download)

    def reads_as_fast_as_it_probes(self, wanted: Wanted) -> bool:
        """Whether the server gives this object, among many, in less time than it takes to ask for its last byte."""
        return self._bulk and wanted.size <= SMALL

    def check(self, ref: str, wanted: Iterable[Wanted]) -> Iterator[Outcome]:
        """Read every object to its end, keep nothing, and yield each with what is wrong with it, or ``None``.

        Raises:
            UnavailableError: the server can't be reached: that says nothing about the objects.
        """

        def job(group: list[Wanted]) -> list[Outcome]:
            if group[0].size > SMALL:
                return [(group[0], self._check_large(ref, group[0]))]
            results = self._small(ref, group)
            return [(one, found if isinstance(found, LakefsReproError) else None) for one, found in results]

        for outcomes in run_all(job, self._groups(wanted), threads=self._threads):
            yield from outcomes

    def read(self, ref: str, wanted: Wanted) -> bytes:
        """One object, whole in memory, verified.

        Raises:
            IntegrityError: it is gone, truncated, or (twice) not what was promised.
        """
        data = read_whole(self._objects, ref, wanted)
        if hashlib.sha256(data).hexdigest() != wanted.sha256:
            data = read_whole(self._objects, ref, wanted)
            check_hash(wanted, ref, hashlib.sha256(data).hexdigest())
        return data

    def open(self, ref: str, wanted: Wanted) -> BinaryIO:
        """An object to read from start to end; its last bytes are given out only when all were right.

        Raises:
            IntegrityError: from ``read``, when the content turns out to be another one.
        """
        return open_verified(self._objects, ref, wanted, self._retry)

    def _groups(self, items: Iterable[Item]) -> Iterator[list[Item]]:
        group: list[Item] = []
        total = 0
        for item in items:
            if not self._bulk or item.size > SMALL:
                yield [item]
                continue
            if group and (total + item.size > BULK_BYTES or len(group) >= BULK_OBJECTS):
                yield group
                group, total = [], 0
            group.append(item)
            total += item.size
        if group:
            yield group

    def _small(self, ref: str, group: list[Wanted]) -> Iterator[tuple[Wanted, bytes | LakefsReproError]]:
        """The verified bytes of each, or what is wrong with it."""
        pending = {wanted.path: wanted for wanted in group}
        if self._bulk and len(group) > 1:
            for wanted, result in read_frames(self._objects, ref, group):
                if isinstance(result, bytes) and hashlib.sha256(result).hexdigest() == wanted.sha256:
                    del pending[wanted.path]
                    yield wanted, result
        # What the bulk road lost or gave wrongly gets its second try here, and its error.
        for wanted in pending.values():
            yield wanted, self._read_or_why_not(ref, wanted)

    def _read_or_why_not(self, ref: str, wanted: Wanted) -> bytes | LakefsReproError:
        try:
            return self.read(ref, wanted)
        except (IntegrityError, NotFoundError) as error:
            return error

    def _check_large(self, ref: str, wanted: Wanted) -> LakefsReproError | None:
        found = ""
        try:
            for _ in range(2):
                sha256 = hashlib.sha256()
                for block in blocks_of(self._objects, ref, wanted, self._retry):
                    sha256.update(block)
                found = sha256.hexdigest()
                if found == wanted.sha256:
                    return None
            check_hash(wanted, ref, found)
        except (IntegrityError, NotFoundError) as error:
            return error
        return None

    def _save_large(self, ref: str, download: Download, files: _Files) -> None:
        wanted = download.wanted
        for last in (False, True):
            with download.part.open("a+b", buffering=0) as file:
                try:
                    found = self._fill(ref, wanted, file)
                except (IntegrityError, NotFoundError):
                    download.part.unlink(missing_ok=True)
                    raise
                if found == wanted.sha256:
                    files.name(download, file.fileno())
                    return
            download.part.unlink()
            if last:
                check_hash(wanted, ref, found)

    def _fill(self, ref: str, wanted: Wanted, file: BinaryIO) -> str:
        """Bring a part to the full size and return the SHA-256 of all of it."""
        sha256, have = _hash_so_far(file, wanted.size)
        for block in blocks_of(self._objects, ref, wanted, self._retry, start=have):
            _write_all(file, block)
            sha256.update(block)
        return sha256.hexdigest()


class _Files:
    """Writes verified bytes and gives files their names."""

    def __init__(self, *, durable: bool) -> None:
        self._durable = durable
        self._folders: set[Path] = set()

    def write(self, download: Download, data: bytes) -> None:
        with download.part.open("wb", buffering=0) as file:
            _write_all(file, data)
            self.name(download, file.fileno())

    def name(self, download: Download, descriptor: int) -> None:
        if self._durable:
            os.fsync(descriptor)
        folder = download.target.parent
        if folder not in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)
        download.part.rename(download.target)


def _hash_so_far(file: BinaryIO, size: int) -> tuple[hashlib._Hash, int]:
    sha256, have = hashlib.sha256(), os.fstat(file.fileno()).st_size
    if have > size:
        file.truncate(0)
        return sha256, 0
    file.seek(0)
    while block := file.read(BLOCK):
        sha256.update(block)
    return sha256, have


def _write_all(file: BinaryIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
