"""Showing a plan and having it agreed to, before anything is changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lakefs_repro.cli.text import counted
from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation

__all__ = ["agree"]


def agree(talk: Conversation, plan: Sequence[str], *, agreed: bool, command: str) -> None:
    """Show the plan and have it agreed to; ``command`` is what shows it again.

    Raises:
        InvalidError: nobody is there to agree, or the answer is no.
    """
    for step in plan:
        talk.say(f"plan: {step}")
    if agreed:
        return
    if not talk.can_ask:
        raise InvalidError(
            f"{counted(len(plan), 'repair')} would be done, and nobody is here to agree. Nothing was changed.",
            hint=f"{command} --repair --yes",
            kind="not-agreed",
        )
    if not talk.agrees("Do this?", default=False):
        raise InvalidError("Nothing was changed.", hint=f"{command} shows it again", kind="not-agreed")
