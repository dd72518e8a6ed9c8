"""One command's talk with the person or program that called it: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any, Final

import click

from lakefs_repro import __version__
from lakefs_repro.cli.exits import Exit, exit_for
from lakefs_repro.cli.text import plain
from lakefs_repro.errors import LakefsReproError, UnavailableError

if TYPE_CHECKING:
    from lakefs_repro.cli.page import Page
    from lakefs_repro.cli.progress import Watch
    from lakefs_repro.cli.result import Result
    from lakefs_repro.ports import Progress

__all__ = ["NOTHING_CHANGED", "Conversation"]

NOTHING_CHANGED: Final = "Nothing was changed; the same command can be typed again."

# The query of a URL may be a presigned one's signature.
_QUERY = re.compile(r"(?<=\?)[^\s'\"]+")
_LONGEST: Final = 500


class Conversation:
    """How this call wants to be talked to, and the streams to do it.

    Attributes:
        json: whether stdout gets one JSON document.
        quiet: whether stderr gets errors alone.
        debug: whether tracebacks and steps are shown.
        asks: whether questions may be asked at all.
        state: what state things are in when the command is cut off in the middle.
    """

    def __init__(self) -> None:
        self.json = False
        self.quiet = False
        self.debug = False
        self.asks = True
        self.state = NOTHING_CHANGED
        self._watch: Watch | None = None

    @property
    def progress(self) -> Progress:
        """Where long work tells how far it has come."""
        if self._watch is None:
            from lakefs_repro.cli.progress import open_watch  # noqa: PLC0415 - not for --version

            self._watch = open_watch(sys.stderr, quiet=self.quiet, debug=self.debug)
        return self._watch

    @property
    def can_ask(self) -> bool:
        """Whether somebody sits there to answer questions."""
        return self.asks and sys.stdin.isatty() and sys.stderr.isatty()

    def ask(self, question: str, *, default: str | None = None, choices: Sequence[str] = ()) -> str:
        """Ask for a line; ask only when :attr:`can_ask`."""
        self._clear()
        kind = click.Choice(choices) if choices else None
        with redirect_stdout(sys.stderr):  # click writes a blank to stdout even when told to use stderr
            return str(click.prompt(question, default=default, type=kind, err=True))

    def agrees(self, question: str, *, default: bool) -> bool:
        """Ask for a yes or no; ask only when :attr:`can_ask`."""
        self._clear()
        with redirect_stdout(sys.stderr):
            return click.confirm(question, default=default, err=True)

    def answer(self, result: Result) -> Exit:
        """Write a command's result, and return its exit code."""
        self._clear()
        try:
            self._write(result)
        except BrokenPipeError:  # whoever reads has seen enough
            return Exit.BROKEN_PIPE
        if result.next:
            self.hint(result.next)
        return result.exit

    def show(self, write: Callable[[Page], None]) -> None:
        """Write to stdout, for people, what goes with an error that follows."""
        from lakefs_repro.cli.page import open_page  # noqa: PLC0415 - not for --version

        self._clear()
        write(open_page(sys.stdout))
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """A line of talk, unless it should be quiet."""
        if not self.quiet:
            self._clear()
            self._say(plain(text))

    def hint(self, text: str) -> None:
        """What to type next."""
        self.say(f"hint: {text}")

    def note(self, text: str) -> None:
        """Something worth knowing."""
        self.progress.note(text)

    def fail(self, error: BaseException) -> Exit:
        """Say what went wrong, in what state things are, and what to do; return the exit code."""
        self._clear()
        code = exit_for(error)
        kind, message, hint = self._told(error)
        if self.debug:
            traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
        if self.json:
            self._fail_json({"kind": kind, "message": message, "hint": hint, **_report(error)})
        else:
            self._say(f"error: {message}")
            if hint:
                self._say(f"hint: {hint}")
        return code

    def misused(self, error: click.ClickException) -> Exit:
        """The same for a command line that can't be understood."""
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "lakefs-repro"
        message, hint = error.format_message(), f"{path} --help"
        if self.json:
            self._fail_json({"kind": "usage", "message": message, "hint": hint})
        else:
            self._say(f"error: {plain(message)}\nhint: {hint}")
        return Exit.USAGE

    def _write(self, result: Result) -> None:
        if not self.json:
            self.show(result.show)
            return
        from lakefs_repro.cli.result import write_json  # noqa: PLC0415 - not for --version

        write_json(result.to_json(), sys.stdout)
        sys.stdout.flush()

    def _told(self, error: BaseException) -> tuple[str, str, str]:
        if isinstance(error, LakefsReproError):
            message = _without_report(error)
            if isinstance(error, UnavailableError):
                message = f"{message} {self.state}"
            return error.kind, _lines(message), _lines(error.hint)
        if isinstance(error, KeyboardInterrupt):
            return "interrupted", f"Interrupted. {self.state}", ""
        if isinstance(error, OSError):
            named = f"{error.filename}: " if error.filename else ""
            return "local-failure", plain(f"{named}{error.strerror or error}. {self.state}"), ""
        said = _QUERY.sub("…", plain(str(error)))[:_LONGEST]
        what = f"{type(error).__name__}: {said}" if said else type(error).__name__
        message = f"{what}. This is a defect of lakefs-repro {__version__}. {self.state}"
        return "internal", message, "run it again with --debug and report what it prints"

    def _fail_json(self, error: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps({"error": error}, indent=2) + "\n")
        sys.stdout.flush()

    def _say(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None


def _report(error: BaseException) -> dict[str, Any]:
    """The report of a check that said no; it holds no values of rows."""
    report: Any = getattr(error, "report", None)
    return {"report": report.to_json()} if hasattr(report, "to_json") else {}


def _without_report(error: LakefsReproError) -> str:
    """The message; where a report goes with it, the sentences before and after the report."""
    report: Any = getattr(error, "report", None)
    if not hasattr(report, "render"):
        return error.message
    return error.message.replace(f":\n{report.render()}", ".")


def _lines(text: str) -> str:
    return "\n".join(plain(line) for line in text.splitlines())
