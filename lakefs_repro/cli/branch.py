"""``branch``: hand out a branch to write to, and make what was written there a version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from lakefs_repro.cli.connection import open_lake, where_of
from lakefs_repro.cli.ingest import Ingested, only_dataset
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.page import Column
from lakefs_repro.cli.publishing import STATE, publish, publishing, requested
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import moment, short

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.ingest.branch.opened import Finished, OpenBranch
    from lakefs_repro.ingest.branch.roads_in import RoadsIn

__all__ = ["Branches", "FinishedBranch", "OpenedBranch", "command"]

_COLUMNS: Final = (Column("branch"), Column("dataset"), Column("began at"), Column("head"), Column("committed"),
                   Column("note"))  # fmt: skip
_NO_GATEWAY: Final = "The embedded engine has no S3 gateway: Spark's s3a, deltalake and DuckDB need a lakeFS server."


class OpenedBranch(Result):
    """A branch to write to, and how."""

    def __init__(self, where: Where, opened: OpenBranch, roads: RoadsIn) -> None:
        self.where: Where = where
        self._opened = opened
        self._roads = roads
        self.next = f"write, then: {self._finish}"

    @property
    def _finish(self) -> str:
        return f"lakefs-repro branch finish {self._opened.branch} --commit-staged"

    def data(self) -> Mapping[str, Any]:
        opened, roads = self._opened, self._roads
        options: dict[str, Any] = {"fsspec": roads.fsspec}
        if roads.gateway:
            options |= {"spark": dict(roads.spark), "deltalake": dict(roads.deltalake), "duckdb": roads.duckdb}
        return {
            "dataset": opened.dataset,
            "branch": opened.branch,
            "commit": opened.commit,
            "version": opened.version,
            "uris": dict(roads.uris),
            "gateway": roads.gateway or None,
            "options": options,
            "finish": self._finish,
        }

    def show(self, page: Page) -> None:
        opened, roads = self._opened, self._roads
        began = f"holds {opened.dataset}@{opened.version}" if opened.version else "is empty"
        page.line(f"{opened.branch} {began}; write below", strong=True)
        for uri in roads.uris.values():
            page.line(f"  {uri}")
        page.line()
        _section(page, "pandas, pyarrow, dask (pip install lakefs-spec, which reads LAKECTL_*)", [roads.fsspec])
        if roads.gateway:
            _section(page, "Spark", [f"--conf {name}={value}" for name, value in roads.spark.items()])
            options = ", ".join(f"{json.dumps(name)}: {_python(value)}" for name, value in roads.deltalake.items())
            table = f'write_deltalake("{roads.uri("s3")}", table, storage_options={{{options}}})'
            _section(page, "deltalake, polars", ["import os", table])
            _section(page, "DuckDB (its command line, 1.3 or later)", [roads.duckdb])
            page.line(f"The S3 gateway is taken to answer at {roads.gateway}; --gateway URL names another address.")
        else:
            page.line(_NO_GATEWAY)
        page.line(f"in {self.where}")


class FinishedBranch(Ingested):
    """What became of a branch's data, and of the branch."""

    def __init__(self, where: Where, finished: Finished) -> None:
        super().__init__(where, finished.result)
        self._finished = finished

    def data(self) -> Mapping[str, Any]:
        finished = self._finished
        return {**super().data(), "branch": finished.branch, "deleted": finished.deleted, "kept": finished.kept}

    def show(self, page: Page) -> None:
        super().show(page)
        finished = self._finished
        if finished.deleted:
            page.line(f"  {finished.branch} was deleted: its work is done")
        elif finished.kept:
            page.line(f"  {finished.branch} was kept: {finished.kept}")


class Branches(Result):
    """The branches that were handed out."""

    def __init__(self, where: Where, branches: tuple[OpenBranch, ...]) -> None:
        self.where: Where = where
        self._branches = branches

    def data(self) -> Mapping[str, Any]:
        return {
            "branches": [
                {
                    "dataset": each.dataset,
                    "branch": each.branch,
                    "commit": each.commit,
                    "version": each.version,
                    "written": each.written.isoformat() if each.written else None,
                    "staged": each.staged,
                }
                for each in self._branches
            ]
        }

    def show(self, page: Page) -> None:
        if self._branches:
            page.table(_COLUMNS, map(_row, self._branches))
        else:
            page.line("No branch is open.")
        page.line(f"in {self.where}")


def _row(branch: OpenBranch) -> tuple[str, ...]:
    return (
        branch.branch,
        branch.dataset,
        f"{branch.dataset}@{branch.version}" if branch.version else "",
        short(branch.commit),
        moment(branch.written) if branch.written else "",
        "something is staged" if branch.staged else "",
    )


def _section(page: Page, title: str, lines: list[str]) -> None:
    page.line(title, strong=True)
    for line in lines:
        page.line(f"  {line}")
    page.line()


def _python(value: str) -> str:
    return f'os.environ["{value[1:]}"]' if value.startswith("$") else json.dumps(value)


@click.group("branch", short_help="Hand out branches for others to write to, and finish them.")
def command() -> None:
    """Hand out branches for Spark, deltalake, pandas and others to write to, and make versions of what they wrote.

    What is written to such a branch is validated, hashed and published without passing through this machine's disk;
    no byte of it is copied.
    """


@command.command("open")
@click.argument("dataset", required=False)
@click.option("--name", metavar="NAME", default="", help="The end of the branch's name: lower-case letters, digits, _.")
@click.option("--gateway", metavar="URL", help="Where the server's S3 gateway answers, if not at its own address.")
@answering(state="The branch may have been made; `lakefs-repro branch list` tells.")
def open_(talk: Conversation, *, dataset: str | None, name: str, gateway: str | None) -> OpenedBranch:
    """Make a branch that holds the latest version of DATASET alone, and say how to write to it."""
    lake = open_lake(talk)
    opened = lake.open_branch(dataset or only_dataset(lake.config), name=name)
    return OpenedBranch(where_of(lake), opened, lake.roads_in(opened, gateway=gateway))


@command.command("list")
@click.argument("dataset", required=False)
@answering()
def list_(talk: Conversation, *, dataset: str | None) -> Branches:
    """List the branches that were opened and not yet finished."""
    lake = open_lake(talk)
    return Branches(where_of(lake), lake.open_branches(dataset))


@command.command("finish")
@click.argument("branch")
@click.option("--dataset", metavar="NAME", help="The dataset, where the branch's name does not tell.")
@click.option("--commit-staged", is_flag=True, help="Commit first what is staged on the branch under the dataset.")
@click.option("--no-default-excludes", "default_excludes", is_flag=True, default=True, flag_value=False,
              help="Keep _SUCCESS, checksum files and folder markers, too.")  # fmt: skip
@publishing
@answering(state=STATE)
def finish(
    talk: Conversation, *, branch: str, dataset: str | None, commit_staged: bool, default_excludes: bool, **said: Any
) -> FinishedBranch:
    """Make what was written to BRANCH the next version of its dataset, and delete the branch.

    The branch's head is frozen first: a writer that goes on changes nothing in the version, and the branch is then
    kept. Only objects that the latest version does not have are read, once, for their SHA-256.
    """
    lake = open_lake(talk)
    name = dataset or lake.dataset_of(branch)
    request = requested(lake, name, (), said)
    finished = publish(
        talk,
        name,
        lambda: lake.take_branch(branch, request, commit_staged=commit_staged, default_excludes=default_excludes),
    )
    return FinishedBranch(where_of(lake), finished)
