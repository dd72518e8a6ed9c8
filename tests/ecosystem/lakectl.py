"""A day's work with ``lakectl``, and what it said, with all that can't be equal made equal."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import subprocess
import tempfile
import time
from pathlib import Path

DAY = Path(__file__).with_name("day.txt")
UNEQUAL = [
    (re.compile(r"\b([0-9a-f]{64}|[0-9a-f]{16})\b"), "<id>"),
    (re.compile(r"label=< [0-9a-f]{8}<"), "label=< <id><"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[^\n|]*?(UTC|Z|\+0000|(?=[\n|]|$))( UTC)?"), "<date>"),
    (re.compile(r"timestamp: \d+"), "timestamp: <date>"),
    (re.compile(r"local://\S+/data/\S+"), "<address>"),
    (re.compile(r"\x1b\[[0-9;?]*[A-Za-z]"), ""),
    (re.compile(r"\b\d+(\.\d+)?(ms|µs|s)\b"), "<time>"),
    (re.compile(r"[ \t]+"), " "),
]


def said(endpoint: str, keys: tuple[str, str]) -> list[tuple[str, str]]:
    """Each command of the day with its exit code and its words; where order means nothing, lines are sorted."""
    with tempfile.TemporaryDirectory() as name:
        folder, repository = Path(name).resolve(), f"day-{secrets.token_hex(6)}"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "TERM": "dumb",
            "LAKECTL_SERVER_ENDPOINT_URL": endpoint,
            "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": keys[0],
            "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": keys[1],
        }
        found = []
        for line in DAY.read_text().splitlines():
            if line.startswith("write "):
                _, path, text = line.split(" ", 2)
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text + "\n")
            elif line == "wait":
                time.sleep(1.1)
            elif not line.startswith("#"):
                command = ["lakectl", *shlex.split(line.replace("REPO", repository))]
                done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
                words = f"{done.stdout}\n{done.stderr}".replace(repository, "REPO").replace(str(folder), "FOLDER")
                for pattern, equal in UNEQUAL:
                    words = pattern.sub(equal, words.replace(endpoint, "ENDPOINT"))
                lines = [each.strip() for each in words.splitlines()]
                lines = [each for each in lines if each and not each.endswith("...")]  # progress, as often as it likes
                if "done!" in words or line.startswith("branch-protect list"):
                    lines = sorted(set(lines))
                found.append((line, f"exit {done.returncode}\n" + "\n".join(lines)))
        return found
