"""Which commit of the caller's own code is at work, as far as git says so quickly."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Final

__all__ = ["code_of"]

_PATIENCE_S: Final = 5.0
_OID = re.compile(r"# branch\.oid ([0-9a-f]{40,64})")


def code_of(folder: Path) -> tuple[str, bool]:
    """The commit that is checked out in a folder, and whether tracked files differ from it.

    Empty, and false, where there is no git, no checkout, no commit, or no answer in time.
    """
    # A file system monitor is a program that the folder's own configuration names: not run for a mere look.
    question = ["git", "-c", "core.fsmonitor=false", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        said = subprocess.run(  # noqa: S603 - fixed words
            question,
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=True,
        ).stdout.decode(errors="replace")
    except (OSError, subprocess.SubprocessError):
        return "", False
    lines = said.splitlines()
    found = next((match[1] for line in lines if (match := _OID.fullmatch(line))), "")
    return found, bool(found) and any(not line.startswith("#") for line in lines)
