"""``docs/reference/embedded-engine.md`` says what the engine offers, and it is true."""

from __future__ import annotations

import re
from pathlib import Path

from lakefs_repro.embedded.operations import OPERATIONS
from lakefs_repro.embedded.routes import HANDLERS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "embedded-engine.md"


_ROW = re.compile(r"^\| `(\w+)` \| ([A-Z]+) `(/[^`]+)` \| (yes|partly|501)(?:: ([^|]+))? \|$", re.MULTILINE)


def test_table_of_operations():
    rows = _ROW.findall(PAGE.read_text())
    expected = {(name, method, path) for path, methods in OPERATIONS.items() for method, name in methods.items()}
    assert {row[:3] for row in rows} == expected
    assert len(rows) == len(expected)
    for name, _, _, state, why in rows:
        assert (state == "501") == (name not in HANDLERS), name
        assert bool(why) == (state != "yes"), f"{name}: {state} needs a reason, and yes needs none"


def test_advertised_members(embedded_engine):
    page = PAGE.read_text()
    for name in embedded_engine.call("GET", "/config").json["embedded"]:
        assert f'"{name}"' in page
