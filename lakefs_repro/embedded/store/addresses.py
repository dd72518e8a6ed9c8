"""Physical addresses: blocks of ours, files that a client wrote below ``linked/``, and files that were imported."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import bad_request, forbidden, gone
from lakefs_repro.embedded.store.blocks import Place
from lakefs_repro.embedded.store.entry import SHA256_HEX_LENGTH
from lakefs_repro.embedded.store.folders import sync_folder
from lakefs_repro.embedded.store.homes import LINKED

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.repositories import Repository

SCHEME = "local://"
_HEX = set("0123456789abcdef")
_TIME_DIGITS = 10
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}
_NAME = re.compile(r"([0-9a-f]{10})[0-9a-f]{18},")


def _folder(engine: Engine, repository: Repository) -> Path:
    return engine.linked / repository.namespace.removeprefix(SCHEME).strip("/") / "data"


def issue(engine: Engine, repository: Repository, branch: str, path: str) -> str:
    """A fresh address, signed for this path, that a client may write a file to, and then link."""
    folder = _folder(engine, repository)
    if not is_below(engine.linked, folder):
        raise forbidden("forbidden")
    make_folder(engine, folder)
    name = f"{engine.now():0{_TIME_DIGITS}x}{secrets.token_hex(9)}"
    return engine.signer.address(f"{SCHEME}{folder / name}", str(repository.id), branch, path)


def require_issued(engine: Engine, repository: Repository, branch: str, path: str, address: str) -> None:
    """Refuse an address inside the repository's own storage that was not issued for this very path.

    lakeFS does not look at addresses elsewhere, and neither does this.

    Raises:
        ApiError: 400, with lakeFS' sentence.
    """
    if not is_inside(engine, repository, address):
        return
    name = address.rpartition("/")[2]
    if "," not in name:
        raise bad_request("address is not signed: link address invalid")
    if not engine.signer.is_address(address, str(repository.id), branch, path):
        raise bad_request("invalid address signature: invalid address")
    issued = issued_at(name)
    if issued is None or issued < engine.now() - engine.abandoned_seconds:
        raise bad_request("address token expired: link address expired")


def issued_at(name: str) -> int | None:
    """When the address that ends in ``name`` was issued; None for what this engine did not name."""
    match = _NAME.match(name)
    return int(match[1], 16) if match else None


def is_inside(engine: Engine, repository: Repository, address: str) -> bool:
    """Whether an address lies in the repository's own storage namespace, however it is spelled."""
    if address.startswith(f"{repository.namespace}/"):
        return True
    storage = _one_spelling(_folder(engine, repository).parent)
    return address.startswith(SCHEME) and storage in _one_spelling(_file(engine, address)).parents


def relative(engine: Engine, repository: Repository, address: str) -> str:
    """An issued address as seen from the storage namespace."""
    return str(_file(engine, address).relative_to(_folder(engine, repository).parent))


def issued_file(engine: Engine, address: str) -> Path:
    """The file behind an address that was issued; 403 when it leads elsewhere."""
    path = _file(engine, address)
    if not is_below(engine.linked, path):
        raise forbidden("forbidden")
    return path


def make_folder(engine: Engine, folder: Path) -> None:
    """Make a folder below ``linked/`` that survives a crash."""
    engine.linked_folders.make(folder)


def sync_file(engine: Engine, address: str) -> None:
    """Bring to disk what a client has written to an address below ``linked/``, and its name; fine when it is not there.

    To be done before an entry names it: from then on it counts as ours.
    """
    path = _file(engine, address)
    if not address.startswith(SCHEME) or not is_below(engine.linked, path) or _file_size(path) is None:
        return
    with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
        handle = os.open(path.resolve(), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        sync_folder(path.resolve().parent)


def kept_form(engine: Engine, connection: sqlite3.Connection, address: str, *, strict: bool) -> str:
    """How an entry keeps an address that a client names: a block of ours as its hash, others as they are.

    With ``strict`` an address that leads nowhere we could read is refused: lakeFS does so on staging, not on linking.
    """
    if not address.startswith(SCHEME):
        raise bad_request("physical address is not valid for block adapter: local")
    name = address.rpartition("/")[2].partition(",")[0]
    if len(name) == SHA256_HEX_LENGTH and set(name) <= _HEX and engine.blocks.knows(connection, name):
        return name
    if strict and not _is_readable(engine, _file(engine, address)):
        raise forbidden("forbidden")
    return address


def _file(engine: Engine, address: str) -> Path:
    return file_at(engine.root, engine.homes, address)


def file_at(root: Path, known: tuple[str, ...], address: str) -> Path:
    """The file that an address means: one below the ``linked/`` of any home is below today's."""
    for home in known:
        before = f"{SCHEME}{home}/{LINKED}/"
        if address.startswith(before):
            return root / LINKED / address.removeprefix(before).lstrip("/")
    return root / LINKED / address.removeprefix(SCHEME)


def _is_readable(engine: Engine, path: Path) -> bool:
    return is_below(engine.linked, path) or is_importable(engine, path)


def is_importable(engine: Engine, path: Path) -> bool:
    """Whether ``path`` lies in a folder that may be imported from, and not among the engine's own files."""
    return any(is_below(folder, path) for folder in engine.import_from) and not is_below(engine.root, path)


def place_of(engine: Engine, entry: Entry) -> Place:
    """Where an entry's bytes lie; 410 when nobody knows, 403 where the engine may not look."""
    return place_at(engine, entry.address)


def place_at(engine: Engine, address: str) -> Place:
    """The same, of an address as an entry keeps it."""
    if len(address) == SHA256_HEX_LENGTH and "/" not in address:
        return engine.blocks.place(address)
    path = _file(engine, address)
    if not _is_readable(engine, path):
        raise forbidden("forbidden")
    size = _file_size(path)
    if size is None:
        raise gone()
    return Place(path.resolve(), 0, size, None)


def is_below(folder: Path, path: Path) -> bool:
    """Whether ``path`` stays in ``folder``, also when ``..`` and symbolic links are followed."""
    real = _resolved(path)
    return real is not None and real.is_relative_to(folder.resolve())


def _resolved(path: Path) -> Path | None:
    """Where a path leads that a client has named; None for one that leads nowhere: a NUL in it, links in a circle."""
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError):
        return None


def _one_spelling(path: Path) -> Path:
    return _resolved(path) or Path(os.path.normpath(path))


def _file_size(path: Path) -> int | None:
    """The size of the file; None when there is none, nor can be."""
    try:
        status = path.stat()
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def note_link(engine: Engine, connection: sqlite3.Connection, address: str) -> None:
    """Inside a write transaction: remember that an entry names a file below ``linked/``, so that it stays."""
    path = _file(engine, address)
    if len(address) != SHA256_HEX_LENGTH and is_below(engine.linked, path):
        name = str(path.resolve().relative_to(engine.linked.resolve()))
        connection.execute("INSERT OR IGNORE INTO linked VALUES (?)", (name,))
