"""What a team answered: one frozen value, whatever it was typed as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from lakefs_repro.advice.amounts import count_of, days_of, parse_count, parse_days, parse_size, size_of
from lakefs_repro.advice.questions import BY_FIELD, QUESTIONS, Question
from lakefs_repro.errors import InvalidError

__all__ = ["Answers", "parse_answer", "parse_answers", "shown"]

_AMOUNTS: Final[Mapping[str, Callable[[str], int]]] = {"size": parse_size, "count": parse_count, "days": parse_days}


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to :data:`QUESTIONS`; each attribute is described there.

    Attributes:
        volume: bytes; ``growth`` is bytes a month.
        versions: named states a month.
        keep: days.
        assumed: the fields that nobody answered; they hold the question's default.
    """

    storage: str
    volume: int
    growth: int
    files: int
    arrival: str
    versions: int
    writers: tuple[str, ...]
    data_format: str
    reproduce: tuple[str, ...]
    exactness: str
    keep: int
    people: int
    machines: int
    compliance: tuple[str, ...]
    tools: tuple[str, ...]
    ci: str
    server: str
    assumed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Field by field; ``assumed`` last."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def parse_answers(typed: Mapping[str, str | None]) -> Answers:
    """The answers as they were typed, by field; what is missing or None is assumed.

    Raises:
        InvalidError: one can't be read (kind ``bad-answer``); the flag is named.
    """
    values: dict[str, Any] = {}
    for question in QUESTIONS:
        text = typed.get(question.field)
        values[question.field] = parse_answer(question, question.default if text is None else text)
    return Answers(**values, assumed=tuple(q.field for q in QUESTIONS if typed.get(q.field) is None))


def parse_answer(question: Question, text: str) -> Any:
    """One answer.

    Raises:
        InvalidError: it is none that the question takes (kind ``bad-answer``).
    """
    parse = _AMOUNTS.get(question.kind)
    try:
        return parse(text) if parse else _chosen(question, text)
    except InvalidError as error:
        raise InvalidError(f"{question.flag}: {error.message}", hint=error.hint, kind="bad-answer") from error


def shown(answers: Answers, field: str) -> str:
    """An answer as people read it."""
    question, value = BY_FIELD[field], getattr(answers, field)
    if question.kind == "size":
        return size_of(value)
    if question.kind == "days":
        return days_of(value)
    if question.kind == "count":
        return f"{value:,}"
    words = dict(question.choices)
    return "; ".join(words[word] for word in ([value] if isinstance(value, str) else value))


def told(answers: Answers) -> str:
    """The data in a line: ``2 TB in 40,000 files``."""
    return f"{size_of(answers.volume)} in {count_of(answers.files, 'file')}"


def _chosen(question: Question, text: str) -> str | tuple[str, ...]:
    known = [word for word, _ in question.choices]
    words = [word for word in text.lower().replace(",", " ").split() if word]
    unknown = [word for word in words if word not in known]
    several = question.kind == "several"
    if unknown or not words or (len(words) > 1 and not several):
        how = "one or more of, with commas between" if several else "one of"
        raise InvalidError(f"{text!r} is no answer.", hint=f"write {how}: {', '.join(known)}", kind="bad-answer")
    if not several:
        return words[0]
    chosen = tuple(word for word in known if word in words)  # in the table's order, so that equal answers are equal
    if "none" in chosen and len(chosen) > 1:
        raise InvalidError(f"{text!r} says none and some.", hint="leave none out", kind="bad-answer")
    return chosen
