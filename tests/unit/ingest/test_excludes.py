"""What is no data, and what says that somebody is still writing; and that the page for users says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lakefs_repro.errors import InvalidError
from lakefs_repro.ingest.branch.excludes import DEFAULT_EXCLUDES, UNFINISHED, Excludes, never_committed

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "ingest-from-spark.md"


@pytest.mark.parametrize(
    "path",
    ["_SUCCESS", "a/_SUCCESS", "a/_committed_1", "a/_started_1", "a/.b.parquet.crc", "_spark_metadata/0",
     "_checkpoints/offsets/1", ".ipynb_checkpoints/x.csv", ".git/config"],
)  # fmt: skip
def test_noise_is_left_out_unless_kept(path):
    assert Excludes().leave_out(path, 9)
    assert not Excludes(defaults=False).leave_out(path, 9)


@pytest.mark.parametrize(
    "path",
    ["a.parquet", "_delta_log/00000000000000000000.json", "_delta_log/_last_checkpoint", "a.crc",
     "_delta_log/00000000000000000010.checkpoint.parquet", "checkpoint/model.bin", "SUCCESS", "_metadata"],
)  # fmt: skip
def test_data_is_kept(path):
    assert not Excludes().leave_out(path, 9)
    assert not Excludes().unfinished(path)


def test_a_folder_s_marker_is_one_only_when_it_is_empty():
    for path in ("a/", "a_$folder$"):
        assert Excludes().leave_out(path, 0)
        assert not Excludes().leave_out(path, 1)
        assert not Excludes(defaults=False).leave_out(path, 0)


def test_own_patterns_add_to_the_defaults_and_calm_the_alarm():
    own = Excludes(iter(["_temporary/", "*.tmp"]))
    assert own.leave_out("x.tmp", 1)
    assert own.leave_out("_SUCCESS", 0)
    assert Excludes().unfinished("a/_temporary/0/x")
    assert not own.unfinished("a/_temporary/0/x")
    with pytest.raises(InvalidError):
        Excludes(["[a"])


def test_a_transaction_is_over_when_it_was_committed_in_its_folder():
    paths = ["a/_started_1", "a/_committed_1", "b/_started_1", "_started_2", "_committed_2", "a/_started_3"]
    assert never_committed(paths) == ["a/_started_3", "b/_started_1"]


def test_the_page_names_each_pattern():
    page = PAGE.read_text(encoding="utf-8").split("## What is no data")[1].split("## How it works")[0]
    named = set(re.findall(r"`([^`]+)`", page))
    assert {*DEFAULT_EXCLUDES, *UNFINISHED} <= named
