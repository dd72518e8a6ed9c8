"""Amounts as people write and read them: sizes, counts, spans of time."""

from __future__ import annotations

import re
from typing import Final

from lakefs_repro.errors import InvalidError

__all__ = [
    "DAYS_A_MONTH",
    "count_of",
    "days_of",
    "parse_count",
    "parse_days",
    "parse_price",
    "parse_share",
    "parse_size",
    "size_of",
]

DAYS_A_MONTH: Final = 30
_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}
_SIZE: Final = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([KMGTP]?)(I?)B?", re.IGNORECASE)
_COUNT: Final = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([KMG]?)", re.IGNORECASE)
_SPAN: Final = re.compile(r"(\d{1,5})\s*([DMY]?)", re.IGNORECASE)
_DAYS: Final = {"D": 1, "M": DAYS_A_MONTH, "": DAYS_A_MONTH, "Y": 365}
_MOST: Final = 10**12
_MOST_BYTES: Final = 10**18
_MOST_DAYS: Final = 36_500
_MOST_DOLLARS: Final = 10**6
_BINARY: Final = 1024
_STEP: Final = 1000


def parse_size(text: str) -> int:
    """Bytes written as ``500GB``, ``1.5 TB``, ``2TiB`` or ``0``.

    Raises:
        InvalidError: it is none, or more than an exabyte.
    """
    match = _SIZE.fullmatch(text.strip().replace(",", ""))
    if match is None:
        raise _wrong(text, "a size", "500MB, 20GB or 1.5TB")
    number, unit, binary = match.groups()
    steps = list(_UNITS).index(unit.upper())
    value = round(float(number) * (_BINARY**steps if binary else _UNITS[unit.upper()]))
    if value > _MOST_BYTES:
        raise _wrong(text, "a size up to 1000PB", "500MB, 20GB or 1.5TB")
    return value


def parse_count(text: str) -> int:
    """A whole number written as ``20000``, ``20,000``, ``20k`` or ``1.5M``.

    Raises:
        InvalidError: it is none, below 1, or above 10^12.
    """
    match = _COUNT.fullmatch(text.strip().replace(",", ""))
    value = round(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if not 1 <= value <= _MOST:
        raise _wrong(text, "a number from 1", "12, 20000 or 1.5M")
    return value


def parse_days(text: str) -> int:
    """A span written as ``30d``, ``18m`` or ``7y``, in days; a bare number is months of 30 days.

    Raises:
        InvalidError: it is none, is nothing, or is more than a century.
    """
    match = _SPAN.fullmatch(text.strip())
    value = int(match[1]) * _DAYS[match[2].upper()] if match else 0
    if not 1 <= value <= _MOST_DAYS:
        raise _wrong(text, "a span of time up to 100y", "30d, 18m or 7y")
    return value


def parse_share(text: str) -> float:
    """A share written as a percentage, ``5`` or ``5%``; from 0 to 1.

    Raises:
        InvalidError: it is none.
    """
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:  # noqa: PLR2004 - percent
        raise _wrong(text, "a percentage", "0, 5% or 100")
    return value / 100


def parse_price(text: str) -> float:
    """An amount of money, ``0.023``.

    Raises:
        InvalidError: it is none, or below 0.
    """
    try:
        value = float(text.strip().removeprefix("$"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= _MOST_DOLLARS:
        raise _wrong(text, "an amount of money", "0.023")
    return value


def size_of(count: float) -> str:
    """Bytes in decimal units: ``12 B``, ``340 MB``, ``1.50 TB``."""
    amount, units = float(count), list(_UNITS)
    step = 0
    while amount >= _STEP - 0.5 and step < len(units) - 1:
        amount /= _STEP
        step += 1
    digits = 0 if not step or amount >= 100 else 1 if amount >= 10 else 2  # noqa: PLR2004 - three digits in all
    text = f"{amount:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{text} {units[step]}B" if step else f"{text} B"


def count_of(number: int, noun: str) -> str:
    """``1 file``, ``1,234 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def days_of(days: int) -> str:
    """A span as people say it: ``30 days``, ``18 months``, ``7 years``."""
    if days % 365 == 0:
        return count_of(days // 365, "year")
    if days % DAYS_A_MONTH == 0 and days >= 2 * DAYS_A_MONTH:
        return count_of(days // DAYS_A_MONTH, "month")
    return count_of(days, "day")


def _wrong(text: str, what: str, example: str) -> InvalidError:
    return InvalidError(f"{text!r} is not {what}.", hint=f"write for example {example}", kind="bad-answer")
