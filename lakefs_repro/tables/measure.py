"""What is measured of one file, and how its extremes are written down."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lakefs_repro.model.table import Value, shorten

if TYPE_CHECKING:
    from lakefs_repro.model.contract import ContractProperty


@dataclass
class FileProfile:
    """What one file holds. ``bad`` counts failing rows by the number of the predicate."""

    rows: int = 0
    not_rows: int = 0
    unknown_keys: bool = False
    nulls: dict[int, int] = field(default_factory=dict)
    minimum: dict[int, Value] = field(default_factory=dict)
    maximum: dict[int, Value] = field(default_factory=dict)
    bad: dict[int, int] = field(default_factory=dict)


def to_value(value: Any, column: ContractProperty) -> Value | None:
    """A minimum or maximum as JSON can hold it; None where it can't."""
    if isinstance(value, dt.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(dt.timezone.utc).replace(tzinfo=None)
        return str(value.isoformat()) + ("Z" if column.logical_type_options.timezone else "")
    if isinstance(value, dt.date | dt.time):
        return str(value.isoformat())
    if isinstance(value, decimal.Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bool | int | float | str):
        return shorten(value)
    return None
