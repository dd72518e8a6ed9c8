"""Physical addresses: blocks of ours, and files that a client wrote below ``linked/``."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import bad_request, forbidden, gone
from lakefs_repro.embedded.store.blocks import Place
from lakefs_repro.embedded.store.entry import SHA256_HEX_LENGTH

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.repositories import Repository

_SCHEME = "local://"
_HEX = set("0123456789abcdef")


def issue(engine: Engine, repository: Repository) -> str:
    """A fresh address that a client on this machine may write a file to, and then link."""
    folder = engine.linked / repository.namespace.removeprefix(_SCHEME).strip("/") / "data"
    if not is_below(engine.linked, folder):
        raise forbidden("forbidden")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"{_SCHEME}{folder / secrets.token_hex(12)}"


def kept_form(engine: Engine, connection: sqlite3.Connection, address: str, *, strict: bool) -> str:
    """How an entry keeps an address that a client names: a block of ours as its hash, others as they are.

    With ``strict`` an address that leads nowhere we could read is refused: lakeFS does so on staging, not on linking.
    """
    if not address.startswith(_SCHEME):
        raise bad_request("physical address is not valid for block adapter: local")
    name = address.partition(",")[0].rpartition("/")[2]
    if len(name) == SHA256_HEX_LENGTH and set(name) <= _HEX and engine.blocks.knows(connection, name):
        return name
    path = engine.linked / address.partition(",")[0].removeprefix(_SCHEME)
    if strict and not is_below(engine.linked, path):
        raise forbidden("forbidden")
    return address


def place_of(engine: Engine, entry: Entry) -> Place:
    """Where an entry's bytes lie; 410 when nobody knows."""
    block = entry.block
    if block is not None:
        return engine.blocks.place(block)
    path = engine.linked / entry.address.partition(",")[0].removeprefix(_SCHEME)
    if not is_below(engine.linked, path) or not path.is_file():
        raise gone()
    return Place(path, 0, path.stat().st_size, None)


def is_below(folder: Path, path: Path) -> bool:
    """Whether ``path`` stays in ``folder``, also when ``..`` and symbolic links are followed."""
    return path.resolve().is_relative_to(folder.resolve())
