"""Logical types of a contract and the options that narrow them."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal, get_args

from pydantic import Field

from lakefs_repro.model.contract_base import Json, Misfit, Node

LogicalType = Literal["string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean"]
LOGICAL_TYPES: tuple[str, ...] = get_args(LogicalType)

Bound = int | float | str

_RANGE = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
ALLOWED: dict[str, tuple[str, ...]] = {
    "string": ("minLength", "maxLength", "pattern", "format"),
    "integer": (*_RANGE, "multipleOf", "format"),
    "number": (*_RANGE, "multipleOf", "format"),
    "date": (*_RANGE, "format"),
    "timestamp": (*_RANGE, "format", "timezone", "defaultTimezone"),
    "time": (*_RANGE, "format", "timezone", "defaultTimezone"),
    "array": ("minItems", "maxItems"),
    "boolean": (),
    "object": (),
}
# ODCS options that would promise a check which is not made: refusing them is the honest answer.
NOT_CHECKED = ("uniqueItems", "minProperties", "maxProperties", "required")

_PARSERS: dict[str, Any] = {
    "date": dt.date.fromisoformat,
    "timestamp": lambda text: dt.datetime.fromisoformat(text.replace("Z", "+00:00")),
    "time": dt.time.fromisoformat,
}


class TypeOptions(Node):
    """``logicalTypeOptions``: bounds, pattern and format of a column."""

    minimum: Bound | None = None
    maximum: Bound | None = None
    exclusive_minimum: bool | Bound | None = None
    exclusive_maximum: bool | Bound | None = None
    multiple_of: int | float | None = Field(default=None, gt=0)
    min_length: int | None = Field(default=None, ge=0)
    max_length: int | None = Field(default=None, ge=0)
    pattern: str | None = Field(default=None, max_length=1000)
    format: str | None = Field(default=None, max_length=100)
    timezone: bool | None = None
    default_timezone: str | None = None
    min_items: int | None = Field(default=None, ge=0)
    max_items: int | None = Field(default=None, ge=0)
    unique_items: Json = None
    min_properties: Json = None
    max_properties: Json = None
    required: Json = None

    def check(self, logical_type: str | None) -> None:
        """Raise where an option does not go with ``logical_type``, or is not what it should be.

        Raises:
            Misfit: with the path from the column.
        """
        given = self.to_data()
        for name in given:
            if logical_type is None:
                raise _misfit(name, "needs a logicalType beside logicalTypeOptions")
            if name in NOT_CHECKED:
                raise _misfit(name, "is not checked by lakefs-repro; leave it out")
            if name not in ALLOWED[logical_type]:
                allowed = ", ".join(ALLOWED[logical_type]) or "none"
                raise _misfit(name, f"does not apply to {logical_type} (allowed: {allowed})")
        if logical_type is not None:
            self._check_bounds(logical_type, given)
            self._check_format(logical_type)

    def _check_bounds(self, logical_type: str, given: dict[str, Any]) -> None:
        for name in _RANGE:
            bound = given.get(name)
            if bound is None or (isinstance(bound, bool) and name.startswith("exclusive")):
                continue
            if logical_type in _PARSERS:
                try:
                    _PARSERS[logical_type](bound)
                except (TypeError, ValueError, AttributeError) as error:
                    raise _misfit(name, f"is not an ISO 8601 {logical_type}") from error
            elif not isinstance(bound, int | float):
                raise _misfit(name, "must be a number")
        low, high = self.lower[0], self.upper[0]
        if low is not None and high is not None and _compare(low, high) > 0:
            name = next(name for name in _RANGE if name in given)
            raise _misfit(name, f"the minimum {low} is above the maximum {high}")

    def _check_format(self, logical_type: str) -> None:
        if self.format is not None and logical_type in _PARSERS:
            try:
                strftime_format(self.format)
            except ValueError as error:
                raise _misfit("format", str(error)) from error

    @property
    def lower(self) -> tuple[Bound | None, bool]:
        """The lower bound and whether it is itself excluded."""
        return _bound(self.minimum, self.exclusive_minimum)

    @property
    def upper(self) -> tuple[Bound | None, bool]:
        """The upper bound and whether it is itself excluded."""
        return _bound(self.maximum, self.exclusive_maximum)


def _misfit(name: str, message: str) -> Misfit:
    return Misfit(message, "logicalTypeOptions", name)


def _bound(inclusive: Bound | None, exclusive: bool | Bound | None) -> tuple[Bound | None, bool]:  # noqa: FBT001 (ODCS 3.0 has a flag where 3.1 has a bound)
    if isinstance(exclusive, bool):
        return inclusive, exclusive
    if exclusive is not None:
        return exclusive, True
    return inclusive, False


def _compare(low: Bound, high: Bound) -> int:
    if isinstance(low, str) or isinstance(high, str):
        return (str(low) > str(high)) - (str(low) < str(high))
    return (low > high) - (low < high)


# Pattern letters of java.time.format.DateTimeFormatter, which ODCS prescribes, as strptime knows them.
_JAVA_TO_STRFTIME = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%-m",
    "dd": "%d",
    "d": "%-d",
    "HH": "%H",
    "H": "%-H",
    "hh": "%I",
    "h": "%-I",
    "mm": "%M",
    "ss": "%S",
    "SSSSSSSSS": "%n",
    "SSSSSS": "%f",
    "SSS": "%g",
    "a": "%p",
    "Z": "%z",
    "X": "%z",
    "XX": "%z",
    "XXX": "%z",
    "EEE": "%a",
    "EEEE": "%A",
}


def strftime_format(pattern: str) -> str:
    """The DuckDB ``strptime`` format for the JDK pattern of a contract.

    Raises:
        ValueError: a letter or a quote that has no counterpart.
    """
    result: list[str] = []
    position = 0
    while position < len(pattern):
        letter = pattern[position]
        if letter == "'":
            end = pattern.find("'", position + 1)
            if end < 0:
                raise ValueError(f"an opening quote has no end in {pattern!r}")
            result.append(pattern[position + 1 : end].replace("%", "%%") or "'")
            position = end + 1
            continue
        run = position + 1
        while run < len(pattern) and pattern[run] == letter:
            run += 1
        result.append(_field(pattern[position:run], pattern))
        position = run
    return "".join(result)


def _field(run: str, pattern: str) -> str:
    if run in _JAVA_TO_STRFTIME:
        return _JAVA_TO_STRFTIME[run]
    if run == "T":
        return run
    if run.isalpha():
        known = ", ".join(_JAVA_TO_STRFTIME)
        raise ValueError(f"{run!r} in {pattern!r} is not known (known: {known})")
    return run.replace("%", "%%")
