"""Pages of sorted things, with everything behind a delimiter folded into one common prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from lakefs_repro.embedded.store.order import successor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class HasPath(Protocol):
    @property
    def path(self) -> str: ...


Item = TypeVar("Item", bound=HasPath)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Items, and common prefixes as strings, in order."""

    items: list[Item | str]
    has_more: bool

    @property
    def next_offset(self) -> str:
        if not self.has_more:
            return ""
        last = self.items[-1]
        return last if isinstance(last, str) else last.path


@dataclass(frozen=True)
class Window:
    """Which part of a listing is wanted; ``after`` itself is not."""

    prefix: str
    after: str
    delimiter: str
    amount: int

    def folded(self, path: str) -> str | None:
        """The common prefix that hides ``path``; None when it is to be shown."""
        if not self.delimiter:
            return None
        found = path.find(self.delimiter, len(self.prefix))
        return None if found < 0 else path[: found + len(self.delimiter)]

    def start(self) -> str | None:
        """The first path that may be shown; None when there can't be one."""
        if not self.after.startswith(self.prefix):
            return None if self.after > self.prefix else self.prefix
        if self.after and self.folded(self.after) == self.after:
            return successor(self.after)
        return self.after + "\0" if self.after else self.prefix


def page(source: Callable[[str], Iterator[Item]], window: Window) -> Page[Item]:
    """One page of ``source``, which gives what lies from a path on."""
    items: list[Item | str] = []
    start = window.start()
    while start is not None and len(items) <= window.amount:
        start = _collect(source(start), window, items)
    more = len(items) > window.amount
    return Page(items[: window.amount], more)


def _collect(stream: Iterator[Item], window: Window, items: list[Item | str]) -> str | None:
    """Take items up to the next common prefix; returns where to go on, or None at the end."""
    for item in stream:
        if len(items) > window.amount or not item.path.startswith(window.prefix):
            return None
        folded = window.folded(item.path)
        if folded is not None:
            items.append(folded)
            return successor(folded)
        items.append(item)
    return None
