"""What a handler answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.errors import PlainError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lakefs_repro.embedded.errors import ApiError

Headers = list[tuple[bytes, bytes]]
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

JSON_HEADERS: Headers = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]


@dataclass(frozen=True)
class Reply:
    """Status, headers and body; ``stream`` in place of the body gives exactly ``length`` bytes."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)
    stream: AsyncIterator[bytes] | None = None
    length: int | None = None


def encoded(value: Any) -> bytes:
    """JSON as lakeFS writes it: sorted keys, compact, one line."""
    return (
        json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "replace") + b"\n"
    )


def json_reply(value: Any, status: int = 200, headers: Headers | None = None) -> Reply:
    return Reply(status, encoded(value), JSON_HEADERS if headers is None else [*JSON_HEADERS, *headers])


def header_value(text: str) -> bytes:
    """What a client once said, fit for a header line: it must not be able to begin another one."""
    return _CONTROL.sub("?", text).encode("latin-1", "replace")


def refusal(error: ApiError) -> Reply:
    """An error as lakeFS answers it."""
    if isinstance(error, PlainError):
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
        return Reply(error.status, error.message.encode() + b"\n", headers)
    return json_reply(error.body, error.status)


def no_content() -> Reply:
    return Reply(204)


def page_reply(results: list[Any], *, has_more: bool, next_offset: str) -> Reply:
    """A page in lakeFS' envelope."""
    pagination = {
        "has_more": has_more,
        "max_per_page": 1000,
        "next_offset": next_offset if has_more else "",
        "results": len(results),
    }
    return json_reply({"pagination": pagination, "results": results})
