"""The errors that this package raises, grouped by what a caller will do about them.

    LakefsReproError
    ├── InvalidError         the request itself is wrong: mend it and ask again
    ├── NotFoundError        what was named is not there
    ├── AlreadyExistsError   the name is taken
    ├── ConflictError        somebody else changed the same thing: look, then try again
    ├── DeniedError          the server knows us not, or does not allow it
    ├── UnavailableError     no (good) answer from the server
    │   └── UnknownOutcomeError   a write was sent and its reply was lost
    ├── IntegrityError       bytes are not what was promised
    ├── RejectedError        a check said no
    └── InternalError        a defect of this package

``kind`` is a stable word, finer than the class, for programs and for the documentation
(``docs/reference/errors.md`` has an entry for each). Kinds are only ever added.
"""

from __future__ import annotations

from typing import ClassVar


class LakefsReproError(Exception):
    """Base of every error that this package raises on purpose.

    Args:
        message: what happened, to which thing, in one or two sentences; never a secret.
        hint: what to type or do next; empty when there is nothing to add.
        kind: a stable identifier; the class' own when left out.
    """

    default_kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "", kind: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.kind = kind or self.default_kind

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class InvalidError(LakefsReproError):
    """The request is wrong: a bad name, a bad file, settings that contradict each other."""

    default_kind = "invalid"


class NotFoundError(LakefsReproError):
    """A repository, ref, dataset, version, object or local path is not there."""

    default_kind = "not-found"


class AlreadyExistsError(LakefsReproError):
    """The name that was to be created is taken."""

    default_kind = "already-exists"


class ConflictError(LakefsReproError):
    """Somebody else changed, or holds, what was to be changed."""

    default_kind = "conflict"


class DeniedError(LakefsReproError):
    """Wrong credentials, or not allowed."""

    default_kind = "denied"


class UnavailableError(LakefsReproError):
    """The server could not be reached or could not answer."""

    default_kind = "unavailable"


class UnknownOutcomeError(UnavailableError):
    """A write was sent but its reply was lost: only reading back can tell what happened."""

    default_kind = "unknown-outcome"


class IntegrityError(LakefsReproError):
    """Bytes, sizes or digests are not the promised ones."""

    default_kind = "integrity"


class RejectedError(LakefsReproError):
    """A check said no: a contract violation, a failed hook, a failed verification."""

    default_kind = "rejected"


class InternalError(LakefsReproError):
    """A defect of this package; please report it."""

    default_kind = "internal"
