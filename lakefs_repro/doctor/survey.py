"""One reading of everything that the checks compare: a few listings, whatever the number of versions."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lakefs_repro.errors import InvalidError, NotFoundError
from lakefs_repro.lake.values import Commit, Ref
from lakefs_repro.ledger.append import RECORDS, ledger_head
from lakefs_repro.model.annotation import Annotation, is_annotation
from lakefs_repro.model.names import (
    LEDGER_BRANCH,
    SIDECAR,
    is_dataset_name,
    parse_ingest_branch,
    parse_pin_branch,
    parse_release_pin,
    parse_release_tag,
    parse_tag,
)
from lakefs_repro.snapshot.context import Context

Named = tuple[str, str]
"""A dataset and one of its versions."""

_STRAY = re.compile(r"(?:ledger|doctor|compose|tree)-(?P<ulid>[0-7][0-9a-hjkmnp-tv-z]{25})")
_SCRATCH: Final = ("ledger-", "doctor-", "compose-", "tree-")


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge of ours on ``main``, by its annotation."""

    commit: str
    position: int
    dataset: str
    version: str
    ingest: str
    made: str
    ledger: str


@dataclass(frozen=True, slots=True)
class Strange:
    """A commit on ``main`` that carries an annotation, but is no merge of what it names."""

    commit: str
    committer: str
    dataset: str
    why: str


@dataclass(frozen=True)
class Survey:
    """A repository at one moment.

    Attributes:
        main: the head of ``main``.
        positions: how far each commit of ``main``'s first-parent line lies behind the head.
        merges: our merges there, by dataset, the newest first.
        strange: commits there with an annotation that is not true.
        tags: the commit of each version's tag.
        pins: the head of each pin.
        ingests: the head of each ingest branch, by dataset and ULID.
        release_tags: the commit of each release's tag.
        release_pins: the head of each release's pin.
        strays: scratch branches of the ledger, of the doctor, of releases, and of ingests of what others wrote.
        sidecars: datasets that ``main`` holds.
        ledger: the ledger's head, empty when there is none.
        records: the ULIDs that the ledger has a record of.
    """

    main: str
    positions: Mapping[str, int]
    merges: Mapping[str, tuple[Merge, ...]]
    strange: tuple[Strange, ...]
    tags: Mapping[Named, str]
    pins: Mapping[Named, str]
    ingests: Mapping[Named, str]
    release_tags: Mapping[str, str]
    release_pins: Mapping[str, str]
    strays: tuple[Ref, ...]
    sidecars: frozenset[str]
    ledger: str
    records: frozenset[str]

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every dataset that left a trace."""
        named = {dataset for found in (self.tags, self.pins, self.ingests) for dataset, _ in found}
        return tuple(sorted({*named, *self.merges, *self.sidecars}))

    def merge_of(self, made: str) -> Merge | None:
        """The merge of an ingest commit."""
        return next((m for merges in self.merges.values() for m in merges if m.made == made), None)

    def held_at(self, dataset: str, commit: str) -> Merge | None:
        """The newest merge of a dataset in a commit of ``main``'s first-parent line."""
        position = self.positions.get(commit)
        if position is None:
            return None
        merges = self.merges.get(dataset, ())
        place = bisect_left(merges, position, key=lambda merge: merge.position)
        return merges[place] if place < len(merges) else None


def look_around(ctx: Context) -> Survey:
    """Read the repository once.

    What is written meanwhile by a live ingest may be seen half: refs are read before ``main``, so that a version is
    never taken for one that ``main`` lacks.
    """
    repository = ctx.repository
    refs = list(repository.tags.list())
    tags = {_named(parsed): tag.commit for tag in refs if (parsed := parse_tag(tag.name))}
    branches = list(repository.branches.list())
    main = repository.branches.get(ctx.main).commit
    positions, merges, strange = _history(ctx, main)
    return Survey(
        main=main,
        positions=positions,
        merges=merges,
        strange=strange,
        tags=tags,
        pins={_named(parsed): b.commit for b in branches if (parsed := parse_pin_branch(b.name))},
        ingests={named: b.commit for b in branches if (named := parse_ingest_branch(b.name))},
        release_tags={name: tag.commit for tag in refs if (name := parse_release_tag(tag.name))},
        release_pins={name: b.commit for b in branches if (name := parse_release_pin(b.name))},
        strays=tuple(b for b in branches if b.name.startswith(_SCRATCH) and stray_ulid(b.name)),
        sidecars=_sidecars(ctx, main),
        ledger=ledger_head(repository),
        records=_records(ctx),
    )


def stray_ulid(branch: str) -> str:
    """The ULID in the name of a scratch branch, or an empty text."""
    match = _STRAY.fullmatch(branch)
    return match["ulid"].upper() if match else ""


def _named(parsed: tuple[str, object]) -> Named:
    return parsed[0], str(parsed[1])


def _history(ctx: Context, main: str) -> tuple[dict[str, int], dict[str, tuple[Merge, ...]], tuple[Strange, ...]]:
    positions: dict[str, int] = {}
    merges: dict[str, list[Merge]] = {}
    strange: list[Strange] = []
    for position, commit in enumerate(ctx.repository.commits.log(main, first_parent=True)):
        positions[commit.id] = position
        if not is_annotation(commit.metadata):
            continue
        read = _read(commit, position)
        if isinstance(read, Merge):
            merges.setdefault(read.dataset, []).append(read)
        else:
            strange.append(read)
    return positions, {dataset: tuple(found) for dataset, found in merges.items()}, tuple(strange)


def _read(commit: Commit, position: int) -> Merge | Strange:
    try:
        said = Annotation.decode(commit.metadata)
    except InvalidError as error:
        dataset = commit.metadata.get("repro.dataset", "")
        return Strange(
            commit.id,
            commit.committer,
            dataset if is_dataset_name(dataset) else "",
            f"it can't be read ({error.message})",
        )
    if said.commit and said.commit in commit.parents[1:]:
        return Merge(commit.id, position, said.dataset, said.version, said.ingest, said.commit, said.ledger)
    why = (
        f"it is not a merge of {said.commit[:12]}, which its annotation names"
        if said.commit
        else "it bears the annotation of an ingest commit, but lies on the branch itself"
    )
    return Strange(commit.id, commit.committer, said.dataset if is_dataset_name(said.dataset) else "", why)


def _sidecars(ctx: Context, main: str) -> frozenset[str]:
    folders = ctx.repository.objects.list(main, SIDECAR, delimiter="/")
    names = (o.path.removeprefix(SIDECAR).rstrip("/") for o in folders if o.is_prefix)
    return frozenset(name for name in names if is_dataset_name(name))


def _records(ctx: Context) -> frozenset[str]:
    try:
        objects = list(ctx.repository.objects.list(LEDGER_BRANCH, RECORDS))
    except NotFoundError:
        return frozenset()
    return frozenset(o.path.removeprefix(RECORDS).removesuffix(".json") for o in objects)
