"""How values are written for people: sizes, counts, times, and text that a terminal can't be made to obey."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Final

_UNITS: Final = ("kB", "MB", "GB", "TB", "PB", "EB")
_STEP: Final = 1000
_TEN: Final = 9.95
_SHORT: Final = 12


def size(count: int) -> str:
    """Bytes in decimal units: ``12 B``, ``1.5 kB``, ``340 MB``."""
    if count < _STEP:
        return f"{count} B"
    amount = float(count)
    for unit in _UNITS:
        amount /= _STEP
        if amount < _STEP - 0.5 or unit == _UNITS[-1]:
            break
    return f"{amount:.1f} {unit}" if amount < _TEN else f"{amount:,.0f} {unit}"


def counted(number: int, noun: str) -> str:
    """``1 file``, ``1,234 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def moment(time: datetime | None) -> str:
    """A time to the minute, in UTC; empty when it is not known."""
    return time.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%MZ") if time else ""


def short(identity: str) -> str:
    """The beginning of a digest or commit id: enough to name it by."""
    return identity[:_SHORT]


def plain(text: str) -> str:
    """``text`` on one line, with what a terminal would obey written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
