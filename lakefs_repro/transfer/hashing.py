"""SHA-256 and MD5 of local files, read once.

The SHA-256 is ours; the MD5 is what lakeFS reports for an object, so that comparing it proves the upload.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lakefs_repro.errors import NotFoundError
from lakefs_repro.transfer.parallel import run_all

BLOCK: Final = 1 << 20
_BATCH: Final = 64


@dataclass(frozen=True, slots=True)
class Hashes:
    """What one reading of a file gave: its size in bytes, SHA-256 and MD5, both in lower-case hex."""

    size: int
    sha256: str
    md5: str


def hash_bytes(data: bytes) -> Hashes:
    """The hashes of some bytes."""
    return Hashes(len(data), hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest())


def hash_file(path: Path) -> Hashes:
    """The hashes of a file, in blocks of 1 MiB.

    Raises:
        NotFoundError: it went away, or can't be read.
    """
    sha256, md5, size = hashlib.sha256(), hashlib.md5(), 0
    try:
        with path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK):
                sha256.update(block)
                md5.update(block)
                size += len(block)
    except OSError as error:
        raise NotFoundError(
            f"{path} can't be read: {error.strerror}.", hint="nothing was changed; mend it and type the command again",
            kind="unreadable-file",
        ) from error  # fmt: skip
    return Hashes(size, sha256.hexdigest(), md5.hexdigest())


def hash_files(
    paths: Iterable[Path], *, threads: int, done: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[Path, Hashes]]:
    """The hashes of many files as they come, several at once; ``done`` is told the bytes of each.

    Small files go in batches: handing a thread one file of a few KiB costs more than hashing it.
    """

    def batches() -> Iterator[list[Path]]:
        batch: list[Path] = []
        for path in paths:
            batch.append(path)
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def job(batch: list[Path]) -> list[tuple[Path, Hashes]]:
        return [(path, hash_file(path)) for path in batch]

    for results in run_all(job, batches(), threads=threads):
        for path, hashes in results:
            done(hashes.size)
            yield path, hashes
