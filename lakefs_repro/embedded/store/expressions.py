"""Ref expressions: a branch, tag, commit id or unique id prefix, with ``~n``, ``^n``, ``@`` and ``$`` behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import INVALID_REF, ApiError, bad_request, not_found
from lakefs_repro.embedded.store import commits, refs

if TYPE_CHECKING:
    import sqlite3

    from lakefs_repro.embedded.store.commits import Commit
    from lakefs_repro.embedded.store.refs import Branch
    from lakefs_repro.embedded.store.repositories import Repository

_PARTS = re.compile(r"[~^@$][^~^@$]*")
_LONGEST_NUMBER = 18
_HEX = re.compile(r"[0-9a-f]+")
_SPACE = re.compile(r"[\t\n\f\r ]")


@dataclass(frozen=True)
class Resolved:
    """What an expression names; ``branch`` is set only where what is staged on it counts."""

    commit: Commit
    branch: Branch | None
    staged_only: bool = False


def require_ref(expression: str, argument: str = "ref") -> None:
    """Refuse what can't be a ref: nothing with a space in it is one."""
    if _SPACE.search(expression):
        raise bad_request(f"argument {argument}: {INVALID_REF}")


def resolve(connection: sqlite3.Connection, repository: Repository, expression: str) -> Resolved:
    """Read an expression as lakeFS does: a branch before a tag before a commit id."""
    first = next((index for index, character in enumerate(expression) if character in "~^@$"), len(expression))
    base, modifiers = expression[:first], _PARTS.findall(expression[first:])
    if not base:
        raise bad_request(INVALID_REF)
    branch = refs.find_branch(connection, repository, base)
    commit = _base_commit(connection, repository, base, branch)
    if modifiers and modifiers[0][0] in "@$":
        if len(modifiers) > 1 or len(modifiers[0]) > 1 or branch is None:
            raise bad_request(INVALID_REF)
        staged = modifiers[0] == "$"
        return Resolved(commit, branch if staged else None, staged_only=staged)
    for modifier in modifiers:
        commit = _walk(connection, repository, commit, modifier)
    return Resolved(commit, None if modifiers else branch)


def resolve_commit(connection: sqlite3.Connection, repository: Repository, expression: str) -> Commit:
    """The commit that an expression names; ``branch$`` names none."""
    resolved = resolve(connection, repository, expression)
    if resolved.staged_only:
        raise bad_request(f"{INVALID_REF}: should point to a commit")
    return resolved.commit


def merge_side(connection: sqlite3.Connection, repository: Repository, expression: str) -> Commit:
    """The commit on one side of a merge or three-dot diff."""
    resolved = resolve(connection, repository, expression)
    if resolved.staged_only:
        raise bad_request(f"reference '{expression}': reference to staging area with $ is not a commit")
    return resolved.commit


def _base_commit(connection: sqlite3.Connection, repository: Repository, base: str, branch: Branch | None) -> Commit:
    identifier = branch.commit_id if branch else refs.find_tag(connection, repository, base)
    found = None
    if identifier is not None:
        found = commits.find(connection, repository, identifier)
    elif _HEX.fullmatch(base):
        found = commits.find_by_prefix(connection, repository, base)
    if found is None:
        raise not_found()
    return found


def _walk(connection: sqlite3.Connection, repository: Repository, commit: Commit, modifier: str) -> Commit:
    kind, text = modifier[0], modifier[1:]
    if kind in "@$":
        raise bad_request(INVALID_REF)
    # As measured: a negative number of steps is none.
    if text and not re.fullmatch(r"-?[0-9]+" if kind == "~" else "[0-9]+", text):
        raise bad_request(f"could not parse modifier {modifier}: {INVALID_REF}")
    if len(text) > _LONGEST_NUMBER:
        raise bad_request(f"could not parse modifier {modifier}: {INVALID_REF}")
    number = int(text) if text else 1
    if kind == "^":
        return _parent(connection, repository, commit, number)
    for _ in range(number):
        if not commit.parents:
            raise not_found()
        commit = _required(connection, repository, commit.parents[0])
    return commit


def _parent(connection: sqlite3.Connection, repository: Repository, commit: Commit, number: int) -> Commit:
    if number == 0:
        return commit
    if number > len(commit.parents):
        raise bad_request(INVALID_REF)
    return _required(connection, repository, commit.parents[number - 1])


def _required(connection: sqlite3.Connection, repository: Repository, commit_id: str) -> Commit:
    found = commits.find(connection, repository, commit_id)
    if found is None:
        raise ApiError(500, f"commit {commit_id} is missing from the store")
    return found
