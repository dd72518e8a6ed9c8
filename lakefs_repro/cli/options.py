"""What every command takes and how it answers: the options, and the way from a function to its exit code."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lakefs_repro.cli.conversation import NOTHING_CHANGED, Conversation

if TYPE_CHECKING:
    from lakefs_repro.cli.result import Result

__all__ = ["answering", "dataset_of_ref", "manners"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


dataset_of_ref = click.option(
    "--dataset", metavar="NAME", help="The dataset that is meant where REF is a branch or commit with several."
)


def manners(function: Decorated) -> Decorated:
    """Add ``--json``, ``--quiet`` and ``--debug``, which hold before and after a command's name alike."""
    for name, text in (
        ("debug", "Show steps, and tracebacks of errors."),
        ("quiet", "Results and errors only: no progress, no hints."),
        ("json", "One JSON document on stdout, errors too."),
    ):
        function = click.option(
            f"--{name}", is_flag=True, expose_value=False, is_eager=True, callback=_remember, help=text
        )(function)
    return function


def answering(*, state: str = NOTHING_CHANGED) -> Callable[[Callable[..., Result]], Callable[..., None]]:
    """Make a function that takes the conversation and returns a result into one for :func:`click.command`.

    Args:
        state: what state things are in when it is cut off in the middle, and what to do then.
    """

    def decorate(function: Callable[..., Result]) -> Callable[..., None]:
        @click.pass_context
        def run(context: click.Context, /, **values: Any) -> None:
            conversation = context.ensure_object(Conversation)
            conversation.state = state
            context.exit(conversation.answer(function(conversation, **values)))

        return manners(update_wrapper(run, function))

    return decorate


def _remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's call
    if value and parameter.name:
        setattr(context.ensure_object(Conversation), parameter.name, True)
