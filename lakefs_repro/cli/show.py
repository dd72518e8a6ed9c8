"""``show``: what a snapshot is: schema, statistics, lineage, files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from lakefs_repro.cli.connection import open_lake, where_of
from lakefs_repro.cli.options import answering, dataset_of_ref
from lakefs_repro.cli.page import Column
from lakefs_repro.cli.release import ShownRelease
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import counted, moment, short, size
from lakefs_repro.errors import InvalidError
from lakefs_repro.model.ref import named_release

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.lake.values import Commit
    from lakefs_repro.model.annotation import Input
    from lakefs_repro.model.entry import Entry
    from lakefs_repro.model.table import ColumnStatistics
    from lakefs_repro.snapshot.snapshot import Snapshot

__all__ = ["Checksums", "Shown", "command"]

_EXTERNAL: Final = "yes: its bytes lie outside the repository's storage, where they can change or go"
_QUERY_LINES: Final = 12
_COLUMNS = (Column("column"), Column("type"), Column("in the files"), Column("nulls", right=True), Column("min"),
            Column("max"))  # fmt: skip
_INPUTS = (Column("made from"), Column("digest"), Column("asked for as"))
_FILES = "{sha256:.12}  {size:>13,}  {path}"


class Shown(Result):
    """A snapshot, described."""

    def __init__(self, where: Where, ref: str, snapshot: Snapshot, commit: Commit, *, files: bool) -> None:
        self.where: Where = where
        self._ref = ref
        self._snapshot = snapshot
        self._commit = commit
        self._files = files
        said = snapshot.annotation
        whole = snapshot.whole
        self._count = said.files if whole else len(snapshot.files)
        self._bytes = said.bytes if whole else snapshot.size
        self._statistics = snapshot.statistics
        self._rows = said.rows if whole else sum(table.rows for table in self._statistics)
        self._schema = snapshot.schema

    @property
    def _by(self) -> str:
        return self._snapshot.annotation.extra.get("repro.by") or self._commit.committer

    def data(self) -> Mapping[str, Any]:
        snapshot = self._snapshot
        described = {
            "ref": self._ref,
            "dataset": snapshot.dataset,
            "version": snapshot.version,
            "partition": dict(snapshot.partition),
            "under": snapshot.under,
            "digest": snapshot.digest,
            "part_digest": snapshot.part_digest,
            "commit": snapshot.commit,
            "ingest_commit": snapshot.ingest_commit,
            "created": self._commit.created.isoformat(),
            "by": self._by,
            "message": self._commit.message,
            "external": snapshot.external,
            "files": self._count,
            "bytes": self._bytes,
            "rows": self._rows,
            "schema": [table.to_json() for table in self._schema],
            "statistics": [table.to_json() for table in self._statistics],
            "annotation": asdict(snapshot.annotation),
        }
        return {**described, "entries": self._entries()} if self._files else described

    def show(self, page: Page) -> None:
        snapshot, said = self._snapshot, self._snapshot.annotation
        page.line(str(snapshot), strong=True)
        rows = f", {counted(self._rows or 0, 'row')}" if self._rows or self._schema else ""
        page.fields(
            [
                ("digest", snapshot.digest),
                ("of this part", "" if snapshot.whole else snapshot.part_digest),
                ("content", f"{counted(self._count, 'file')}, {size(self._bytes)}{rows}"),
                ("created", f"{moment(self._commit.created)} by {self._by}"),
                ("message", self._commit.message),
                ("after", f"{said.dataset}@{said.previous}" if said.previous else ""),
                ("content of", f"{said.dataset}@{said.rolled_back_to}" if said.rolled_back_to else ""),
                ("code", f"{said.code}{' (with changes)' if said.code_dirty else ''}" if said.code else ""),
                ("job", said.job),
                ("external", _EXTERNAL if snapshot.external else ""),
                ("hashed by", said.sha256_by if said.sha256_by != "client" else ""),
                ("contract", short(said.schema)),
                ("commit", snapshot.commit),
                ("in", str(self.where)),
            ]
        )
        self._show_inputs(page, said.inputs, said.inputs_omitted)
        self._show_query(page, said.query)
        self._show_tables(page)
        if self._files:
            page.line()
            for entry in snapshot.files:
                page.line(_FILES.format(sha256=entry.sha256, size=entry.size, path=entry.path))

    def _entries(self) -> Iterator[dict[str, Any]]:
        return ({"path": e.path, "size": e.size, "sha256": e.sha256} for e in self._snapshot.files)

    def _show_inputs(self, page: Page, inputs: tuple[Input, ...], omitted: int) -> None:
        if not inputs:
            return
        page.line()
        named = ((f"{i.dataset}@{i.version or short(i.commit)}" if i.dataset else i.ref, short(i.digest), i.ref)
                 for i in inputs)  # fmt: skip
        page.table(_INPUTS, named)
        if omitted:
            page.line(f"and {counted(omitted, 'more input')}; the ledger has them all")

    def _show_query(self, page: Page, query: str) -> None:
        lines = query.splitlines()
        if not lines:
            return
        page.line()
        page.line("query", strong=True)
        for line in lines[:_QUERY_LINES]:
            page.line(f"  {line}")
        if len(lines) > _QUERY_LINES:
            page.line(f"  … {counted(len(lines) - _QUERY_LINES, 'more line')}; --json has them")

    def _show_tables(self, page: Page) -> None:
        known = {table.table: table for table in self._statistics}
        for schema in self._schema:
            statistics = known.get(schema.table)
            page.line()
            much = f": {counted(statistics.rows, 'row')} in {counted(statistics.files, 'file')}" if statistics else ""
            page.line(f"table {schema.table}{much}", strong=True)
            columns = {column.name: column for column in statistics.columns} if statistics else {}
            page.table(
                _COLUMNS,
                (
                    (column.name, column.logical_type, column.physical_type, *_facts(columns.get(column.name)))
                    for column in schema.columns
                ),
            )


def _facts(column: ColumnStatistics | None) -> tuple[str, str, str]:
    if column is None:
        return "", "", ""
    if column.withheld:
        return f"{column.nulls:,}", "(withheld)", "(withheld)"
    low, high = ("" if value is None else str(value) for value in (column.minimum, column.maximum))
    return f"{column.nulls:,}", low, high


class Checksums(Result):
    """The files as lines that ``sha256sum -c`` takes, and nothing else."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = entries

    def data(self) -> Mapping[str, Any]:
        raise InvalidError(
            "--sha256sum is no JSON.", hint="show REF --files --json has the hashes", kind="contradicting-options"
        )

    def show(self, page: Page) -> None:
        from lakefs_repro.model.entry import sha256sum_lines  # noqa: PLC0415 - not for --help

        for line in sha256sum_lines(self._entries):
            page.exactly(line)


