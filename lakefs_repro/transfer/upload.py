"""Local files into a branch, by the fastest road that the server offers.

Every road ends with the server's own checksum of what it received, compared with the MD5 of the reading that gave
our SHA-256: a file that changed in between, or a byte lost on the way, is an error and not a snapshot.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from lakefs_repro.errors import IntegrityError, InvalidError, LakefsReproError, NotFoundError, UnavailableError
from lakefs_repro.lake.objects import Objects, frame
from lakefs_repro.lake.values import ServerInfo
from lakefs_repro.transfer.hashing import BLOCK, Hashes, hash_file
from lakefs_repro.transfer.parallel import run_all

SMALL: Final = 256 << 10
BULK_BYTES: Final = 4 << 20
BULK_OBJECTS: Final = 400
LOCAL_FROM: Final = 8 << 20
MULTIPART_FROM: Final = 32 << 20
PART: Final = 16 << 20
MAX_PARTS: Final = 10_000
_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Upload:
    """One object to send: its path in the repository, where its bytes are, and what they are."""

    path: str
    source: Path | bytes
    hashes: Hashes


@dataclass(frozen=True, slots=True)
class Roads:
    """What the server can take besides single uploads; shown by ``doctor``."""

    bulk: bool = False
    multipart: bool = False
    incoming: Path | None = None

    @classmethod
    def of(cls, info: ServerInfo) -> Roads:
        """The roads that a server advertises and that are open from here."""
        local = info.extensions.get("local_upload")
        folder = Path(str(local["incoming"])) if isinstance(local, dict) and "incoming" in local else None
        usable = folder is not None and folder.is_dir() and os.access(folder, os.W_OK)
        return cls(info.bulk_upload, info.presign_multipart, folder if usable else None)


class Uploader:
    """Sends files to one branch.

    Args:
        objects: the repository's objects.
        roads: what the server can take.
        threads: uploads at once. Memory stays below ``threads`` times the larger of 4 MiB and a part.

    ``checksums`` holds, by path, what the server calls an object that went in parts: the MD5 of the parts' MD5s.
    """

    def __init__(self, objects: Objects, roads: Roads, *, threads: int = 8) -> None:
        self._objects = objects
        self._roads = roads
        self._threads = threads
        self.checksums: dict[str, str] = {}

    def send(self, branch: str, uploads: Iterable[Upload], done: Callable[[int, int], None] = lambda *_: None) -> None:
        """Stage all ``uploads`` on ``branch``; ``done`` is told objects and bytes as they arrive.

        Raises:
            IntegrityError: what the server stored is not what was hashed.
        """
        for objects, size in run_all(
            lambda group: self._send_group(branch, group), self._groups(uploads), threads=self._threads
        ):
            done(objects, size)

    def _groups(self, uploads: Iterable[Upload]) -> Iterator[list[Upload]]:
        group: list[Upload] = []
        size = 0
        for upload in uploads:
            if not self._roads.bulk or upload.hashes.size > SMALL:
                yield [upload]
                continue
            if group and (size + upload.hashes.size > BULK_BYTES or len(group) >= BULK_OBJECTS):
                yield group
                group, size = [], 0
            group.append(upload)
            size += upload.hashes.size
        if group:
            yield group

    def _send_group(self, branch: str, group: list[Upload]) -> tuple[int, int]:
        try:
            if self._roads.bulk and group[0].hashes.size <= SMALL:
                self._bulk(branch, group)
            else:
                self._single(branch, group[0])
        except OSError as error:
            where = error.filename or group[0].path
            raise NotFoundError(
                f"{where} can't be read: {error.strerror}.",
                hint="`main` is as it was; mend it and type the command again",
                kind="unreadable-file",
            ) from error
        return len(group), sum(upload.hashes.size for upload in group)

    def _single(self, branch: str, upload: Upload) -> None:
        size = upload.hashes.size
        if isinstance(upload.source, bytes) or size <= SMALL:
            data = _content(upload)
            got = self._objects.put(branch, upload.path, data).checksum
            _compare(upload, got, upload.hashes.md5)
        elif self._roads.incoming and size >= LOCAL_FROM:
            self._local(branch, upload, upload.source, self._roads.incoming)
        elif self._roads.multipart and size >= MULTIPART_FROM:
            self._multipart(branch, upload, upload.source)
        else:
            with upload.source.open("rb") as file:
                got = self._objects.put(branch, upload.path, _Exactly(file, upload), size=size).checksum
            _compare(upload, got, upload.hashes.md5)

    def _bulk(self, branch: str, group: list[Upload]) -> None:
        results = self._objects.put_frames(branch, [frame(u.path, _content(u)) for u in group])
        if len(results) != len(group):
            raise IntegrityError(
                f"The server answered for {len(results)} of {len(group)} objects.", kind="upload-incomplete"
            )
        for upload, result in zip(group, results, strict=True):
            if result.get("status") not in (200, 201):
                raise IntegrityError(
                    f"The server did not take {upload.path}: {result.get('message')}.", kind="upload-incomplete"
                )
            _compare(upload, str(result.get("checksum")), upload.hashes.md5)

    def _local(self, branch: str, upload: Upload, source: Path, incoming: Path) -> None:
        name = f"{upload.hashes.sha256}-{os.getpid()}-{os.urandom(6).hex()}"
        target = incoming / name
        try:
            with _told_when_full(incoming):
                _copy(source, target)
            hashes = upload.hashes
            self._objects.put_local(
                branch, upload.path, file=name, size=hashes.size, sha256=hashes.sha256, md5=hashes.md5
            )
        except InvalidError as error:
            if hash_file(source) == upload.hashes:
                raise
            raise _changed(upload) from error
        finally:
            target.unlink(missing_ok=True)

    def _multipart(self, branch: str, upload: Upload, source: Path) -> None:
        size = upload.hashes.size
        part_size = part_size_of(size)
        count = -(-size // part_size)
        upload_id, address, urls = self._objects.start_multipart(branch, upload.path, count)
        if len(urls) != count:
            raise IntegrityError(
                f"The server gave {len(urls)} addresses for {count} parts of {upload.path}.", kind="upload-incomplete"
            )
        whole, digests, etags = hashlib.sha256(), [], []
        try:
            with source.open("rb") as file:
                for url in urls:
                    data = file.read(part_size)
                    whole.update(data)
                    md5 = hashlib.md5(data)
                    digests.append(md5.digest())
                    headers = {"Content-MD5": base64.b64encode(md5.digest()).decode()}
                    etags.append(self._objects.put_part(url, data, headers))
            if whole.hexdigest() != upload.hashes.sha256:
                raise _changed(upload)
            done = self._objects.finish_multipart(branch, upload.path, upload_id, address, etags)
        except LakefsReproError:
            with contextlib.suppress(LakefsReproError):  # why it failed matters more
                self._objects.abort_multipart(branch, upload.path, upload_id, address)
            raise
        _compare(upload, done.checksum, f"{hashlib.md5(b''.join(digests)).hexdigest()}-{count}")
        self.checksums[upload.path] = done.checksum


class _Exactly:
    """A file to send whose length is promised already: other lengths would leave both sides waiting for the other."""

    def __init__(self, file: IO[bytes], upload: Upload) -> None:
        self._file = file
        self._upload = upload
        self._left = upload.hashes.size

    def read(self, amount: int = -1) -> bytes:
        block = self._file.read(self._left if amount < 0 else min(amount, self._left))
        self._left -= len(block)
        ended_early = not block and self._left
        goes_on = block and not self._left and self._file.read(1)
        if ended_early or goes_on:
            raise _changed(self._upload)
        return block


def multipart_checksum(path: Path, part_size: int) -> str:
    """What S3 reports for a file that was sent in parts of ``part_size`` bytes: the MD5 of the parts' MD5s, ``-N``."""
    digests = []
    with path.open("rb") as file:
        while data := file.read(part_size):
            digests.append(hashlib.md5(data).digest())
    return f"{hashlib.md5(b''.join(digests)).hexdigest()}-{len(digests)}"


