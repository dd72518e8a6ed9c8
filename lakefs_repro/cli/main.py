"""The ``lakefs-repro`` command: which commands there are, and what becomes of what they raise."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, Final, NoReturn

import click

from lakefs_repro import __version__
from lakefs_repro.cli.conversation import Conversation
from lakefs_repro.cli.exits import Exit
from lakefs_repro.cli.lazy import Entry, LazyGroup
from lakefs_repro.cli.options import manners

__all__ = ["NAME", "main", "root"]

NAME: Final = "lakefs-repro"

_DATA: Final = "Versions of data"
_SUPPORT: Final = "This machine and the server"

COMMANDS: Final = {
    "init": Entry("init", "Set up a project in this folder.", _DATA),
    "ingest": Entry("ingest", "Make files the next version of a dataset.", _DATA),
    "list": Entry("list", "List the versions of datasets.", _DATA),
    "log": Entry("log", "Show the history of a dataset.", _DATA),
    "show": Entry("show", "Show a snapshot: schema, statistics, lineage, files.", _DATA),
    "diff": Entry("diff", "Show what changed between two snapshots.", _DATA),
    "verify": Entry("verify", "Prove that a snapshot's data is there and right.", _DATA),
    "restore": Entry("restore", "Put a snapshot into a folder, or make it the newest version.", _DATA),
    "branch": Entry("branch", "Hand out branches for others to write to, and finish them.", _DATA),
    "hash": Entry("hash", "Hash a share of what others wrote, on many workers at once.", _DATA),
    "release": Entry("release", "Release versions of several datasets as one.", _DATA),
    "advise": Entry("advise", "Say which approach to data versioning fits, and why.", _DATA),
    "doctor": Entry("doctor", "Look everything over, and repair what can be.", _SUPPORT),
    "quickstart": Entry("quickstart", "See it all on real data, in a folder of its own.", _SUPPORT),
    "server": Entry("server", "Start, stop or look at the embedded engine.", _SUPPORT),
}


class Root(LazyGroup):
    """The whole command line; errors become a paragraph and an exit code here, and nowhere else."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> NoReturn:  # type: ignore[override]  # it never returns
        typed = list(sys.argv[1:] if args is None else args)
        conversation = Conversation()
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a path must not fail for a terminal that lacks its letters
                stream.reconfigure(errors="backslashreplace")
        try:
            extra = {**extra, "standalone_mode": False, "obj": conversation}
            code = super().main(args=typed, prog_name=prog_name or NAME, **extra)
            sys.stdout.flush()
        except click.ClickException as error:
            # What can't be parsed may hide an option that was meant to hold for the answer.
            conversation.json = conversation.json or "--json" in typed
            code = conversation.misused(error)
        except (click.Abort, KeyboardInterrupt):
            code = conversation.fail(KeyboardInterrupt())
        except Exception as error:  # noqa: BLE001 - the last one who can turn it into words
            code = conversation.fail(error)
        if code == Exit.BROKEN_PIPE:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(int(code or 0))


@click.group(
    NAME,
    cls=Root,
    entries=COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 done, 1 the check said no, 2 usage or configuration, 3 not found, 4 server unreachable or "
    "refused, 5 conflict.",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
@manners
def root(context: click.Context) -> None:
    """Make any model reproducible from its exact training data, on top of lakeFS."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> NoReturn:
    """The console script."""
    root.main()


if __name__ == "__main__":
    main()
