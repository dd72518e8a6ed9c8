"""From answers to one recommendation: the rules that hold are added up, and the reasons are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lakefs_repro.advice.answers import Answers
from lakefs_repro.advice.approaches import APPROACHES, Approach
from lakefs_repro.advice.rule import VETO, Rule
from lakefs_repro.advice.rules import RULES

__all__ = ["Recommendation", "Verdict", "recommend"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of one approach.

    Attributes:
        score: the sum of the weights.
        good: the rules that speak for it, the heaviest first.
        lacks: those that speak against it, the heaviest first.
    """

    approach: Approach
    score: int
    good: tuple[Rule, ...]
    lacks: tuple[Rule, ...]

    @property
    def possible(self) -> bool:
        """Whether nothing rules it out."""
        return all(rule.weight > VETO for rule in self.lacks)

    @property
    def fits(self) -> bool:
        """Whether nothing rules it out, and more speaks for it than against."""
        return self.possible and self.score > 0

    @property
    def otherwise(self) -> int:
        """The score that it would have if nothing ruled it out."""
        return sum(rule.weight for rule in (*self.good, *self.lacks) if rule.weight > VETO)

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "approach": self.approach.name,
            "score": self.score,
            "fits": self.fits,
            "for": [_reason(rule) for rule in self.good],
            "against": [_reason(rule) for rule in self.lacks],
        }


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One approach and why; the others and what they would lack, the best first."""

    best: Verdict
    others: tuple[Verdict, ...]

    @property
    def close(self) -> Verdict | None:
        """The second, where so little lies between that it would do as well."""
        second = self.others[0]
        return second if second.fits and self.best.score - second.score <= 1 else None

    def verdict(self, name: str) -> Verdict:
        """What is said of one approach."""
        return next(v for v in (self.best, *self.others) if v.approach.name == name)


def recommend(answers: Answers, rules: Sequence[Rule] = RULES) -> Recommendation:
    """The approach that fits best.

    The highest score wins; at a tie, what leaves less to run. Where none fits, the nearest is named, and its verdict
    is not ``fits``.
    """
    held = [rule for rule in rules if rule.holds(answers)]
    verdicts = [_verdict(approach, held) for approach in APPROACHES]
    best, *others = sorted(verdicts, key=lambda verdict: -verdict.score)  # stable: APPROACHES decides a tie
    return Recommendation(best, tuple(others))


def _verdict(approach: Approach, held: Sequence[Rule]) -> Verdict:
    mine = [rule for rule in held if rule.approach == approach.name]
    return Verdict(
        approach,
        sum(rule.weight for rule in mine),
        tuple(sorted((rule for rule in mine if rule.weight > 0), key=lambda rule: -rule.weight)),
        tuple(sorted((rule for rule in mine if rule.weight < 0), key=lambda rule: rule.weight)),
    )


def _reason(rule: Rule) -> dict[str, Any]:
    return {"rule": rule.id, "weight": rule.weight, "because": rule.because, "source": rule.source}
