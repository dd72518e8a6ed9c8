"""How types of Arrow and Parquet are called in a contract."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lakefs_repro.tables import lazy


@lru_cache(maxsize=1024)
def logical_type(found: Any) -> str | None:
    """The ODCS logical type of a ``pyarrow.DataType``; None for the null type, which fits any."""
    types = lazy.pyarrow().types
    if types.is_dictionary(found):
        return logical_type(found.value_type)
    for name, tests in _TESTS.items():
        if any(getattr(types, test)(found) for test in tests):
            return name
    return None if types.is_null(found) else "string"


_TESTS = {
    "boolean": ("is_boolean",),
    "integer": ("is_integer",),
    "number": ("is_floating", "is_decimal"),
    "date": ("is_date",),
    "timestamp": ("is_timestamp",),
    "time": ("is_time",),
    "object": ("is_struct", "is_map"),
    "array": ("is_list", "is_large_list", "is_fixed_size_list"),
}


def fits(promised: str | None, found: str | None) -> bool:
    """Whether a Parquet column of logical type ``found`` keeps a contract's ``promised`` type.

    Widening inside a logical type (int32 to int64) is no change; an integer is also a number.
    """
    return promised is None or found is None or promised == found or (promised == "number" and found == "integer")
