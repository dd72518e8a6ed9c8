"""What ``ingest`` and ``branch finish`` share: the options of a publication, its request, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lakefs_repro.cli.git import code_of
from lakefs_repro.cli.page import Column
from lakefs_repro.cli.text import counted
from lakefs_repro.errors import InvalidError, NotFoundError, RejectedError

if TYPE_CHECKING:
    from lakefs_repro.api.lake import Lake
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.ingest.request import IngestRequest
    from lakefs_repro.model.table_report import ValidationReport

__all__ = ["STATE", "publish", "publishing", "requested"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Done = TypeVar("Done")

STATE: Final = (
    "main holds the whole new version or none of it; what was uploaded stays, and the same command goes on from there."
)
_BEFORE_THE_MERGE: Final = ("contract-violated", "shrinks-too-much")
_UNTOUCHED: Final = "Nothing was published: main and the versions are as they were."
_LONGEST_QUERY: Final = 16 << 20
_SHOWN: Final = 100
_COLUMNS = (Column("file"), Column("column"), Column("rule"), Column("rows", right=True), Column("what"),
            Column("such as"))  # fmt: skip
_FILE = click.Path(path_type=Path)

_OPTIONS: Final = (
    click.option("--version", metavar="X.Y.Z", help="The exact version to make."),
    click.option("--bump", type=click.Choice(["major", "minor", "patch"]),
                 help="Which part to raise; minor by default."),
    click.option("--contract", metavar="FILE", type=_FILE,
                 help="The contract to hold the data to, instead of the captured one."),
    click.option("--input", "inputs", metavar="REF", multiple=True,
                 help="A snapshot that this data was made from; repeatable."),
    click.option("--query-file", metavar="FILE", type=_FILE, help="The query that made the data."),
    click.option("--job", metavar="NAME", default="", help="The job that made the data."),
    click.option("--exclude", metavar="GLOB", multiple=True, help="Files to leave out; repeatable."),
    click.option("--allow-shrink", is_flag=True, help="Let more than half of the files be removed."),
    click.option("-m", "--message", metavar="TEXT", default="", help="The commit's message."),
    click.option("--dry-run", is_flag=True, help="Hash, compare and validate, or plan a bucket; publish nothing."),
)  # fmt: skip


def publishing(function: Decorated) -> Decorated:
    """Add the options that every way to a new version has."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def requested(lake: Lake, dataset: str, sources: Iterable[Path], said: Mapping[str, Any]) -> IngestRequest:
    """The request that options of :func:`publishing`, and further fields of a request, ask for."""
    more = dict(said)
    query_file: Path | None = more.pop("query_file")
    code, dirty = code_of(Path.cwd())
    request = lake.request(
        dataset, sources, contract=more.pop("contract"), inputs=more.pop("inputs"), exclude=more.pop("exclude")
    )
    query = _query(query_file) if query_file else ""
    return replace(request, query=query, code=code, code_dirty=dirty, **more)


def publish(talk: Conversation, dataset: str, act: Callable[[], Done]) -> Done:
    """Publish, and show people each place where the data breaks its contract."""
    try:
        return act()
    except RejectedError as error:
        report: ValidationReport | None = getattr(error, "report", None)
        if report is not None and not talk.json:
            talk.show(lambda page: _show_violations(page, dataset, report))
        if error.kind in _BEFORE_THE_MERGE:
            error.message += f" {_UNTOUCHED}"
        raise


def _show_violations(page: Page, dataset: str, report: ValidationReport) -> None:
    count = len(report.violations) + report.omitted
    page.line(f"{dataset} breaks its contract in {counted(count, 'place')}", strong=True)
    page.table(
        _COLUMNS,
        (
            (
                v.file or f"table {v.table}",
                v.column,
                v.rule if v.severity == "error" else f"{v.rule} (warning)",
                f"{v.rows:,}" if v.rows else "",
                v.message,
                ", ".join(v.examples),
            )
            for v in report.violations[:_SHOWN]
        ),
    )
    if count > _SHOWN:
        page.line(f"and {counted(count - _SHOWN, 'more place')}")


def _query(file: Path) -> str:
    try:
        if file.stat().st_size > _LONGEST_QUERY:
            raise InvalidError(f"{file} is larger than 16 MiB, which no query is.", kind="bad-query-file")
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidError(f"{file} is not text in UTF-8.", kind="bad-query-file") from error
    except OSError as error:
        raise NotFoundError(f"{file} can't be read: {error.strerror}.", kind="query-file-not-found") from error
