"""What the engine signs with its own key: presigned URLs, and the addresses that it issues for staging."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PRESIGNED_ROOT = "/presigned/"
URL_SECONDS = 900


class UnsignedError(Exception):
    """A URL without a signature."""


class WrongSignatureError(Exception):
    """A URL that was made for another method, for other fields, or by somebody else."""


class ExpiredError(Exception):
    """A URL that was good once."""


@dataclass(frozen=True)
class Grant:
    """A signed path with its query, and when it ends (seconds since the epoch)."""

    target: str
    expiry: int


class Signer:
    """Signs with HMAC-SHA256 and checks in constant time. The key never leaves the engine."""

    def __init__(self, key: bytes, clock: Callable[[], float]) -> None:
        self._key = key
        self._clock = clock

    def grant(self, method: str, path: str, fields: Mapping[str, str]) -> Grant:
        """Let whoever knows the URL do one thing to one object for a quarter of an hour."""
        expiry = int(self._clock()) + URL_SECONDS
        signed = {**fields, "expires": str(expiry)}
        query = urlencode({**signed, "signature": self._url_signature(method, path, list(signed.items()))})
        return Grant(f"{path}?{query}", expiry)

    def check(self, method: str, path: str, query: str) -> dict[str, str]:
        """The fields of a URL that this very engine signed for this very method, and that is still good.

        Raises:
            UnsignedError, WrongSignatureError, ExpiredError: it is not.
        """
        pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
        signatures = [value for name, value in pairs if name == "signature"]
        signed = [(name, value) for name, value in pairs if name != "signature"]
        if not signatures:
            raise UnsignedError
        expected = self._url_signature(method, path, signed)
        if not hmac.compare_digest(expected.encode(), signatures[0].encode()):
            raise WrongSignatureError
        fields = dict(signed)
        if self._clock() > int(fields["expires"]):
            raise ExpiredError
        return fields

    def _url_signature(self, method: str, path: str, fields: list[tuple[str, str]]) -> str:
        return self._digest("url", method, path, urlencode(sorted(fields))).hex()

    def token_signature(self, said: str) -> bytes:
        """The signature of what a token says."""
        return self._digest("token", said)

    def address(self, address: str, *scope: str) -> str:
        """``address`` with a signature that holds only for ``scope``."""
        return f"{address},{self._address_signature(address, scope)}"

    def is_address(self, signed: str, *scope: str) -> bool:
        """Whether ``address`` made ``signed`` for this scope."""
        address, _, signature = signed.rpartition(",")
        return hmac.compare_digest(self._address_signature(address, scope).encode(), signature.encode())

    def _address_signature(self, address: str, scope: tuple[str, ...]) -> str:
        return base64.urlsafe_b64encode(self._digest("address", address, *scope)).decode().rstrip("=")

    def _digest(self, *parts: str) -> bytes:
        message = b"".join(len(data).to_bytes(8, "big") + data for data in (part.encode() for part in parts))
        return hmac.digest(self._key, message, "sha256")
