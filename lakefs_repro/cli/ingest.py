"""``ingest``: make files, or what others wrote to a branch, the next version of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lakefs_repro.cli.bucket import BucketOptions, PlannedBucket, bucket_options, is_bucket, planned, summary
from lakefs_repro.cli.connection import open_lake, where_of
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.publishing import STATE, publish, publishing, requested
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import counted, short, size
from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from lakefs_repro.api.config import Config
    from lakefs_repro.api.lake import Lake
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.ingest.request import IngestRequest, IngestResult

__all__ = ["Ingested", "command", "only_dataset"]

_EXTERNAL: Final = "its bytes lie in the bucket, where they can change or go; `lakefs-repro verify` finds that"


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
        read = f"{counted(result.hashed, 'file')}, {size(result.hashed_bytes)}; {result.reused:,} known already"
        done = result.outcome in ("created", "resumed")
        rows = f", {counted(result.rows, 'row')}" if result.rows else ""
        page.fields(
            [
                ("partition", result.partition),
                ("digest", short(result.digest)),
                ("content", f"{counted(result.files, 'file')}, {size(result.bytes)}{rows}"),
                ("files", changes if result.outcome != "unchanged" else ""),
                ("left out", counted(result.excluded, "file") if result.excluded else ""),
                ("from", _taken_from(result)),
                ("read", read if result.taken_from else ""),
                ("uploaded", sent if done and (result.uploaded or not result.taken_from) else ""),
                (
                    "copied",
                    f"{counted(result.copied, 'file')}, {size(result.copied_bytes)}, by the store itself"
                    if result.copied
                    else "",
                ),
                ("external", _EXTERNAL if result.external else ""),
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


def _taken_from(result: IngestResult) -> str:
    at = f" at {short(result.taken_commit)}" if result.taken_commit else ""
    return f"{result.taken_from}{at}"


@click.command("ingest", short_help="Make files the next version of a dataset.")
@click.argument("sources", metavar="[SOURCE...]", nargs=-1, type=click.Path())
@click.option("--dataset", metavar="NAME", help="The dataset; may be left out when the configuration has just one.")
@click.option("--from-branch", metavar="REF",
              help="Instead of SOURCE: a branch that others wrote to, or a commit of one.")  # fmt: skip
@click.option("--adopt", metavar="MAIN", help="Instead of SOURCE: what lies in the main branch already.")
@click.option("--mode", type=click.Choice(["replace", "append"]), default="replace", show_default=True,
              help="Make the dataset equal to SOURCE, or only add to it.")  # fmt: skip
@click.option("--under", metavar="FOLDER", default="", help="A folder in the dataset for the files: month=4.")
@click.option("--partition", metavar="KEY=VALUE/…", default="",
              help="Replace, or append to, this partition alone; --under names its table's folder.")  # fmt: skip
@click.option("--commit-staged", is_flag=True, help="With --from-branch: commit what is staged there first.")
@click.option("--no-default-excludes", "default_excludes", is_flag=True, default=True, flag_value=False,
              help="With --from-branch or s3://: keep _SUCCESS, checksum files and folder markers, too.")  # fmt: skip
@bucket_options
@publishing
@answering(state=STATE)
def command(
    talk: Conversation,
    *,
    sources: tuple[str, ...],
    dataset: str | None,
    from_branch: str | None,
    adopt: str | None,
    commit_staged: bool,
    default_excludes: bool,
    bucket: BucketOptions,
    **said: Any,
) -> Result:
    """Make SOURCE, a folder, files or s3://BUCKET/PREFIX, the next version of a dataset.

    The files are validated against the dataset's contract; only then does main change, at once. A file that is there
    already is not sent again, and a source equal to the latest version makes no version. Interrupted at any moment,
    the same command goes on where it was. With --from-branch or --adopt no file is sent: the version is what others
    wrote into the repository. Of a bucket the plan is told first; the store then copies by itself where it can.

    \b
    Examples:
      lakefs-repro ingest data/flights --dataset flights
      lakefs-repro ingest march/ --dataset flights --partition year=2024/month=3
      lakefs-repro ingest april.csv --dataset flights --mode append --under month=4 -m "April"
      lakefs-repro ingest --from-branch spark-nightly --dataset flights
      lakefs-repro ingest --adopt main --dataset flights
      lakefs-repro ingest s3://raw/flights/ --dataset flights --dry-run
    """  # noqa: D301 - \b is click's mark for lines to keep
    _require_one(sources, from_branch, adopt)
    lake = open_lake(talk)
    name = dataset or only_dataset(lake.config)
    request = requested(lake, name, map(Path, sources), said)
    if is_bucket(sources, bucket):
        return _of_bucket(talk, lake, replace(bucket, address=sources[0], default_excludes=default_excludes), request)
    ref = from_branch or adopt
    if ref is None:
        return Ingested(where_of(lake), publish(talk, name, lambda: lake.run_ingest(request)))
    _require_whole(request)
    if adopt and not said["exclude"]:
        request = replace(request, exclude=())  # the configuration's globs are for folders
    finished = publish(
        talk,
        name,
        lambda: lake.take_branch(
            ref, request, adopt=adopt is not None, commit_staged=commit_staged, default_excludes=default_excludes
        ),
    )
    return Ingested(where_of(lake), finished.result)


def _of_bucket(talk: Conversation, lake: Lake, asked: BucketOptions, request: IngestRequest) -> Result:
    """Tell the plan; then do it, unless it is only to be told."""
    source, plan = planned(lake, asked, request)
    if request.dry_run:
        return PlannedBucket(where_of(lake), plan)
    talk.say(summary(plan))
    whole = replace(request, source=source)
    return Ingested(where_of(lake), publish(talk, request.dataset, lambda: lake.run_ingest(whole)))


def _require_one(sources: tuple[str, ...], from_branch: str | None, adopt: str | None) -> None:
    if sum(map(bool, (sources, from_branch, adopt))) != 1:
        raise InvalidError(
            "One source, please: SOURCE, --from-branch REF or --adopt MAIN.",
            hint="lakefs-repro ingest --help shows an example of each",
            kind="contradicting-options",
        )


def _require_whole(request: IngestRequest) -> None:
    if request.mode != "replace" or request.under or request.partition:
        raise InvalidError(
            "A branch holds the whole dataset: --mode append, --under and --partition are for files.",
            hint="write to a branch that holds the latest version (`lakefs-repro branch open`), and add to it there",
            kind="contradicting-options",
        )


def only_dataset(config: Config) -> str:
    """The dataset that is meant when none is named."""
    names = list(config.project.datasets)
    if len(names) == 1:
        return names[0]
    said = f"The configuration names {', '.join(names)}" if names else "The configuration names no dataset"
    raise InvalidError(f"{said}: which one is meant?", hint="say --dataset NAME", kind="dataset-needed")
