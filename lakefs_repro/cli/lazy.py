"""A group of commands whose modules are loaded when they are called, so that ``--help`` costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import click

_HOME: Final = "lakefs_repro.cli"


@dataclass(frozen=True, slots=True)
class Entry:
    """A command as ``--help`` of the group shows it.

    Args:
        module: below ``lakefs_repro.cli``; it holds a :class:`click.Command` named ``command``.
        help: a line.
        section: the heading that it stands under.
    """

    module: str
    help: str
    section: str


class LazyGroup(click.Group):
    """A group that knows its commands by name and a line of help.

    Args:
        entries: the commands in the order of ``--help``.
    """

    def __init__(self, *args: Any, entries: Mapping[str, Entry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = import_module(f"{_HOME}.{entry.module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for section in dict.fromkeys(entry.section for entry in self.entries.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, entry.help) for name, entry in self.entries.items() if entry.section == section]
                )
