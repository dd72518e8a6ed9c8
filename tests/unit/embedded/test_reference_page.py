"""``docs/reference/embedded-engine.md`` says what the engine offers, and it is true."""

from __future__ import annotations

import re
from pathlib import Path

from lakefs_repro.embedded.operations import OPERATIONS
from lakefs_repro.embedded.routes import HANDLERS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "embedded-engine.md"


def test_table_of_operations():
    rows = re.findall(r"^\| `(\w+)` \| ([A-Z]+) `(/[^`]+)` \| (yes|501) \|$", PAGE.read_text(), re.MULTILINE)
    expected = {
        (name, method, path, "yes" if name in HANDLERS else "501")
        for path, methods in OPERATIONS.items()
        for method, name in methods.items()
    }
    assert set(rows) == expected
    assert len(rows) == len(expected)


def test_advertised_members(embedded_engine):
    page = PAGE.read_text()
    for name in embedded_engine.call("GET", "/config").json["embedded"]:
        assert f'"{name}"' in page