@click.command("show", short_help="Show a snapshot: schema, statistics, lineage, files.")
@click.argument("ref")
@dataset_of_ref
@click.option("--files", is_flag=True, help="Every file too, with size and SHA-256.")
@click.option("--sha256sum", is_flag=True, help="Nothing but lines for `sha256sum -c`, relative to the dataset.")
@answering()
def command(talk: Conversation, *, ref: str, dataset: str | None, files: bool, sha256sum: bool) -> Result:
    """Show what REF is: schema, statistics, annotation, who made it and when, and what it was made from.

    \b
    Examples:
      lakefs-repro show flights
      lakefs-repro show release:2024-q3
      lakefs-repro show flights@1.0.0 --sha256sum | (cd restored && sha256sum -c)
    """  # noqa: D301 - \b is click's mark for lines to keep
    lake = open_lake(talk)
    talk.progress.step("look")
    name = named_release(ref) if dataset is None else None
    if name is not None:
        release = lake.find_release(name)
        return Checksums(release.contents.files) if sha256sum else ShownRelease(where_of(lake), release, files=files)
    snapshot = lake.snapshot(ref, dataset=dataset)
    if sha256sum:
        talk.note(f"{snapshot} in {where_of(lake)}")
        return Checksums(snapshot.files)
    commit = lake.context.repository.commits.get(snapshot.commit)
    return Shown(where_of(lake), ref, snapshot, commit, files=files)
