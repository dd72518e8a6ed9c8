"""What the README promises about itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_ci_runs_the_readmes_test_command():
    (command,) = re.findall(r"^\$ (python3 -m venv .*pytest.*)$", README, re.MULTILINE)
    said = command.replace(".venv", '"$venv"').replace("/bin/pip install ", "/bin/pip install --quiet ")
    assert said in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_output_shown_is_there():
    assert "QUICKSTART-OUTPUT" not in README
