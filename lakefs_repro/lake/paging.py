"""Walking lakeFS' pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lakefs_repro.lake.wire import Wire

PAGE: Final = 1000


def pages(
    wire: Wire,
    path: str,
    params: Mapping[str, Any],
    *,
    doing: str,
    after: str = "",
    most: int | None = None,
    first: int = PAGE,
) -> Iterator[dict[str, Any]]:
    """The raw results of a listing, page by page, ``most`` of them at the most.

    A walk that will probably end early asks for ``first`` results and then for ever larger pages.
    """
    left = most
    page_size = first
    while left is None or left > 0:
        amount = page_size if left is None else min(page_size, left)
        page_size = min(PAGE, 8 * page_size)
        answer = wire.call("GET", path, doing=doing, params={**params, "after": after or None, "amount": amount})
        page = answer.json()
        yield from page["results"]
        if left is not None:
            left -= len(page["results"])
        after = page["pagination"]["next_offset"]
        if not page["pagination"]["has_more"]:
            return
