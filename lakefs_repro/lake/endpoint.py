"""Where a lakeFS server is and who asks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lakefs_repro.errors import InvalidError

_API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's address with credentials; the secret never shows in its ``repr``.

    Args:
        url: ``http(s)://host[:port]``, with or without ``/api/v1``.
        access_key_id: the lakeFS access key.
        secret_access_key: its secret.
        session_token: sent as ``X-Session-Token`` when given.
        engine: what answers there, ``lakefs`` or ``embedded``.
    """

    url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    engine: str = "lakefs"

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url if "//" in self.url else f"//{self.url}")
        except ValueError as error:
            raise self._no_address() from error
        if "@" in parts.netloc:  # and so the address is not repeated here
            raise InvalidError(
                "The server's address holds credentials, which would show in messages and logs.",
                hint="leave them out of it; set LAKECTL_CREDENTIALS_ACCESS_KEY_ID and _SECRET_ACCESS_KEY",
                kind="bad-endpoint",
            )
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self._no_address()
        base = self.url.rstrip("/").removesuffix(_API).rstrip("/")
        object.__setattr__(self, "url", base)

    def _no_address(self) -> InvalidError:
        return InvalidError(
            f"{self.url!r} is not the address of a server.",
            hint="write it as http(s)://host[:port]",
            kind="bad-endpoint",
        )

    @property
    def api(self) -> str:
        """The root of the REST API."""
        return self.url + _API
