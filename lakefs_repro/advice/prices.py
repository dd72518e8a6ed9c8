"""List prices of common object stores, to be overruled by anybody who knows their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["PRICES", "PRICES_OF", "Price"]

PRICES_OF: Final = "2026-11-24"
"""The day on which the table was written down; ``docs/explanation/cost.md`` says from what."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a store charges, in US dollars.

    Attributes:
        storage: for a GB (10^9 bytes) kept for a month.
        writes: for 1,000 objects written.
        what: class and region.
    """

    storage: float
    writes: float
    what: str


PRICES: Final = {
    "s3": Price(0.023, 0.005, "S3 Standard, us-east-1, first 50 TB"),
    "gcs": Price(0.020, 0.005, "Standard, us-central1"),
    "azure": Price(0.018, 0.005, "Blob Hot, LRS, East US, first 50 TB"),
}
"""By the answer to ``--storage``; disks of your own have no list price."""
