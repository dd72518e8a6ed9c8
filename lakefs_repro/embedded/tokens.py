"""Tokens of those who logged in: JSON Web Tokens, signed with the engine's own key."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from lakefs_repro.embedded.signing import Signer

TOKEN_SECONDS = 7 * 24 * 60 * 60
COOKIE = "internal_auth_session"
_HEADER = {"alg": "HS256", "typ": "JWT"}


class Token(NamedTuple):
    """A token, and when it ends (seconds since the epoch)."""

    text: str
    expiry: int


class Tokens:
    """Makes tokens and knows its own again. One that was given out is good until it ends."""

    def __init__(self, signer: Signer, clock: Callable[[], float]) -> None:
        self._signer = signer
        self._clock = clock

    def issue(self, subject: str) -> Token:
        now = int(self._clock())
        expiry = now + TOKEN_SECONDS
        claims = {
            "aud": "login",
            "exp": expiry,
            "iat": now,
            "iss": "auth",
            "jti": secrets.token_hex(16),
            "sub": subject,
        }
        said = f"{_encoded(_HEADER)}.{_encoded(claims)}"
        return Token(f"{said}.{self._signature(said)}", expiry)

    def admits(self, token: str) -> bool:
        """Whether this engine made the token, and it is still good. The signature is compared in constant time."""
        said, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._signature(said).encode(), signature.encode("utf-8", "replace")):
            return False
        claims = json.loads(base64.urlsafe_b64decode(said.partition(".")[2] + "=="))
        return bool(self._clock() < claims["exp"])

    def _signature(self, said: str) -> str:
        return _base64(self._signer.token_signature(said))


def _encoded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
