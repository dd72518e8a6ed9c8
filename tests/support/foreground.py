"""The embedded engine in the foreground, with options of one's own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def foreground(root: Path, *options: str, kill: bool = False):
    """Run ``python -m lakefs_repro.embedded`` on ``root``; gives its endpoint and the two credentials.

    It is stopped at the end, or killed.
    """
    command = [sys.executable, "-m", "lakefs_repro.embedded", "--root", str(root), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            said = server.stdout.readline()
            endpoint = re.search(r"http://\S+", said)[0]
            keys = json.loads((root / "credentials.json").read_text())
            yield endpoint, keys["access_key_id"], keys["secret_access_key"]
        finally:
            server.kill() if kill else server.terminate()
            server.wait(timeout=30)
