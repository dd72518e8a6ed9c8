"""Branch protection: patterns that stop writes and commits on branches, at once."""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import ApiError, forbidden
from lakefs_repro.embedded.store import repositories

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.store.repositories import Repository

WRITE = "cannot write to protected branch"
COMMIT = "cannot commit to protected branch"
HARD_RESET = "protected branch"


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """A glob as lakeFS reads it: ``*``, ``?``, ``[...]``, ``{a,b}`` and backslash escapes."""
    text, position, depth = "", 0, 0
    while position < len(pattern):
        character = pattern[position]
        if character == "[":
            end = pattern.find("]", position + 2)
            if end < 0:
                raise ApiError(500, f"syntax error in pattern {pattern!r}")
            inner = pattern[position + 1 : end].replace("\\", "\\\\")
            text += "[^" + inner[1:] + "]" if inner[:1] in "!^" else f"[{inner}]"
            position = end
        elif character == "\\" and position + 1 < len(pattern):
            position += 1
            text += re.escape(pattern[position])
        else:
            depth += (character == "{") - (character == "}")
            special = {"*": ".*", "?": ".", "{": "(?:", "}": ")"}.get(character)
            text += special or ("|" if character == "," and depth else re.escape(character))
        position += 1
    try:
        return re.compile(text, re.DOTALL)
    except re.error:
        raise ApiError(500, f"syntax error in pattern {pattern!r}") from None


def require_allowed(connection: sqlite3.Connection, repository: Repository, branch_name: str, refusal: str) -> None:
    """Raise 403 with ``refusal`` when a rule protects the branch."""
    row = connection.execute("SELECT protection FROM repositories WHERE id = ?", (repository.id,)).fetchone()
    if row is None or row[0] == "[]":
        return
    if any(_compiled(pattern).fullmatch(branch_name) for pattern in json.loads(row[0])):
        raise forbidden(refusal)


def rules(connection: sqlite3.Connection, repository: Repository) -> tuple[list[str], str]:
    """The patterns and their ETag, which is empty while none was ever set."""
    patterns: list[str] = repositories.setting(connection, repository, "protection") or []
    etag = hashlib.sha256(json.dumps(patterns).encode()).hexdigest() if patterns else ""
    return patterns, etag


def set_rules(
    connection: sqlite3.Connection, repository: Repository, patterns: list[str], if_match: str | None
) -> None:
    if if_match is not None and if_match != rules(connection, repository)[1]:
        raise ApiError(412, "Precondition failed")
    repositories.save_setting(connection, repository, "protection", patterns)
