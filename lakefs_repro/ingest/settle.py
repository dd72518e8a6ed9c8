"""Writes whose reply may be lost: done, failed, or unknown; and unknown is resolved by reading back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from lakefs_repro.errors import AlreadyExistsError, ConflictError, InvalidError, LakefsReproError, UnknownOutcomeError

Result = TypeVar("Result")

_TRIES: Final = 3


def settle(
    act: Callable[[], Result],
    look: Callable[[], Result | None],
    *,
    doubtful: tuple[type[LakefsReproError], ...] = (),
) -> Result:
    """Do a write once, whatever happens to its reply.

    Args:
        act: the write.
        look: finds the write's result in the repository, or ``None`` when it did not happen.
        doubtful: further failures that may only mean "it is done already", such as "no changes" after a repeat.

    Raises:
        LakefsReproError: the write failed, and reading back confirms that it did not happen.
        UnknownOutcomeError: replies were lost again and again, and nothing was found.
    """
    caught: tuple[type[LakefsReproError], ...] = (UnknownOutcomeError, *doubtful)
    lost: UnknownOutcomeError | None = None
    for attempt in range(_TRIES):
        try:
            return act()
        except caught as error:
            found = look()
            if found is not None:
                return found
            if isinstance(error, UnknownOutcomeError):
                lost = error
            elif lost is not None:
                raise lost from error  # the first one may still be under way: this refusal proves nothing
            else:
                raise
            if attempt == _TRIES - 1:
                raise
    raise UnknownOutcomeError("No reply to a write, three times over.", hint="look at the server, then try again")


TAKEN: Final = (AlreadyExistsError,)
NOTHING_TO_DO: Final = (InvalidError, ConflictError)
