"""``hash``: one worker's share of hashing what others wrote to a branch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from lakefs_repro.cli.connection import open_lake, where_of
from lakefs_repro.cli.ingest import only_dataset
from lakefs_repro.cli.options import answering
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import counted, short, size
from lakefs_repro.model.names import parse_write_branch

if TYPE_CHECKING:
    from lakefs_repro.cli.conversation import Conversation
    from lakefs_repro.cli.page import Page
    from lakefs_repro.ingest.hashing.hash_shard import HashResult

__all__ = ["HashedShard", "command"]

_STATE: Final = "No version was touched; what was hashed until a few seconds ago is kept, and the same command goes on."


class HashedShard(Result):
    """What became of a share."""

    def __init__(self, where: Where, result: HashResult) -> None:
        self.where: Where = where
        self._result = result

    def data(self) -> Mapping[str, Any]:
        return self._result.to_json()

    def show(self, page: Page) -> None:
        found = self._result
        share = f"share {found.shard}/{found.shards} of " if found.shards > 1 else ""
        page.line(f"{share}what {found.ref} has new for {found.dataset} is hashed", strong=True)
        read = f"{counted(found.hashed, 'object')}, {size(found.hashed_bytes)} in {found.seconds:.1f} s"
        page.fields(
            [
                ("new", f"{counted(found.objects, 'object')}, {size(found.bytes)}"),
                ("read", read),
                ("known", counted(found.known, "object") if found.known else ""),
                ("unproven", counted(found.unproven, "object") if found.unproven else ""),
                ("left out", counted(found.excluded, "object") if found.excluded else ""),
                ("commit", short(found.commit)),
                ("in", str(self.where)),
            ]
        )


@click.command("hash", short_help="Hash a share of what others wrote, on many workers at once.")
@click.argument("branch")
@click.option("--dataset", metavar="NAME", help="The dataset; may be left out when branch or configuration tell it.")
@click.option("--shard", metavar="I/N", default="1/1", show_default=True, help="This worker's share: 1/N to N/N.")
@click.option("--commit", metavar="ID", default="", help="Hash this commit, not the head of BRANCH.")
@click.option("--exclude", metavar="GLOB", multiple=True, help="Objects that are no data; repeatable.")
@click.option("--no-default-excludes", is_flag=True,
              help="Hash what other programs leave beside their data, too: _SUCCESS and the like.")  # fmt: skip
@answering(state=_STATE)
def command(
    talk: Conversation,
    *,
    branch: str,
    dataset: str | None,
    shard: str,
    commit: str,
    exclude: tuple[str, ...],
    no_default_excludes: bool,
) -> HashedShard:
    """Read what others wrote to BRANCH once, for its SHA-256, and leave the results in the repository.

    Run it N times at once with --shard 1/N to N/N, on as many machines as you like. A worker that was killed is
    started again and reads nothing twice but what it had in its hands. `branch finish` or `ingest --from-branch` then
    finds everything hashed and reads nothing. Objects that the dataset holds already are not read.

    \b
    Examples:
      lakefs-repro hash write-flights-nightly --shard 1/8
      lakefs-repro hash spark-nightly --dataset flights --shard 3/8 --json
    """  # noqa: D301 - \b is click's mark for lines to keep
    from lakefs_repro.ingest.hashing.hash_shard import Shard  # noqa: PLC0415 - not for --help

    share = Shard.parse(shard)
    lake = open_lake(talk)
    named = parse_write_branch(branch)
    name = dataset or (named[0] if named else only_dataset(lake.config))
    result = lake.hash(
        branch, dataset=name, shard=(share.number, share.of), commit=commit, exclude=exclude,
        default_excludes=not no_default_excludes,
    )  # fmt: skip
    return HashedShard(where_of(lake), result)
