"""The questions of the advice as options, and as a conversation on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lakefs_repro.advice.amounts import parse_price, parse_share
from lakefs_repro.advice.answers import Answers, parse_answer, parse_answers
from lakefs_repro.advice.approaches import APPROACHES
from lakefs_repro.advice.questions import BY_FIELD, QUESTIONS, Question
from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from lakefs_repro.advice.cost import Estimate
    from lakefs_repro.cli.conversation import Conversation

__all__ = ["answer_options", "answered", "ask_answers", "estimated", "typed_answers"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_METAVARS: Final = {"one": "WORD", "several": "WORDS", "size": "SIZE", "count": "N", "days": "SPAN"}
_EXAMPLES: Final = {"size": "500MB, 2TB", "count": "12, 20k", "days": "30d, 18m, 7y"}
_HELP: Final = ("?", "help")


def answer_options(function: Decorated) -> Decorated:
    """Add an option for every question, and those that the estimate and the choice take."""
    function = click.option(
        "--approach",
        type=click.Choice([approach.name for approach in APPROACHES]),
        help="Plan for this one, whatever is recommended.",
    )(function)
    function = click.option("--price", metavar="USD", help="What a GB costs a month, instead of the list price.")(
        function
    )
    function = click.option(
        "--changed", metavar="PERCENT", help="How much of what is there each version rewrites, for the estimate."
    )(function)
    for question in reversed(QUESTIONS):
        function = click.option(question.flag, question.field, metavar=_METAVARS[question.kind], help=_help(question))(
            function
        )
    return function


def typed_answers(values: dict[str, Any]) -> dict[str, str | None]:
    """Take the questions' options out of a command's values."""
    return {field: values.pop(field) for field in BY_FIELD}


def answered(talk: Conversation, typed: Mapping[str, str | None]) -> Answers:
    """The answers: those typed as options, those given now where somebody sits there, and defaults for the rest.

    Raises:
        InvalidError: an option's answer is none (kind ``bad-answer``).
    """
    answers = parse_answers(typed)  # complains of options before anything is asked
    if not answers.assumed or not talk.can_ask:
        return answers
    return parse_answers(ask_answers(talk, typed))


def ask_answers(talk: Conversation, typed: Mapping[str, str | None]) -> dict[str, str | None]:
    """Ask what was not typed; the answers as they would be typed."""
    open_ones = [question for question in QUESTIONS if typed.get(question.field) is None]
    talk.say(f"{len(open_ones)} questions; Enter takes what stands in brackets, ? says why it is asked.")
    given = dict(typed)
    for number, question in enumerate(open_ones, 1):
        talk.say("")
        talk.say(f"{number}/{len(open_ones)}  {question.text}")
        width = max((len(word) for word, _ in question.choices), default=0)
        for word, meaning in question.choices:
            talk.say(f"      {word:<{width}}  {meaning}")
        given[question.field] = _ask(talk, question)
    return given


def estimated(answers: Answers, changed: str | None, price: str | None) -> Estimate:
    """What the versions would cost.

    Raises:
        InvalidError: ``changed`` is no percentage, or ``price`` no amount of money (kind ``bad-answer``).
    """
    from lakefs_repro.advice.cost import estimate, inputs_of  # noqa: PLC0415 - not for --help

    share = None if changed is None else parse_share(changed)
    cost = None if price is None else parse_price(price)
    return estimate(inputs_of(answers, changed=share, price=cost))


def _ask(talk: Conversation, question: Question) -> str:
    hint = _EXAMPLES.get(question.kind) or (
        "one or more, with commas" if question.kind == "several" else "one of these"
    )
    while True:
        said = talk.ask(f"      {question.field.replace('_', '-')} ({hint})", default=question.default)
        if said.strip().lower() in _HELP:
            talk.say(f"      {question.why}")
            continue
        try:
            parse_answer(question, said)
        except InvalidError as error:
            talk.say(f"      {error.message.partition(': ')[2]} {error.hint}")
        else:
            return said


def _help(question: Question) -> str:
    if question.choices:
        words = ", ".join(word for word, _ in question.choices)
    else:
        words = f"Such as {_EXAMPLES[question.kind]}"
    return f"{question.text} {words}; by default {question.default}."
