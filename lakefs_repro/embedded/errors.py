"""What the engine answers when it refuses: lakeFS' own status codes and sentences."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

INVALID_REF = "ref: invalid value: validation error"


class ApiError(Exception):
    """A refusal with an HTTP status; ``body`` replaces ``{"message": ...}`` where lakeFS answers otherwise."""

    def __init__(self, status: int, message: str, *, body: dict[str, object] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.body = body if body is not None else {"message": message}


class PlainError(ApiError):
    """A refusal that lakeFS writes as a line of text, not as JSON."""


class TruncatedError(ApiError):
    """A block has fewer bytes than the engine has on record."""

    def __init__(self, message: str) -> None:
        super().__init__(500, f"block is truncated: {message}")


class ClientGoneError(Exception):
    """The client went away before its request was complete: nobody is left to answer."""


def bad_request(message: str) -> ApiError:
    return ApiError(400, message)


def not_found(message: str = "not found") -> ApiError:
    return ApiError(404, message)


def gone() -> ApiError:
    return ApiError(410, "No data")


def conflict(message: str) -> ApiError:
    return ApiError(409, message)


def forbidden(message: str) -> ApiError:
    return ApiError(403, message)


def not_implemented(message: str) -> ApiError:
    return ApiError(501, message)


def several_values(name: str) -> PlainError:
    """More than one value where one is wanted. An empty one counts as such, as measured."""
    return misread(name, f"multiple values for single value parameter '{name}'")


def misread(name: str, problem: str) -> PlainError:
    """A value that fits the schema, and which lakeFS can't read all the same."""
    return PlainError(400, f"Invalid format for parameter {name}: {problem}")


@contextmanager
def prefixed(prefix: str) -> Iterator[None]:
    """Put the name of what was being done before the message, as lakeFS' wrapped errors read."""
    try:
        yield
    except ApiError as error:
        raise ApiError(error.status, f"{prefix}{error.message}") from error
