"""What the reference pages show must be so."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from lakefs_repro.model.ref import parse_ref
from lakefs_repro.model.version import VersionRange

ROOT = Path(__file__).parents[3]
FORMAT = (ROOT / "docs/reference/manifest-format.md").read_text(encoding="utf-8")
REFERENCES = (ROOT / "docs/reference/references.md").read_text(encoding="utf-8")
VECTORS = {
    vector["name"]: vector
    for vector in json.loads((ROOT / "tests/data/manifests/vectors.json").read_text(encoding="utf-8"))["vectors"]
}


def test_the_worked_example_is_the_vector():
    blocks = re.findall(r"```\n(lakefs-repro manifest 1 .*?)```", FORMAT, re.DOTALL)
    shown = {hashlib.sha256(block.encode()).hexdigest(): block for block in blocks if "<" not in block}
    assert shown == VECTORS["three-levels"]["chunks"]
    assert f"The digest is `{VECTORS['three-levels']['root']}`" in FORMAT
    assert f"`{VECTORS['empty']['root']}`" in FORMAT


def test_the_boundaries_of_the_worked_example_are_right():
    rows = re.findall(r"boundary 1 (\d)⏎([\w-]+)` \| `(\w{8})` = ([\d,]+) \| (yes|no)", FORMAT)
    assert len(rows) == 5
    for level, path, shown, number, below in rows:
        digest = hashlib.sha256(f"lakefs-repro boundary 1 {level}\n{path}".encode()).digest()
        value = int.from_bytes(digest[:4], "big")
        assert (digest[:4].hex(), f"{value:,}", value < 2**32 / 512) == (shown, number, below == "yes")


def test_the_number_of_vectors_is_the_one_that_is_told():
    assert "and eleven other snapshots" in FORMAT
    assert len(VECTORS) == 12


def first_column(page):
    """The code spans in the first column of a page's tables, but for those that are cut short."""
    cells = "".join(re.findall(r"^\| (`.*?) \| ", page, re.MULTILINE))
    return [span for span in re.findall(r"`([^`]+)`", cells) if "…" not in span]


@pytest.mark.parametrize("text", first_column(REFERENCES.split("## What wins")[0]))
def test_refs_of_the_reference_are_refs(text):
    parse_ref(text)


@pytest.mark.parametrize("text", first_column(REFERENCES.split("## Ranges")[1]))
def test_ranges_of_the_reference_are_ranges(text):
    VersionRange(text.replace("\\", ""))
