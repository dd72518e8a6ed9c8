"""Reading releases: several datasets' exact snapshots under one name, kept by one pin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Literal

from lakefs_repro.errors import IntegrityError, InvalidError, NotFoundError
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.annotation import Input
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.names import dataset_prefix, parse_release_tag, release_pin, release_tag
from lakefs_repro.model.ref import Partition
from lakefs_repro.model.release import ReleaseNote, is_release_note
from lakefs_repro.model.report import PinState, ReleaseInfo, ReleaseReport
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.snapshot import Snapshot
from lakefs_repro.snapshot.snapshot_files import Select
from lakefs_repro.snapshot.verify import verify
from lakefs_repro.snapshot.versions import annotation_of, branch_head, pin_state
from lakefs_repro.transfer.download import Downloader, Wanted
from lakefs_repro.transfer.parallel import run_all

_NAMED = 8


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release, found by its tag and held against its pin.

    Attributes:
        commit: its commit, which holds exactly the datasets of ``note``, and which its pin keeps.
        note: what the commit says.
        pin: whether the pin keeps exactly this commit.
    """

    context: Context = field(repr=False, compare=False)
    name: str
    commit: Commit
    note: ReleaseNote
    pin: PinState

    def __str__(self) -> str:
        return f"release:{self.name}"

    @property
    def digest(self) -> str:
        """Says which datasets, versions and bytes it holds; the same on any server."""
        return self.note.digest

    @cached_property
    def snapshots(self) -> Mapping[str, Snapshot]:
        """Each dataset of it, by name.

        Raises:
            IntegrityError: an ingest commit that it names is not what it says.
        """
        return {one.dataset: self._snapshot(one) for one in self.note.inputs}

    @property
    def contents(self) -> ReleaseContents:
        """All its files together, each under its dataset's name."""
        return ReleaseContents(self)

    def _snapshot(self, one: Input) -> Snapshot:
        try:
            said = annotation_of(self.context.repository.commits.get(one.commit))
        except NotFoundError:
            said = None
        if said is None or (said.dataset, said.version, said.digest) != (one.dataset, one.version, one.digest):
            raise IntegrityError(
                f"{self} names {one.commit[:12]} as {one.dataset}@{one.version}, which says nothing of the kind.",
                hint="somebody wrote this annotation by hand; `lakefs-repro doctor` looks further",
                kind="bad-annotation",
            )
        return Snapshot(
            context=self.context,
            dataset=one.dataset,
            version=one.version,
            digest=one.digest,
            commit=self.commit.id,
            ingest_commit=one.commit,
            annotation=said,
            release=self.name,
        )


@dataclass(frozen=True)
class ReleaseFiles:
    """The files of all datasets of a release, each dataset under its name; read while they are iterated over."""

    snapshots: tuple[Snapshot, ...]
    select: Select | None = None

    def __iter__(self) -> Iterator[Entry]:
        for snapshot in self.snapshots:
            prefix = dataset_prefix(snapshot.dataset)
            for entry in snapshot.files:
                if self.select is None or self.select(prefix + entry.path):
                    yield replace(entry, path=prefix + entry.path)

    def selecting(self, select: Select | None) -> ReleaseFiles:
        """The same with another selection, of paths that begin with the dataset's name."""
        return ReleaseFiles(self.snapshots, select)


@dataclass(frozen=True)
class ReleaseContents:
    """A release as what is restored: its paths are those of its commit, ``flights/month=1/a.csv``."""

    release: Release
    dataset: str = ""
    version: None = None
    partition: Partition = ()
    under: str = ""
    whole: Literal[True] = True

    def __str__(self) -> str:
        return str(self.release)

    @property
    def context(self) -> Context:
        return self.release.context

    @property
    def digest(self) -> str:
        return self.release.digest

    @property
    def ingest_commit(self) -> str:
        """Where its objects are read."""
        return self.release.commit.id

    @property
    def files(self) -> ReleaseFiles:
        """Sorted by path, since a dataset's prefix ends in a slash."""
        snapshots = self.release.snapshots
        return ReleaseFiles(tuple(snapshots[name] for name in sorted(snapshots, key=dataset_prefix)))

    def selects(self, path: str) -> bool:
        """Whether a path lies in a dataset of the release."""
        return path.partition("/")[0] in self.release.snapshots

    def wanted(self, entry: Entry) -> Wanted:
        """One of its files as the object that it is in the repository."""
        return Wanted(entry.path, entry.size, entry.sha256)

    def downloader(self) -> Downloader:
        """Reads its objects."""
        return Downloader(self.context.repository.objects, self.context.server, threads=self.context.threads)


def find_release(ctx: Context, name: str) -> Release:
    """The release of this name.

    Raises:
        NotFoundError: there is none; the hint names the nearest.
        IntegrityError: its tag was moved (``tag-moved``), or stands at a commit that is no such release
            (``bad-annotation``).
    """
    pinned = branch_head(ctx, release_pin(name))
    try:
        tag = ctx.repository.tags.get(release_tag(name)).commit
    except NotFoundError as error:
        raise _no_release(ctx, name, pinned) from error
    return _at(ctx, name, tag, pinned)


