"""What the doctor says: findings, and the repairs that it offers for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Action", "Diagnosis", "Finding", "Repair", "State"]

State = Literal["ok", "warning", "problem"]

Action = Literal[
    "protect",
    "restore-ledger",
    "heal-ingest",
    "drop-branch",
    "create-pin",
    "move-pin",
    "release-pin",
    "finish",
    "record",
    "pin-release",
    "finish-release",
]
"""What a repair does.

- ``protect``: adds the missing branch protection rules.
- ``restore-ledger``: makes the ledger branch again, where an annotation in ``main`` saw it last.
- ``heal-ingest``: finishes a half-done ingest that ``main`` holds, and removes what is left of another.
- ``drop-branch``: deletes a scratch branch that a dead process has left.
- ``create-pin``, ``move-pin``: makes the pin of a version at its ingest commit, or again there.
- ``release-pin``: gives up the reservation of a version that was never merged.
- ``finish``: tags and records a version that was merged.
- ``record``: writes a version's missing record into the ledger.
- ``pin-release``: makes the pin of a release at its commit, or again there.
- ``finish-release``: tags and records a release that is pinned.
"""


@dataclass(frozen=True, slots=True)
class Repair:
    """One change that would set a finding right; ``does`` is that plan in words.

    Two repairs are equal when they would change the same thing in the same way, however they are worded.
    """

    action: Action
    does: str = field(compare=False)
    dataset: str = ""
    version: str = ""
    ingest: str = ""
    branch: str = ""
    commit: str = ""

    def to_json(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: which check, a stable word.
        state: ``ok``; ``warning``, worth knowing, and nothing is lost by waiting; or ``problem``.
        message: what was found, in one or two sentences.
        hint: what a person can type or do; empty when there is nothing to do.
        repair: what :func:`lakefs_repro.doctor.repair.repair` would do about it, if anything.
    """

    check: str
    state: State
    message: str
    hint: str = ""
    repair: Repair | None = None

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "check": self.check,
            "state": self.state,
            "message": self.message,
            "hint": self.hint,
            "repair": self.repair.to_json() if self.repair else None,
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in the order in which they were looked at."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no problem; warnings are none."""
        return not self.problems

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What needs a hand."""
        return tuple(f for f in self.findings if f.state == "problem")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is worth knowing."""
        return tuple(f for f in self.findings if f.state == "warning")

    @property
    def repairable(self) -> tuple[Finding, ...]:
        """What ``repair`` can set right, in an order in which to do it."""
        return tuple(f for f in self.findings if f.repair)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {"ok": self.ok, "findings": [finding.to_json() for finding in self.findings]}
