"""The order of paths: by code point, which is also the order of their UTF-8 bytes."""

from __future__ import annotations

_SURROGATES = range(0xD800, 0xE000)
_LAST = 0x10FFFF


def successor(prefix: str) -> str | None:
    """The smallest string above everything that starts with ``prefix``; None when there is none."""
    stem = prefix.rstrip(chr(_LAST))
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    if following in _SURROGATES:
        following = _SURROGATES.stop
    return stem[:-1] + chr(following)


def above(prefix: str) -> str | bytes:
    """An SQL bound: everything that starts with ``prefix`` is below it. A blob is above every text."""
    return successor(prefix) or b""