def release_snapshot(ctx: Context, name: str, dataset: str | None) -> Snapshot:
    """One dataset as it is in a release; its only one where none is named.

    Raises:
        NotFoundError: there is no such release, or no such dataset in it.
        InvalidError: none is named, and it holds several.
    """
    release = find_release(ctx, name)
    there = sorted(one.dataset for one in release.note.inputs)
    if dataset is None and len(there) == 1:
        return release.snapshots[there[0]]
    if dataset is None:
        more = " and others" if len(there) > _NAMED else ""
        raise InvalidError(
            f"{release} holds {len(there)} datasets: {', '.join(there[:_NAMED])}{more}.",
            hint=f"say which: {release}/{there[0]}",
            kind="which-dataset",
        )
    if dataset not in there:
        raise NotFoundError(
            f"{release} holds no dataset {dataset}.",
            hint=f"it holds {', '.join(there[:_NAMED])}",
            kind="dataset-not-found",
        )
    return release.snapshots[dataset]


def list_releases(ctx: Context, dataset: str | None = None) -> tuple[ReleaseInfo, ...]:
    """All releases, or those that hold one dataset, by name; one that is not to be trusted with its ``problem``."""
    tags = [(name, tag.commit) for tag in ctx.repository.tags.list("release-") if (name := parse_release_tag(tag.name))]
    pins = {pin.name: pin.commit for pin in ctx.repository.branches.list("pin-release-")}

    def look(tag: tuple[str, str]) -> ReleaseInfo | None:
        name, commit = tag
        try:
            release = _at(ctx, name, commit, pins.get(release_pin(name)))
        except IntegrityError as error:
            return ReleaseInfo(name=name, commit=commit, problem=error.kind)
        held = dataset is None or any(one.dataset == dataset for one in release.note.inputs)
        return _info(release) if held else None

    infos = (info for info in run_all(look, tags, threads=ctx.threads) if info is not None)
    return tuple(sorted(infos, key=lambda info: info.name))


def verify_release(ctx: Context, release: Release, *, deep: bool = False) -> ReleaseReport:
    """Find out whether every dataset of a release can still be read, exactly as it was ingested.

    See :func:`~lakefs_repro.snapshot.verify.verify`; what is compared with each ingest commit is the release's commit.
    """
    return ReleaseReport(
        ref=str(release),
        release=release.name,
        digest=release.digest,
        commit=release.commit.id,
        deep=deep,
        datasets=tuple(verify(ctx, snapshot, deep=deep) for snapshot in release.snapshots.values()),
        pin=release.pin,
    )


def note_of(commit: Commit, name: str) -> ReleaseNote | None:
    """What a commit says of itself, if it says that it is this release."""
    try:
        note = ReleaseNote.decode(commit.metadata) if is_release_note(commit.metadata) else None
    except InvalidError:
        return None
    return note if note is not None and note.name == name else None


def note_at(ctx: Context, ref: str | None, name: str) -> ReleaseNote | None:
    """The same of a commit by its id, which may be gone."""
    if ref is None:
        return None
    try:
        return note_of(ctx.repository.commits.get(ref), name)
    except NotFoundError:
        return None


def _at(ctx: Context, name: str, tag: str, pinned: str | None) -> Release:
    commit = ctx.repository.commits.get(tag)
    note = note_of(commit, name)
    if pinned not in (None, tag) and note_at(ctx, pinned, name) is not None:
        raise IntegrityError(
            f"The tag of the release {name} points at {tag[:12]}, but its pin keeps {pinned:.12}: the tag was moved.",
            hint="`lakefs-repro doctor` shows both",
            kind="tag-moved",
        )
    if note is None:
        raise IntegrityError(
            f"The tag {release_tag(name)} points at {tag[:12]}, which is no release of that name.",
            hint="somebody made or moved this tag by hand; `lakefs-repro doctor` looks further",
            kind="bad-annotation",
        )
    return Release(context=ctx, name=name, commit=commit, note=note, pin=pin_state(pinned, tag))


def _no_release(ctx: Context, name: str, pinned: str | None) -> NotFoundError:
    if note_at(ctx, pinned, name) is not None:
        return NotFoundError(
            f"The release {name} is pinned, but not tagged: its making was interrupted, or somebody deleted the tag.",
            hint="type the same release again, or `lakefs-repro doctor --repair`",
            kind="release-not-found",
        )
    there = [found for tag in ctx.repository.tags.list("release-") if (found := parse_release_tag(tag.name))]
    near = get_close_matches(name, there, n=3) or there[-3:]
    return NotFoundError(
        f"There is no release {name} in {ctx.repository.name}.",
        hint=f"there is {', '.join(near)}" if near else "nothing was released yet: lakefs-repro release --help",
        kind="release-not-found",
    )


def _info(release: Release) -> ReleaseInfo:
    commit, note = release.commit, release.note
    return ReleaseInfo(
        name=release.name,
        commit=commit.id,
        digest=note.digest,
        datasets=tuple(f"{one.dataset}@{one.version}" for one in note.inputs),
        created=commit.created,
        by=note.by or commit.committer,
        message=commit.message,
        pin=release.pin,
    )
