"""Requests, hours and money on paper; the page's numbers are what the functions give."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakefs_repro.advice.prices import PRICES
from lakefs_repro.bucket.estimate import S3_STANDARD, Load, Rates, estimate, load_of

PAGE = (Path(__file__).resolve().parents[3] / "docs/explanation/buckets.md").read_text(encoding="utf-8")
PAPER = Rates(objects=500, bytes=100e6, copied=500e6, how="assumed")
ALL = Load(10**6, 10**13)


@pytest.mark.parametrize(
    ("row", "road", "load", "kept"),
    [
        ("copy", "copy", ALL, False),
        ("stream", "stream", ALL, False),
        ("import, read once", "import", ALL, False),
        ("import, SHA-256s kept", "import", ALL, True),
        ("copy, a night with 1,000 new objects", "copy", Load(1000, 10**10), False),
    ],
)
def test_the_page_says_what_the_functions_give(row, road, load, kept):
    said = estimate(road, load, listed=10**6, rates=PAPER, kept_checksums=kept)
    requests = (said.listed, said.copies, said.heads, said.gets, said.puts, said.server)
    numbers = [f"{count:,}" for count in requests]
    month = f"${said.month_usd:,.0f}" if said.month_usd >= 1 or not said.month_usd else f"${said.month_usd:.2f}"
    cells = [row, *numbers, f"{said.hours:.1f}", f"${said.requests_usd:.2f}", f"${said.out_usd:,.0f}", month]
    assert "| " + " | ".join(cells) + " |" in PAGE


def test_prices_are_those_of_the_advice():
    assert (PRICES["s3"].storage, PRICES["s3"].writes) == (S3_STANDARD.storage, S3_STANDARD.writes)


def test_large_objects_are_copied_in_parts_and_read_once():
    gib = 1 << 30
    load = load_of([1, 5 * gib, 6 * gib])
    assert (load.objects, load.large, load.parts, load.large_bytes) == (3, 1, 12, 6 * gib)
    said = estimate("copy", load, listed=3, rates=PAPER)
    assert (said.copies, said.heads, said.gets, said.through) == (2 + 12 + 2, 3, 1, 6 * gib)


def test_nothing_new_costs_a_listing():
    said = estimate("copy", Load(0, 0), listed=2500, rates=PAPER)
    assert (said.listed, said.copies, said.heads, said.hours) == (3, 0, 0, 0.0)
