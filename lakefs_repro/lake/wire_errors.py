"""One table from HTTP answers to errors; an unknown failure never becomes a specific one."""

from __future__ import annotations

import json
import re
from typing import Final

from lakefs_repro.errors import (
    AlreadyExistsError,
    ConflictError,
    DeniedError,
    IntegrityError,
    InvalidError,
    LakefsReproError,
    NotFoundError,
    RejectedError,
    UnavailableError,
)

_BY_STATUS: Final[dict[int, tuple[type[LakefsReproError], str]]] = {
    400: (InvalidError, "server-refused-request"),
    401: (DeniedError, "wrong-credentials"),
    403: (DeniedError, "forbidden"),
    404: (NotFoundError, "not-found"),
    409: (ConflictError, "conflict"),
    410: (IntegrityError, "object-gone"),
    412: (RejectedError, "precondition-failed"),
    416: (IntegrityError, "range-not-satisfiable"),
    423: (ConflictError, "too-many-attempts"),
    429: (UnavailableError, "too-many-requests"),
    501: (UnavailableError, "not-implemented"),
    507: (UnavailableError, "server-disk-full"),
}

# A presigned URL is a bearer secret, and a body may hold one.
_SECRETISH = re.compile(r"(X-Amz-[A-Za-z]+|Signature|AWSAccessKeyId)=[^&\s\"]+", re.IGNORECASE)

MAX_MESSAGE = 500


def server_message(body: bytes) -> str:
    """The human part of an error body: its ``message``, bounded, without signatures or control characters."""
    text = body[:65536].decode("utf-8", "replace").strip()
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict) and isinstance(parsed.get("message"), str):
        text = parsed["message"]
    text = "".join(c if c.isprintable() else " " for c in text)
    return _SECRETISH.sub(r"\1=…", text)[:MAX_MESSAGE].strip()


def error_for(status: int, body: bytes, doing: str) -> LakefsReproError:
    """The error for an HTTP ``status`` that ``doing`` (``"merge X into main"``) did not expect."""
    said = server_message(body)
    message = f"The server answered {status} to: {doing}" + (f" ({said})." if said else ".")
    cls, kind = _BY_STATUS.get(status, (UnavailableError, "server-error"))
    hint = ""
    if cls is DeniedError:
        hint = "check the access key and secret; `lakefs-repro doctor` tries them"
    return cls(message, hint=hint, kind=kind)


def as_already_exists(error: ConflictError, what: str) -> AlreadyExistsError:
    """A 409 to a create call, said in its own class."""
    taken = AlreadyExistsError(f"{what} is there already.", kind="already-exists")
    taken.__cause__ = error
    return taken
