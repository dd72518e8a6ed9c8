"""``list``: the versions of datasets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from lakefs_repro.cli.connection import open_lake, where_of
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.page import Column
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import moment, short, size
from lakefs_repro.errors import NotFoundError

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.model.report import ReleaseInfo, VersionInfo

__all__ = ["Versions", "command"]

_COLUMNS = (
    Column("version"), Column("created"), Column("files", right=True), Column("size", right=True),
    Column("rows", right=True), Column("digest"), Column("kept"), Column("note"),
)  # fmt: skip
_RELEASES = (
    Column("release"), Column("created"), Column("holds"), Column("digest"), Column("kept"), Column("note"),
)  # fmt: skip
_KEPT = {"held": "yes", "moved": "no: pin moved", "missing": "no: no pin"}


class Versions(Result):
    """The versions of one dataset or of all, and the releases that hold them."""

    def __init__(self, where: Where, versions: tuple[VersionInfo, ...], releases: tuple[ReleaseInfo, ...]) -> None:
        self.where: Where = where
        self._versions = versions
        self._releases = releases
        if not versions:
            self.next = "lakefs-repro ingest FOLDER --dataset NAME makes the first version"

    def data(self) -> Mapping[str, Any]:
        return {
            "versions": [version.to_json() for version in self._versions],
            "releases": [release.to_json() for release in self._releases],
        }

    def show(self, page: Page) -> None:
        if self._versions:
            page.table(_COLUMNS, map(_row, self._versions))
        else:
            page.line("There are no versions yet.")
        if self._releases:
            page.line()
            page.table(_RELEASES, map(_release_row, self._releases))
        page.line(f"in {self.where}")


def _release_row(release: ReleaseInfo) -> tuple[str, ...]:
    return (
        f"release:{release.name}",
        moment(release.created),
        ", ".join(release.datasets),
        short(release.digest),
        "" if release.problem else _KEPT[release.pin],
        release.problem,
    )


def _row(version: VersionInfo) -> tuple[str, ...]:
    known = not version.problem
    return (
        f"{version.dataset}@{version.version}",
        moment(version.created),
        f"{version.files:,}" if known else "",
        size(version.bytes) if known else "",
        f"{version.rows:,}" if version.rows else "",
        short(version.digest),
        "external" if version.external and version.pin == "held" else _KEPT[version.pin],
        version.problem or (f"content of {version.rolled_back_to}" if version.rolled_back_to else ""),
    )


@click.command("list", short_help="List the versions of datasets.")
@click.argument("dataset", required=False)
@answering()
def command(talk: Conversation, *, dataset: str | None) -> Versions:
    """List the versions of DATASET, or of all datasets, and the releases that hold them.

    KEPT says whether a version's or a release's pin keeps its data from garbage collection.
    """
    lake = open_lake(talk)
    versions = lake.versions(dataset)
    if dataset and not versions and dataset not in lake.config.project.datasets:
        raise NotFoundError(
            f"There is no version of a dataset {dataset} in {where_of(lake)}.",
            hint="lakefs-repro list names those that are there",
            kind="dataset-not-found",
        )
    return Versions(where_of(lake), versions, lake.releases(dataset))
