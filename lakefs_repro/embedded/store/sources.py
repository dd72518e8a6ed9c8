"""Files of this machine that an import may name: which they are, and what they hold."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.store.addresses import SCHEME, is_importable
from lakefs_repro.embedded.store.entry import Entry
from lakefs_repro.embedded.store.objects import require_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lakefs_repro.embedded.store.engine import Engine

_CHUNK = 1024 * 1024
_CONTENT_TYPE = "application/octet-stream"


class SourceError(Exception):
    """What is wrong with a path that shall be imported, in lakeFS' words where it has some."""


@dataclass(frozen=True)
class Location:
    """A file or folder and where its objects go; with ``is_prefix`` a folder, whose files go below ``destination``."""

    path: str
    destination: str
    is_prefix: bool


def entries(engine: Engine, location: Location, proceed: Callable[[], None]) -> Iterator[Entry]:
    """The entries that a location gives, each naming its file. ``proceed`` is called often, and may raise.

    Hidden files and symbolic links in a folder are passed over, as by lakeFS.

    Raises:
        SourceError: the path may not be read, is not there, or is not what it is said to be.
    """
    source = _allowed(engine, location.path)
    if location.is_prefix:
        if not source.is_dir():
            raise SourceError(f"{source} is not a folder")
        base = location.destination.rstrip("/") + "/" if location.destination.strip("/") else location.destination
        for file in _files(engine, source):
            proceed()
            yield _entry(engine, file, base + file.relative_to(source).as_posix(), proceed)
    else:
        if not location.destination:
            raise SourceError("the destination of an object can't be empty")
        yield _entry(engine, source, location.destination, proceed)


def _allowed(engine: Engine, path: str) -> Path:
    refusal = f"creating object-store walker on path {path}: "
    scheme, separator, rest = path.rpartition("://") if "://" in path else ("", "", path)
    if not separator:
        raise SourceError(f"{refusal}invalid storage scheme {scheme}: invalid address")
    if f"{scheme}://" != SCHEME:
        raise SourceError(f"{refusal}expected storage type local: invalid address")
    source = Path(rest)
    if ".." in source.parts:
        raise SourceError(f"{refusal}bad path traversal blocked")
    if "\0" in rest or not source.is_absolute() or not is_importable(engine, source):
        raise SourceError(f"{refusal}forbidden")
    try:
        source.lstat()
    except OSError as error:
        raise SourceError(f"lstat {source}: {(error.strerror or str(error)).lower()}") from None
    return source


def _files(engine: Engine, folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise SourceError(f"open {error.filename}: {(error.strerror or '').lower()}")

    for parent, folders, names in os.walk(folder, onerror=fail):
        here = Path(parent)
        if here == engine.root:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = here / name
            if not name.startswith(".") and stat.S_ISREG(file.lstat().st_mode):
                yield file


def _entry(engine: Engine, file: Path, destination: str, proceed: Callable[[], None]) -> Entry:
    try:
        destination.encode()
        str(file).encode()
        require_path(destination)
    except UnicodeEncodeError:
        raise SourceError(f"{os.fsencode(file)!r}: the name is not UTF-8") from None
    except ApiError as error:
        raise SourceError(error.message) from None
    if not is_importable(engine, file):
        raise SourceError(f"open {file}: forbidden")
    checksum, size, mtime = _read(file, proceed)
    return Entry(destination, checksum, size, mtime, f"{SCHEME}{file}", _CONTENT_TYPE, None)


def _read(file: Path, proceed: Callable[[], None]) -> tuple[str, int, int]:
    """MD5, size and time of a regular file; a link is not followed, and a pipe not waited for."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise SourceError(f"open {file}: {(error.strerror or str(error)).lower()}") from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise SourceError(f"{file} is not a regular file")
        digest, size = hashlib.md5(), 0
        while chunk := os.read(handle, _CHUNK):
            proceed()
            digest.update(chunk)
            size += len(chunk)
    except OSError as error:
        raise SourceError(f"read {file}: {(error.strerror or str(error)).lower()}") from None
    finally:
        os.close(handle)
    return digest.hexdigest(), size, int(found.st_mtime)
