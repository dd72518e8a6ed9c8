"""The documentation's own commands, run in order in a fresh project.

Every line that begins with ``$ `` in a ``console`` block is run by a shell, page by page. A block that can't be run here
says so in a comment right above it: ``<!-- not run: reason -->``; a line that is meant to fail is followed by a line
``exit N``, which is then what it must exit with.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("tutorial", "how-to")
PAGES = [ROOT / "README.md", *(p for room in ROOMS for p in sorted((ROOT / "docs" / room).glob("*.md")))]
BLOCK = re.compile(
    r"(?P<before>^<!-- not run: (?P<reason>[^\n]+) -->\n)?^```console\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
HEAD = "year,month,day,dep_time,carrier,flight,tailnum\n"


@dataclass(frozen=True)
class Command:
    text: str
    status: int


def commands_of(page: Path) -> list[Command]:
    found: list[Command] = []
    for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["reason"]:
            continue
        lines = block["body"].splitlines()
        for number, line in enumerate(lines):
            if line.startswith("$ "):
                text = line.removeprefix("$ ")
                rest = lines[number + 1 :]
                while text.endswith("\\"):
                    text = text.removesuffix("\\") + rest.pop(0).strip()
                if text.endswith("<<'EOF'"):
                    text += "\n" + "\n".join(rest)
                    rest = []
                told = next((re.fullmatch(r"exit (\d+)", later) for later in _answer(rest) if "exit" in later), None)
                found.append(Command(text, int(told[1]) if told else 0))
    return found


def _answer(lines: list[str]) -> list[str]:
    answer = []
    for line in lines:
        if line.startswith("$ "):
            break
        answer.append(line)
    return answer


def make_project(folder: Path) -> None:
    """What the pages take for granted: a little real-looking data, and a query."""
    for month in (1, 2, 3):
        target = folder / "data" / "flights" / f"month={month}" / "part-0.csv"
        target.parent.mkdir(parents=True)
        rows = (f"2013,{month},{d},{500 + d},UA,{100 + d},N{d:03}\n" for d in range(1, 29))
        target.write_text(HEAD.replace("month,", "") + "".join(r.replace(f",{month},", ",", 1) for r in rows))
    (folder / "flights.sql").write_text("select * from raw\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_commands_of_a_page_work(page, tmp_path, monkeypatch):
    commands = commands_of(page)
    if not commands:
        pytest.skip("no commands to run on this page")
    project = tmp_path / "project"
    project.mkdir()
    make_project(project)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTEST_PLUGINS", "lakefs_repro.testing.plugin")  # where the package is not installed
    try:
        for command in commands:
            done = subprocess.run(
                ["bash", "-c", command.text], cwd=project, capture_output=True, text=True, timeout=120
            )
            said = f"$ {command.text}\n{done.stdout}{done.stderr}"
            assert done.returncode == command.status, said
            assert "Traceback" not in done.stderr, said
    finally:
        subprocess.run(["lakefs-repro", "server", "stop"], cwd=project, capture_output=True)


def test_the_pages_do_run_something():
    assert sum(len(commands_of(page)) for page in PAGES) > 10
