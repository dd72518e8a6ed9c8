"""What a handler answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Headers = list[tuple[bytes, bytes]]

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
