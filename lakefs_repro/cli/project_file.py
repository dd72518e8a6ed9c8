"""Writing what ``init`` leaves in a folder: ``lakefs-repro.yaml``, and a line in ``.gitignore``."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lakefs_repro.api.config import DatasetConfig, ProjectConfig

__all__ = ["STATE_FOLDER", "ignore_state", "project_text", "write_whole"]

STATE_FOLDER: Final = ".lakefs-repro"

_TOP: Final = """\
# lakefs-repro: where this project's datasets live. It holds no credentials: commit it with the code.
# Every setting is described in docs/reference/configuration.md.

# embedded: an engine on this machine, which starts by itself. lakefs: a lakeFS server.
engine: {engine}

# The lakeFS repository that holds the datasets.
repository: {repository}
"""
_BRANCH: Final = """
# The branch that versions are merged into.
branch: {branch}
"""
_ENDPOINT: Final = """
# The server's address. Credentials come from LAKECTL_CREDENTIALS_* or ~/.lakectl.yaml.
endpoint: {endpoint}
"""
_DATASETS: Final = """
# A dataset is a prefix of the repository with a contract. For each you may set
#   contract: contracts/flights.yaml   the schema and checks that it is held to
#   exclude: ["*.tmp"]                 files that an ingest leaves out
"""


def project_text(project: ProjectConfig) -> str:
    """The settings as commented YAML that reads back to an equal value."""
    text = _TOP.format(engine=project.engine, repository=_scalar(project.repository))
    if project.branch != "main":
        text += _BRANCH.format(branch=_scalar(project.branch))
    if project.endpoint:
        text += _ENDPOINT.format(endpoint=_scalar(project.endpoint))
    text += _DATASETS
    if not project.datasets:
        return text + "datasets: {}\n"
    return text + "datasets:\n" + "".join(f"  {_scalar(name)}:{_said(one)}\n" for name, one in project.datasets.items())


def _said(dataset: DatasetConfig) -> str:
    """A dataset's settings on the line of its name, or as lines below it; JSON's texts and lists are YAML's."""
    lines = [f"contract: {_scalar(dataset.contract)}"] if dataset.contract else []
    if dataset.exclude:
        lines.append(f"exclude: {json.dumps(list(dataset.exclude))}")
    return "".join(f"\n    {line}" for line in lines) or " {}"


def write_whole(path: Path, text: str, *, executable: bool = False) -> None:
    """Replace a file at once: it is the old one or the new one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_text(text, encoding="utf-8")
        if executable:
            temporary.chmod(0o755)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def ignore_state(folder: Path) -> bool:
    """Keep local state out of git, where there is git; say whether ``.gitignore`` was changed."""
    file = folder / ".gitignore"
    if not file.exists() and not any((parent / ".git").exists() for parent in (folder, *folder.parents)):
        return False
    known = file.read_text(encoding="utf-8") if file.exists() else ""
    if any(line.strip().strip("/") == STATE_FOLDER for line in known.splitlines()):
        return False
    gap = "" if not known or known.endswith("\n") else "\n"
    with file.open("a", encoding="utf-8") as out:
        out.write(f"{gap}{STATE_FOLDER}/\n")
        out.flush()
        os.fsync(out.fileno())
    return True


def _scalar(text: str) -> str:
    # A word that YAML reads as a number, a truth or nothing is quoted; JSON's quotes are YAML's.
    simple = text.replace("-", "").isalnum() and not text[0].isdigit() and text not in _WORDS
    return text if simple else json.dumps(text)


_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
