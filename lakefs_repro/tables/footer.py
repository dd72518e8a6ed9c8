"""The profile of a Parquet file from its footer alone, where that suffices: no row is read."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from lakefs_repro.tables.files import HIVE_NULL
from lakefs_repro.tables.head import Footer
from lakefs_repro.tables.measure import FileProfile, to_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lakefs_repro.model.contract import ContractProperty
    from lakefs_repro.tables.predicates import Predicate
    from lakefs_repro.tables.relation import Layout
    from lakefs_repro.tables.session import Session

_PARSERS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "integer": int,
    "number": float,
    "date": dt.date.fromisoformat,
}


def from_footer(
    session: Session, layout: Layout, number: int, predicates: Mapping[int, Predicate]
) -> FileProfile | None:
    """The profile of file ``number``; None where its rows must be read."""
    head = layout.heads[number]
    if head.rows is None:
        return None
    found = FileProfile(rows=head.rows)
    folders = session.files[number].folders
    for i, column in enumerate(layout.table.properties):
        footer = head.footers.get(column.column) or _of_folder(column, folders.get(column.column), head.rows)
        if layout.mistyped(column) or not _note(found, i, column, footer):
            return None
    for key, predicate in predicates.items():
        bad = _decided(layout, predicate, found)
        if bad is None:
            return None
        found.bad[key] = bad
    return found


def _of_folder(column: ContractProperty, text: str | None, rows: int) -> Footer:
    """A column that has one value throughout, given by a folder, or none at all."""
    if text is None or text == HIVE_NULL:
        return Footer(nulls=rows)
    try:
        value = _PARSERS[column.logical_type or "string"](text)
    except (KeyError, ValueError):
        return Footer()
    return Footer(0, value, value)


def _note(found: FileProfile, i: int, column: ContractProperty, footer: Footer) -> bool:
    """Keep what the footer says of a column; False where it does not say enough."""
    if footer.nulls is None:
        return False
    found.nulls[i] = footer.nulls
    if column.logical_type in ("object", "array") or column.withheld or footer.nulls == found.rows:
        return True
    if isinstance(footer.minimum, bytes):
        return True  # binary values have no bounds that anybody reads
    low, high = to_value(footer.minimum, column), to_value(footer.maximum, column)
    if low is None or high is None:
        return False
    found.minimum[i], found.maximum[i] = low, high
    return True


def _decided(layout: Layout, predicate: Predicate, found: FileProfile) -> int | None:
    """How many rows fail, where footers know; None where they don't."""
    if predicate.rule == "type":
        return 0
    nulls = found.nulls[predicate.column]
    if predicate.footing == "nulls":
        return nulls
    if predicate.rule != "missing-values" and nulls == found.rows:
        return 0
    column = layout.table.properties[predicate.column]
    return 0 if predicate.footing == "range" and _inside(column, predicate.column, found) else None


def _inside(column: ContractProperty, i: int, found: FileProfile) -> bool:
    low, high = found.minimum.get(i), found.maximum.get(i)
    if isinstance(low, str) or isinstance(high, str) or low is None or high is None:
        return False
    (least, above), (most, below) = column.logical_type_options.lower, column.logical_type_options.upper
    if isinstance(least, int | float) and (low < least or (above and low == least)):
        return False
    return not (isinstance(most, int | float) and (high > most or (below and high == most)))