def part_size_of(size: int) -> int:
    """The bytes of each part but the last of a file of ``size`` bytes."""
    return max(PART, -(-size // MAX_PARTS))


def _content(upload: Upload) -> bytes:
    data = upload.source if isinstance(upload.source, bytes) else upload.source.read_bytes()
    if len(data) != upload.hashes.size:
        raise _changed(upload)
    return data


def _compare(upload: Upload, got: str, expected: str) -> None:
    if got.lower() != expected:
        raise _changed(upload)


def _changed(upload: Upload) -> IntegrityError:
    return IntegrityError(
        f"{upload.path} is not what was read a moment ago: its checksum at the server is another.",
        hint="something writes to the source; let it finish and type the command again",
        kind="source-changed",
    )


@contextlib.contextmanager
def _told_when_full(folder: Path) -> Iterator[None]:
    """A full disk of the engine is no unreadable source: the same error as when the engine itself finds it full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise UnavailableError(
            f"the disk of the embedded engine is full: {folder} takes nothing more ({error.strerror}).",
            hint="`main` is as it was; free some space and type the command again",
            kind="server-disk-full",
        ) from error


def _copy(source: Path, target: Path) -> None:
    """Copy by blocks: never a hardlink, because overwriting the source would then rewrite history."""
    with source.open("rb", buffering=0) as read, target.open("xb", buffering=0) as write:
        offset = 0
        size = os.fstat(read.fileno()).st_size
        try:
            while offset < size:
                copied = os.copy_file_range(read.fileno(), write.fileno(), size - offset)
                if not copied:
                    return
                offset += copied
        except (AttributeError, OSError):
            read.seek(offset)
            write.seek(offset)
            while block := read.read(BLOCK):
                write.write(block)
