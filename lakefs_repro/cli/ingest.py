"""``ingest``: make files the next version of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lakefs_repro.cli.connection import open_lake, where_of
from lakefs_repro.cli.git import code_of
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.page import Column
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import counted, short, size
from lakefs_repro.errors import InvalidError, NotFoundError, RejectedError

if TYPE_CHECKING:
    from lakefs_repro.api.config import Config
    from lakefs_repro.api.lake import Lake
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.model.table_report import ValidationReport
    from lakefs_repro.snapshot.request import IngestRequest, IngestResult

__all__ = ["Ingested", "command"]

_STATE: Final = (
    "main holds the whole new version or none of it; what was uploaded stays, and the same command goes on from there."
)
_BEFORE_THE_MERGE: Final = ("contract-violated", "shrinks-too-much")
_UNTOUCHED: Final = "Nothing was published: main and the versions are as they were."
_LONGEST_QUERY: Final = 16 << 20
_SHOWN: Final = 100
_COLUMNS = (Column("file"), Column("column"), Column("rule"), Column("rows", right=True), Column("what"),
            Column("such as"))  # fmt: skip


class Ingested(Result):
    """What became of an ingest."""

    def __init__(self, where: Where, result: IngestResult) -> None:
        self.where: Where = where
        self._result = result
        name = f"{result.dataset}@{result.version}"
        self.next = "" if result.outcome == "planned" else f"lakefs-repro show {name}"

    def data(self) -> Mapping[str, Any]:
        return self._result.to_json()

    def show(self, page: Page) -> None:
        result = self._result
        page.line(self._headline(), strong=True)
        changes = f"{result.added:,} added, {result.changed:,} changed, {result.removed:,} removed"
        sent = f"{counted(result.uploaded, 'file')}, {size(result.uploaded_bytes)}"
        rows = f", {counted(result.rows, 'row')}" if result.rows else ""
        page.fields(
            [
                ("digest", short(result.digest)),
                ("content", f"{counted(result.files, 'file')}, {size(result.bytes)}{rows}"),
                ("files", changes if result.outcome != "unchanged" else ""),
                ("left out", counted(result.excluded, "file") if result.excluded else ""),
                ("uploaded", sent if result.outcome in ("created", "resumed") else ""),
                ("commit", short(result.commit)),
                ("in", str(self.where)),
            ]
        )
        for note in result.notes:
            page.line(f"  note: {note}")

    def _headline(self) -> str:
        result = self._result
        name = f"{result.dataset}@{result.version}"
        after = f", after {result.previous}" if result.previous else ", its first version"
        return {
            "created": f"{name} created{after}",
            "resumed": f"{name} completed{after}: an interrupted ingest was taken up again",
            "unchanged": f"{name} holds exactly this already; nothing was done",
            "planned": f"{name} would be created{after}; nothing was done",
        }[result.outcome]


@click.command("ingest", short_help="Make files the next version of a dataset.")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dataset", metavar="NAME", help="The dataset; may be left out when the configuration has just one.")
@click.option("--version", metavar="X.Y.Z", help="The exact version to make.")
@click.option("--bump", type=click.Choice(["major", "minor", "patch"]), help="Which part to raise; minor by default.")
@click.option("--mode", type=click.Choice(["replace", "append"]), default="replace", show_default=True,
              help="Make the dataset equal to SOURCE, or only add to it.")  # fmt: skip
@click.option("--contract", metavar="FILE", type=click.Path(path_type=Path),
              help="The contract to hold the data to, instead of the captured one.")  # fmt: skip
@click.option("--input", "inputs", metavar="REF", multiple=True,
              help="A snapshot that this data was made from; repeatable.")  # fmt: skip
@click.option("--query-file", metavar="FILE", type=click.Path(path_type=Path), help="The query that made the data.")
@click.option("--job", metavar="NAME", default="", help="The job that made the data.")
@click.option("--exclude", metavar="GLOB", multiple=True, help="Files to leave out; repeatable.")
@click.option("--under", metavar="FOLDER", default="", help="A folder in the dataset for the files: month=4.")
@click.option("--allow-shrink", is_flag=True, help="Let --mode replace remove more than half of the files.")
@click.option("-m", "--message", metavar="TEXT", default="", help="The commit's message.")
@click.option("--dry-run", is_flag=True, help="Hash, compare and validate; publish nothing.")
@answering(state=_STATE)
def command(
    talk: Conversation,
    *,
    sources: tuple[Path, ...],
    dataset: str | None,
    contract: Path | None,
    inputs: tuple[str, ...],
    query_file: Path | None,
    exclude: tuple[str, ...],
    **said: Any,
) -> Ingested:
    """Make SOURCE, a folder or files, the next version of a dataset.

    The files are validated against the dataset's contract; only then does main change, at once. A file that is there
    already is not sent again, and a source equal to the latest version makes no version. Interrupted at any moment,
    the same command goes on where it was.

    \b
    Examples:
      lakefs-repro ingest data/flights --dataset flights
      lakefs-repro ingest april.csv --dataset flights --mode append --under month=4 -m "April"
    """  # noqa: D301 - \b is click's mark for lines to keep
    lake = open_lake(talk)
    name = dataset or only_dataset(lake.config)
    code, dirty = code_of(Path.cwd())
    request = replace(
        lake.request(name, sources, contract=contract, inputs=inputs, exclude=exclude),
        query=_query(query_file) if query_file else "",
        code=code,
        code_dirty=dirty,
        **said,
    )
    return Ingested(where_of(lake), _run(talk, lake, request))


def only_dataset(config: Config) -> str:
    """The dataset that is meant when none is named."""
    names = list(config.project.datasets)
    if len(names) == 1:
        return names[0]
    said = f"The configuration names {', '.join(names)}" if names else "The configuration names no dataset"
    raise InvalidError(f"{said}: which one is meant?", hint="say --dataset NAME", kind="dataset-needed")


def _run(talk: Conversation, lake: Lake, request: IngestRequest) -> IngestResult:
    try:
        return lake.run_ingest(request)
    except RejectedError as error:
        report: ValidationReport | None = getattr(error, "report", None)
        if report is not None and not talk.json:
            talk.show(lambda page: _show_violations(page, request.dataset, report))
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
