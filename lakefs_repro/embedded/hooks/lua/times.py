"""Times as Go's package ``time`` reads and writes them: by a layout that shows one moment of 2006."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from lakefs_repro.embedded.hooks.lua.values import LuaError

ISO = "2006-01-02T15:04:05-07:00"
_SECOND = 1_000_000_000
_MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_TOKENS = re.compile(
    r"January|Jan|Monday|Mon|MST|2006|__2|_2|Z07:00|Z0700|Z07|-07:00|-0700|-07|[.,]0+(?!\d)|[.,]9+(?!\d)"
    r"|002|01|02|03|04|05|06|15|PM|pm|1|2|3|4|5"
)
_LAST_MONTH = 12


def _zone(name: str | None) -> Any:
    if not name or name == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise LuaError(f"unknown time zone {name}") from None


def _moment(nanoseconds: float, zone: str | None) -> datetime:
    second = int(nanoseconds) // _SECOND  # lakeFS shows no fractions
    try:
        return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=second)).astimezone(_zone(zone))
    except OverflowError:
        raise LuaError("the time is out of range") from None


def format_time(nanoseconds: float, layout: str, zone: str | None = None) -> str:
    moment = _moment(nanoseconds, zone)
    return _TOKENS.sub(lambda found: _shown(found[0], moment), layout)


def format_iso(nanoseconds: float, zone: str | None = None) -> str:
    return format_time(nanoseconds, ISO, zone)


def _shown(token: str, moment: datetime) -> str:
    if token[0] in ".,":
        return token if token[1] == "0" else ""
    if token.startswith(("Z", "-")):
        return _offset(token, moment)
    hour = moment.hour % 12 or 12
    return {
        "January": _MONTHS[moment.month - 1],
        "Jan": _MONTHS[moment.month - 1][:3],
        "1": str(moment.month),
        "01": f"{moment.month:02d}",
        "Monday": _DAYS[moment.weekday()],
        "Mon": _DAYS[moment.weekday()][:3],
        "2": str(moment.day),
        "02": f"{moment.day:02d}",
        "_2": f"{moment.day:2d}",
        "002": f"{moment.timetuple().tm_yday:03d}",
        "__2": f"{moment.timetuple().tm_yday:3d}",
        "15": f"{moment.hour:02d}",
        "3": str(hour),
        "03": f"{hour:02d}",
        "4": str(moment.minute),
        "04": f"{moment.minute:02d}",
        "5": str(moment.second),
        "05": f"{moment.second:02d}",
        "2006": f"{moment.year:04d}",
        "06": f"{moment.year % 100:02d}",
        "PM": "AM" if moment.hour < _LAST_MONTH else "PM",
        "pm": "am" if moment.hour < _LAST_MONTH else "pm",
        "MST": moment.tzname() or "UTC",
    }[token]


def _offset(token: str, moment: datetime) -> str:
    seconds = int((moment.utcoffset() or timedelta()).total_seconds())
    if token[0] == "Z" and not seconds:
        return "Z"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    sign = "-" if seconds < 0 else "+"
    shape = token[1:]
    if shape == "07":
        return f"{sign}{hours:02d}"
    return f"{sign}{hours:02d}{':' if ':' in shape else ''}{minutes:02d}"


_READS = {
    "January": "|".join(_MONTHS),
    "Jan": "|".join(each[:3] for each in _MONTHS),
    "Monday": "|".join(_DAYS),
    "Mon": "|".join(each[:3] for each in _DAYS),
    "2006": r"\d{4}",
    "06": r"\d\d",
    "01": r"\d\d",
    "02": r"\d\d",
    "03": r"\d\d",
    "04": r"\d\d",
    "05": r"\d\d",
    "15": r"\d\d",
    "002": r"\d{3}",
    "__2": r"[ \d]{2}\d",
    "_2": r" ?\d{1,2}",
    "PM": "AM|PM",
    "pm": "am|pm",
    "MST": "[A-Z]{3,5}",
    "Z07:00": r"Z|[+-]\d\d:\d\d",
    "Z0700": r"Z|[+-]\d{4}",
    "Z07": r"Z|[+-]\d\d",
    "-07:00": r"[+-]\d\d:\d\d",
    "-0700": r"[+-]\d{4}",
    "-07": r"[+-]\d\d",
}
_RANGES = {"month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 59)}


def parse(layout: str, value: str) -> int:
    """Nanoseconds since 1970 of what ``value`` says in ``layout``; without a zone it is UTC.

    Raises:
        LuaError: it says no time; Go's words.
    """
    whole = f'parsing time "{value}"'
    found: dict[str, str] = {}
    at = last = 0
    for token in _TOKENS.finditer(layout):
        at = _past(layout[last : token.start()], value, at, f'{whole} as "{layout}"')
        read = re.compile(_READS.get(token[0]) or _other(token[0])).match(value, at)
        if read is None:
            raise LuaError(f'{whole} as "{layout}": cannot parse "{value[at:]}" as "{token[0]}"')
        found[token[0]] = read[0]
        at, last = read.end(), token.end()
        if token[0] in {"05", "5"} and re.match(r"[.,]\d", value[at:]) and layout[last : last + 1] not in {".", ","}:
            fraction = re.compile(r"[.,]\d+").match(value, at)
            found[".0"] = fraction[0] if fraction else ""
            at = fraction.end() if fraction else at
    at = _past(layout[last:], value, at, f'{whole} as "{layout}"')
    if at < len(value):
        raise LuaError(f'{whole}: extra text: "{value[at:]}"')
    return _read(found, whole)


def _other(token: str) -> str:
    if token[0] in ".,":
        return rf"[.,]\d{{{len(token) - 1}}}" if token[1] == "0" else r"(?:[.,]\d+)?"
    return r"\d{1,2}"


def _past(literal: str, value: str, at: int, whole: str) -> int:
    if not value.startswith(literal, at):
        raise LuaError(f'{whole}: cannot parse "{value[at:]}" as "{literal}"')
    return at + len(literal)


def _read(found: dict[str, str], whole: str) -> int:
    def number(*tokens: str, default: int) -> int:
        return next((int(found[token]) for token in tokens if token in found), default)

    short = number("06", default=-1)
    century = 1900 if short >= 69 else 2000  # noqa: PLR2004  Go's rule
    year = number("2006", default=0 if short < 0 else century + short)
    month = next((_month(found[name]) for name in ("January", "Jan") if name in found), 0) or number(
        "01", "1", default=1
    )
    hour = number("15", "03", "3", default=0)
    half = (found.get("PM") or found.get("pm") or "").lower()
    if half:
        hour = hour % _LAST_MONTH + (_LAST_MONTH if half == "pm" else 0)
    parts = {
        "month": month,
        "day": number("02", "_2", "2", default=1),
        "hour": hour,
        "minute": number("04", "4", default=0),
        "second": number("05", "5", default=0),
    }
    for name, (low, high) in _RANGES.items():
        if not low <= parts[name] <= high:
            raise LuaError(f"{whole}: {name} out of range")
    try:
        moment = datetime(max(year, 1), **parts, tzinfo=timezone.utc)
    except ValueError:
        raise LuaError(f"{whole}: day out of range") from None
    if "002" in found or "__2" in found:
        moment += timedelta(days=number("002", "__2", default=1) - 1)
    seconds = (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(seconds=1)
    fraction = next((found[name][1:] for name in found if name[0] in ".," and found[name]), "0")
    return (seconds - _zone_seconds(found)) * _SECOND + int(fraction.ljust(9, "0")[:9])


def _month(name: str) -> int:
    return next(number for number, each in enumerate(_MONTHS, 1) if each.startswith(name))


def _zone_seconds(found: dict[str, str]) -> int:
    said = next((found[name] for name in found if name.startswith(("Z0", "-0"))), "Z").replace(":", "")
    if said == "Z":
        return 0
    seconds = int(said[1:3]) * 3600 + int(said[3:5] or 0) * 60
    return -seconds if said[0] == "-" else seconds


def add(nanoseconds: float, duration: dict[str, Any]) -> int:
    """A time and some hours, minutes and seconds; other names count for nothing, as in lakeFS."""
    given = duration if isinstance(duration, dict) else {}
    units = {"hour": 3600, "minute": 60, "second": 1}
    try:
        more = sum(float(given.get(name, 0)) * each for name, each in units.items())
        return int(nanoseconds) + int(more * _SECOND)
    except (TypeError, ValueError, OverflowError):
        raise LuaError("a duration's hour, minute and second are numbers") from None


def sleep(nanoseconds: float) -> float:
    time.sleep(max(0.0, min(nanoseconds / _SECOND, 1e6)))
    return nanoseconds


FUNCTIONS: dict[str, tuple[str, Any]] = {
    "now": ("", time.time_ns),
    "since": ("n", lambda begun: time.time_ns() - int(begun)),
    "format": ("ns|s", format_time),
    "format_iso": ("n|s", format_iso),
    "parse": ("ss", parse),
    "parse_iso": ("s", lambda value: parse(ISO, value)),
    "add": ("nt", add),
    "sleep": ("n", sleep),
}
