"""Which commits a garbage collection would keep: lakeFS' rule, measured, without storage or clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_DAY = 24 * 60 * 60


class Dated(NamedTuple):
    """What counts of a commit: its first parent (empty for none) and when it was made."""

    parent: str
    date: int


@dataclass(frozen=True)
class Rules:
    """Days of retention, by branch and for the others; below zero keeps heads alone."""

    default_days: int
    branches: Mapping[str, int] = field(default_factory=dict)

    def days(self, branch: str) -> int:
        return self.branches.get(branch, self.default_days)


class _Start(NamedTuple):
    days: int
    is_head: bool


def retained(commits: Mapping[str, Dated], heads: Mapping[str, str], rules: Rules, now: float) -> set[str]:
    """The ids of the commits that a collection at ``now`` would keep.

    Kept are all heads of branches, and whatever was a head inside the window of retention: on the way back along
    first parents a commit counts by the date of the one that followed it. Tags keep nothing. Commits that no branch
    leads to, such as those of a deleted branch, count with the default days.

    Walks begin in the order of commit ids, and one ends where another with at least as many days has passed: that is
    what lakeFS does, and it shows when dates run backwards.

    Args:
        commits: all commits of the repository.
        heads: the commit of each branch.
        rules: how long to keep what.
        now: seconds since the epoch.
    """
    starts = _starts(commits, heads, rules)
    passed: dict[str, int] = {}
    kept: set[str] = set()
    for start in sorted(starts):
        days, is_head = starts[start]
        begin = now - days * _DAY
        if is_head or commits[start].date >= begin:
            kept.add(start)
        passed[start] = max(days, passed.get(start, days))
        commit = commits[start]
        while commit.parent:
            was_head = commit.date >= begin
            identifier, commit = commit.parent, commits[commit.parent]
            if passed.get(identifier, days - 1) >= days:
                break
            passed[identifier] = days
            if was_head:
                kept.add(identifier)
    return kept


def _starts(commits: Mapping[str, Dated], heads: Mapping[str, str], rules: Rules) -> dict[str, _Start]:
    followed = {commit.parent for commit in commits.values()}
    starts = {identifier: _Start(rules.default_days, is_head=False) for identifier in commits.keys() - followed}
    for identifier in heads.values():
        starts.pop(identifier, None)
    for branch, identifier in heads.items():
        known = starts.get(identifier)
        days = rules.days(branch)
        starts[identifier] = _Start(days if known is None else max(days, known.days), is_head=True)
    return starts
