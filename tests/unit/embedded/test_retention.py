"""What a collection would keep: against answers of a real lakeFS, recorded from histories with forged dates."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lakefs_repro.embedded.store.leftovers import forget_lists
from lakefs_repro.embedded.store.retention import Dated, Rules, retained

NOW = 1_800_000_000
DAY = 86_400
RECORDED = json.loads((Path(__file__).parents[2] / "data" / "retention-lakefs-1.84.json").read_text())


@pytest.mark.parametrize("case", RECORDED)
def test_keeps_what_lakefs_keeps(case):
    commits = {name: Dated(parent, NOW - age) for name, (parent, age) in case["commits"].items()}
    kept = retained(commits, case["heads"], Rules(case["default"], case["branches"]), NOW)
    assert sorted(kept) == case["kept"]


def chain(*ages: float) -> dict[str, Dated]:
    """Commits a, b, c … one after the other, so many days old."""
    names = "abcdefgh"
    return {
        names[place]: Dated(names[place - 1] if place else "", int(NOW - age * DAY)) for place, age in enumerate(ages)
    }


@pytest.mark.parametrize(
    ("days", "kept"),
    [(7, "def"), (9, "cdef"), (1, "f"), (0, "f"), (-1, "f"), (100, "abcdef")],
)
def test_the_window_and_what_was_head_when_it_began(days, kept):
    assert retained(chain(30, 20, 10, 8, 6, 3), {"main": "f"}, Rules(days), NOW) == set(kept)


def test_a_head_is_kept_however_old():
    assert retained(chain(300, 200), {"main": "b"}, Rules(1), NOW) == {"b"}


def test_a_rule_of_its_own_counts_for_a_branch():
    assert retained(chain(9, 5), {"main": "b"}, Rules(1, {"main": 6, "other": 100}), NOW) == {"a", "b"}


def test_what_no_branch_leads_to_counts_with_the_default_days():
    commits = {**chain(50, 40), "x": Dated("b", NOW - 3 * DAY), "y": Dated("x", NOW - 2 * DAY)}
    assert retained(commits, {"main": "b"}, Rules(7), NOW) == {"b", "x", "y"}
    assert retained(commits, {"main": "b"}, Rules(1), NOW) == {"b"}


def test_lists_are_forgotten_after_a_day(tmp_path):
    old, new = tmp_path / "repo" / "run-1" / "commits.csv", tmp_path / "repo" / "run-2" / "commits.csv"
    for file in (old, new):
        file.parent.mkdir(parents=True)
        file.write_text("x")
    os.utime(old, (1_000, 1_000))
    forget_lists(tmp_path, 2_000)
    assert [file.is_file() for file in (old, new)] == [False, True]
