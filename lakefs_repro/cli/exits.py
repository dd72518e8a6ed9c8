"""Exit codes: part of the interface, in one table; ``docs/reference/exit-codes.md`` describes them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from lakefs_repro.errors import (
    AlreadyExistsError,
    ConflictError,
    DeniedError,
    IntegrityError,
    InternalError,
    InvalidError,
    LakefsReproError,
    NotFoundError,
    RejectedError,
    UnavailableError,
)

__all__ = ["BY_CLASS", "Exit", "exit_for"]


class Exit(IntEnum):
    """What a command tells the shell."""

    DONE = 0
    SAID_NO = 1
    USAGE = 2
    NOT_FOUND = 3
    SERVER = 4
    CONFLICT = 5
    INTERNAL = 70
    LOCAL = 74
    INTERRUPTED = 130
    BROKEN_PIPE = 141


BY_CLASS: Final[Mapping[type[BaseException], Exit]] = MappingProxyType(
    {
        RejectedError: Exit.SAID_NO,
        IntegrityError: Exit.SAID_NO,
        InvalidError: Exit.USAGE,
        NotFoundError: Exit.NOT_FOUND,
        UnavailableError: Exit.SERVER,
        DeniedError: Exit.SERVER,
        ConflictError: Exit.CONFLICT,
        AlreadyExistsError: Exit.CONFLICT,
        InternalError: Exit.INTERNAL,
        LakefsReproError: Exit.INTERNAL,
        BrokenPipeError: Exit.BROKEN_PIPE,
        OSError: Exit.LOCAL,
        KeyboardInterrupt: Exit.INTERRUPTED,
    }
)
"""The code of an error is that of the nearest class above it; what has none is a defect."""


def exit_for(error: BaseException) -> Exit:
    """The exit code for an error that ended a command."""
    return next((BY_CLASS[cls] for cls in type(error).__mro__ if cls in BY_CLASS), Exit.INTERNAL)
