"""The rules themselves: data that can be read, each with a source that exists."""

from pathlib import Path

import pytest

from lakefs_repro.advice.answers import parse_answers
from lakefs_repro.advice.approaches import BY_NAME
from lakefs_repro.advice.questions import BY_FIELD
from lakefs_repro.advice.rule import VETO, at_least, below, is_, not_
from lakefs_repro.advice.rules import RULES

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_whole(rule):
    assert rule.approach in BY_NAME
    assert rule.id.startswith(f"{rule.approach}-")
    assert rule.because[0].isupper() or rule.because.startswith("dvc repro ")
    assert rule.because.endswith(".")
    assert rule.weight == VETO or 1 <= abs(rule.weight) <= 10
    for condition in rule.when:
        question = BY_FIELD[condition.field]
        if condition.op in {"is", "is not"}:
            assert condition.words
            assert set(condition.words) <= {word for word, _ in question.choices}
        else:
            assert not question.choices
            assert condition.amount > 0


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_names_its_source(rule):
    if not rule.source.startswith("https://"):
        assert (ROOT / rule.source).is_file()


def test_ids_are_unique():
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_conditions():
    answers = parse_answers({"storage": "s3", "writers": "people,spark", "volume": "1TB"})
    assert is_("storage", "s3", "gcs").holds(answers)
    assert not is_("storage", "gcs").holds(answers)
    assert is_("writers", "spark").holds(answers)
    assert not not_("writers", "spark", "vendors").holds(answers)
    assert not_("writers", "vendors").holds(answers)
    assert at_least("volume", 10**12).holds(answers)
    assert not below("volume", 10**12).holds(answers)


def test_every_rule_can_hold():
    """A rule whose conditions contradict each other, or can't be met, says nothing to anybody."""
    for rule in RULES:
        typed = {}
        for condition in rule.when:
            if condition.op == "is":
                typed[condition.field] = condition.words[0]
            elif condition.op == "is not":
                words = [word for word, _ in BY_FIELD[condition.field].choices if word not in condition.words]
                typed[condition.field] = words[0]
            elif condition.op == "at least":
                typed[condition.field] = _typed(condition.field, condition.amount)
            else:
                typed.setdefault(condition.field, _typed(condition.field, condition.amount - 1))
        assert rule.holds(parse_answers(typed)), rule.id


def _typed(field, amount):
    return f"{amount}d" if BY_FIELD[field].kind == "days" else str(amount)
