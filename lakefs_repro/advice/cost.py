"""What versions cost to keep: bytes from three answers and a share, money from bytes. ``docs/explanation/cost.md``."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from lakefs_repro.advice.amounts import DAYS_A_MONTH
from lakefs_repro.advice.answers import Answers
from lakefs_repro.advice.prices import PRICES, PRICES_OF, Price

__all__ = ["CHANGED", "MONTHS", "Cost", "Estimate", "Inputs", "estimate", "inputs_of"]

MONTHS: Final = 12
_GB: Final = 10**9

CHANGED: Final = {"by-hand": 0.05, "append": 0.0, "streaming": 0.0, "replace": 1.0, "update": 0.2}
"""The share of what is there that a version rewrites, where nobody says: by how data arrives."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the estimate is made from.

    Attributes:
        volume: bytes at the beginning.
        growth: bytes a month.
        files: objects at the beginning.
        versions: a month.
        changed: the share of the bytes there that each version writes anew, from 0 to 1.
        keep: months that a version is kept.
        price: None where there is no price.
    """

    volume: int
    growth: int
    files: int
    versions: int
    changed: float
    keep: float
    price: Price | None


@dataclass(frozen=True, slots=True)
class Cost:
    """One way of keeping versions.

    Attributes:
        stored: bytes at the end of the first month, and of the twelfth.
        writes: objects written in the first month.
        month: dollars for the first month, and for the twelfth; None without a price.
        year: dollars for all twelve.
    """

    way: str
    stored: tuple[float, float]
    writes: float
    month: tuple[float, float] | None
    year: float | None

    def to_json(self) -> dict[str, Any]:
        """Bytes and dollars, rounded."""
        return {
            "way": self.way,
            "stored_month_1": round(self.stored[0]),
            "stored_month_12": round(self.stored[1]),
            "writes_month_1": round(self.writes),
            "usd_month_1": None if self.month is None else round(self.month[0], 2),
            "usd_month_12": None if self.month is None else round(self.month[1], 2),
            "usd_year": None if self.year is None else round(self.year, 2),
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """The ways compared, and what they were computed from.

    Attributes:
        copies: every version is a full copy.
        shared: unchanged files are stored once: lakeFS, this toolkit, DVC's remote, and table formats while nothing
            is compacted.
        latest: nothing is kept but the newest state, for comparison.
    """

    inputs: Inputs
    copies: Cost
    shared: Cost
    latest: Cost

    @property
    def saved(self) -> float:
        """The share of a full copy's bytes that sharing saves after a year."""
        return 1 - self.shared.stored[1] / self.copies.stored[1] if self.copies.stored[1] else 0.0

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        ways = [cost.to_json() for cost in (self.latest, self.shared, self.copies)]
        return {"prices_of": PRICES_OF, "inputs": asdict(self.inputs), "ways": ways}


def inputs_of(answers: Answers, *, changed: float | None = None, price: float | None = None) -> Inputs:
    """The inputs that follow from answers.

    Args:
        answers: the team's.
        changed: the share of the bytes that a version rewrites; by :data:`CHANGED` when None.
        price: dollars for a GB and month, instead of the list price.
    """
    known = PRICES.get(answers.storage)
    if price is not None:
        known = Price(price, known.writes if known else 0.0, "as given by --price")
    return Inputs(
        volume=answers.volume,
        growth=answers.growth,
        files=answers.files,
        versions=answers.versions,
        changed=CHANGED[answers.arrival] if changed is None else changed,
        keep=answers.keep / DAYS_A_MONTH,
        price=known,
    )


def estimate(inputs: Inputs) -> Estimate:
    """Bytes and dollars over a year for three ways of keeping versions."""
    share = inputs.files / inputs.volume if inputs.volume else 0.0
    grown = inputs.growth * share
    rewritten = inputs.versions * inputs.changed * inputs.files
    every = _total(inputs, range(1, inputs.versions + 1)) * share
    return Estimate(
        inputs,
        _cost("full copies", [_copies(inputs, month) for month in range(1, MONTHS + 1)], every, inputs.price),
        _cost("shared files", [_shared(inputs, m) for m in range(1, MONTHS + 1)], grown + rewritten, inputs.price),
        _cost("newest state only", [_latest(inputs, m) for m in range(1, MONTHS + 1)], grown + rewritten, inputs.price),
    )


def _size(inputs: Inputs, number: int) -> float:
    """The bytes of version ``number``; version 0 is what is there at the beginning."""
    return inputs.volume + inputs.growth * number / inputs.versions


def _total(inputs: Inputs, numbers: range) -> float:
    """The bytes of consecutive versions together; they grow evenly, so it is the mean times their number."""
    return len(numbers) * (_size(inputs, numbers[0]) + _size(inputs, numbers[-1])) / 2 if numbers else 0.0


def _kept(inputs: Inputs, month: int) -> range:
    """The older versions that are kept at the end of a month; the newest is kept always, and not among them."""
    newest = inputs.versions * month
    first = max(0, math.ceil(newest - inputs.keep * inputs.versions))
    return range(min(first, newest), newest)


def _latest(inputs: Inputs, month: int) -> float:
    return _size(inputs, inputs.versions * month)


def _copies(inputs: Inputs, month: int) -> float:
    return _latest(inputs, month) + _total(inputs, _kept(inputs, month))


def _shared(inputs: Inputs, month: int) -> float:
    # What a kept version holds alone is what the next one rewrote; all else is in the newest state as well.
    return _latest(inputs, month) + inputs.changed * _total(inputs, _kept(inputs, month))


def _cost(way: str, stored: list[float], writes: float, price: Price | None) -> Cost:
    if price is None:
        return Cost(way, (stored[0], stored[-1]), writes, None, None)
    # Growth makes full copies write a little more each month; the estimate keeps to the first month's number.
    requests = writes / 1000 * price.writes
    months = [amount / _GB * price.storage + requests for amount in stored]
    return Cost(way, (stored[0], stored[-1]), writes, (months[0], months[-1]), sum(months))
