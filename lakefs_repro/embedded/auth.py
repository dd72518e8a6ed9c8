"""Credentials of a root: made once at random, kept readable by their owner alone, asked for on every request."""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
import string
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from lakefs_repro.embedded.store.folders import sync_folder
from lakefs_repro.embedded.tokens import COOKIE

if TYPE_CHECKING:
    from pathlib import Path

    from lakefs_repro.embedded.tokens import Token, Tokens


_KEY_ALPHABET = string.ascii_uppercase + "234567"
_SECRET_ALPHABET = string.ascii_letters + string.digits + "+/"


@dataclass(frozen=True)
class Credentials:
    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        return f"Credentials(access_key_id={self.access_key_id!r})"


def load_or_create(path: Path, given: Credentials | None = None) -> Credentials:
    """The credentials in ``path``; at the first call they are the given ones, or made at random, with mode 0600."""
    try:
        return _read(path)
    except FileNotFoundError:
        made = given or Credentials(
            "AKIA" + "".join(secrets.choice(_KEY_ALPHABET) for _ in range(16)),
            "".join(secrets.choice(_SECRET_ALPHABET) for _ in range(40)),
        )
    write_private(path, json.dumps(asdict(made)))
    return made


def _read(path: Path) -> Credentials:
    known = json.loads(path.read_text())
    return Credentials(known["access_key_id"], known["secret_access_key"])


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` at once and durably by a file that only its owner can read."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


class Doorkeeper:
    """Says who may come in: with the root's credentials, or with a token for them. Compares in constant time."""

    def __init__(self, credentials: Credentials, tokens: Tokens) -> None:
        self.access_key_id = credentials.access_key_id
        self._expected = _basic(credentials.access_key_id, credentials.secret_access_key)
        self._tokens = tokens

    def admits(self, authorization: str | None, cookies: str | None) -> bool:
        """Whether one of the two headers lets in. A bearer's token decides alone, as in lakeFS."""
        scheme, _, value = (authorization or "").partition(" ")
        scheme, value = scheme.lower(), value.strip()
        if scheme == "basic" and hmac.compare_digest(value.encode("latin-1"), self._expected):
            return True
        if scheme == "bearer":
            return self._tokens.admits(value)
        token = _cookie(cookies) if cookies else ""
        return bool(token) and self._tokens.admits(token)

    def login(self, user: str, access_key_id: str, secret_access_key: str) -> Token | None:
        """A token for a user who knows the credentials."""
        known = ":" not in access_key_id and hmac.compare_digest(
            _basic(access_key_id, secret_access_key), self._expected
        )
        return self._tokens.issue(user) if known else None


def _basic(access_key_id: str, secret_access_key: str) -> bytes:
    return base64.b64encode(f"{access_key_id}:{secret_access_key}".encode())


def _cookie(cookies: str) -> str:
    for cookie in cookies.split(";"):
        name, _, value = cookie.strip().partition("=")
        if name == COOKIE:
            return value
    return ""
