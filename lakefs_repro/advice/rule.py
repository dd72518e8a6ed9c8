"""A rule: when it holds, what it says about one approach, how much it weighs, and where that is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lakefs_repro.advice.answers import Answers
from lakefs_repro.advice.approaches import ApproachName

__all__ = ["VETO", "Condition", "Rule", "at_least", "below", "is_", "not_"]

VETO: Final = -100
"""The weight of what rules an approach out."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something about one answer, as data that can be printed.

    Attributes:
        op: ``is`` and ``is not`` compare with ``words`` (of several words given, one is enough); ``at least`` and
            ``below`` compare with ``amount``.
    """

    field: str
    op: str
    words: tuple[str, ...] = ()
    amount: int = 0

    def holds(self, answers: Answers) -> bool:
        """Whether these answers meet it."""
        value = getattr(answers, self.field)
        if self.op == "at least":
            return bool(value >= self.amount)
        if self.op == "below":
            return bool(value < self.amount)
        given = {value} if isinstance(value, str) else set(value)
        return bool(given & set(self.words)) == (self.op == "is")


@dataclass(frozen=True, slots=True)
class Rule:
    """What speaks for an approach (``weight`` above 0) or against it, when all conditions hold.

    Attributes:
        because: the reason, a sentence for the person who decides.
        source: the address of the documentation that says so, or a page of this project's own.
    """

    id: str
    approach: ApproachName
    weight: int
    because: str
    source: str
    when: tuple[Condition, ...] = ()

    def holds(self, answers: Answers) -> bool:
        """Whether it applies to these answers."""
        return all(condition.holds(answers) for condition in self.when)


def is_(field: str, *words: str) -> Condition:
    """The answer is one of these; of several answers, one is."""
    return Condition(field, "is", words)


def not_(field: str, *words: str) -> Condition:
    """The answer is none of these."""
    return Condition(field, "is not", words)


def at_least(field: str, amount: int) -> Condition:
    """The amount is this or more."""
    return Condition(field, "at least", amount=amount)


def below(field: str, amount: int) -> Condition:
    """The amount is less than this."""
    return Condition(field, "below", amount=amount)
