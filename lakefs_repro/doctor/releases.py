"""Checks of releases: the tag at the release's commit, the pin there too, the datasets as their ingests left them."""

from __future__ import annotations

from collections.abc import Iterator

from lakefs_repro.doctor.finding import Finding, Repair
from lakefs_repro.doctor.lease import Leases
from lakefs_repro.doctor.survey import Survey
from lakefs_repro.errors import IntegrityError, NotFoundError
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.names import dataset_prefix, release_pin, release_tag
from lakefs_repro.model.report import PinState
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.releases import Release, note_of

_REPAIRS = "`lakefs-repro doctor --repair` "


def check_releases(ctx: Context, survey: Survey, leases: Leases, dataset: str | None) -> Iterator[Finding]:
    """Every release, or those that hold one dataset; some small requests for each, and one sentence if all is well."""
    names = sorted({*survey.release_tags, *survey.release_pins})
    well = 0
    for name in names:
        found = list(_check(ctx, survey, leases, name, dataset))
        yield from found
        well += not found
    if names and well == len(names):
        yield Finding("release", "ok", f"{well} release{'s' if well != 1 else ''}, each tagged, pinned and recorded.")


def _check(ctx: Context, survey: Survey, leases: Leases, name: str, dataset: str | None) -> Iterator[Finding]:
    tag, pin = survey.release_tags.get(name), survey.release_pins.get(name)
    tagged, pinned = (_release_at(ctx, name, at, pin=pin) for at in (tag, pin))
    if dataset is not None and dataset not in _datasets(tagged, pinned):
        return
    if tag is not None and tagged is None:
        yield _untrue_tag(ctx, name, tag, pinned)
        return
    release = tagged or pinned
    if release is None:
        message = f"{release_pin(name)} is no pin of ours: it stands at {pin or '':.12}, which is no release {name}."
        yield Finding("release", "warning", message, f"if nobody needs it: {_lakectl(ctx, 'branch', name)}")
        return
    if leases.owner(release.note.id).state == "live":
        return  # it is being made just now
    yield from _pin(ctx, name, release, pin, pinned)
    if release.pin == "held" and (tag is None or release.note.id not in survey.records):
        what = "not tagged" if tag is None else "not in the ledger"
        yield Finding(
            "release",
            "problem",
            f"The release {name} is pinned, but {what}: its making was interrupted, or somebody removed that.",
            f"{_REPAIRS}tags and records it",
            Repair("finish-release", f"tag and record the release {name}", branch=release_pin(name),
                   commit=release.commit.id),
        )  # fmt: skip
    yield from _contents(ctx, release)


def _datasets(*releases: Release | None) -> set[str]:
    return {one.dataset for release in releases if release for one in release.note.inputs}


def _pin(ctx: Context, name: str, release: Release, pin: str | None, pinned: Release | None) -> Iterator[Finding]:
    if release.pin == "held":
        return
    if pinned is not None:
        yield Finding(
            "release",
            "problem",
            f"The tag and the pin of the release {name} disagree: the tag is at {release.commit.id[:12]}, the pin at "
            f"{pinned.commit.id[:12]}. The tag was probably made again.",
            f"see which is right; to follow the pin: {_lakectl(ctx, 'tag', name)}, then type the same release again",
        )
        return
    lost = "has no pin" if pin is None else f"has its pin at {pin[:12]}, which is no release"
    yield Finding(
        "release",
        "problem",
        f"The release {name} {lost}: garbage collection may take its data, though the tag stays.",
        f"{_REPAIRS}makes it again, if the data is still there",
        Repair("pin-release", f"make {release_pin(name)} at the release's commit {release.commit.id[:12]}",
               branch=release_pin(name), commit=release.commit.id),
    )  # fmt: skip


def _untrue_tag(ctx: Context, name: str, tag: str, pinned: Release | None) -> Finding:
    hint = f"if nobody needs it: {_lakectl(ctx, 'tag', name)}"
    if pinned is not None:
        hint = f"see who did it; to put it back: {_lakectl(ctx, 'tag', name)}, then {_REPAIRS}tags it again"
    return Finding(
        "release",
        "problem",
        f"The tag {release_tag(name)} stands at {tag[:12]}, which is no release {name}: somebody made or moved it.",
        hint,
    )


def _contents(ctx: Context, release: Release) -> Iterator[Finding]:
    """Each dataset must be the one that its ingest commit holds, with the digest that the release names."""
    try:
        snapshots = release.snapshots
    except IntegrityError as error:
        yield Finding("release", "problem", error.message, error.hint)
        return
    for snapshot in snapshots.values():
        prefix = dataset_prefix(snapshot.dataset)
        changes = ctx.repository.commits.diff(snapshot.ingest_commit, release.commit.id, prefix=prefix, most=1)
        for change in changes:
            yield Finding(
                "release",
                "problem",
                f"{release} does not hold {snapshot} as it was ingested: {change.path} is {change.type}.",
                "make a new release under another name",
            )


def _release_at(ctx: Context, name: str, at: str | None, *, pin: str | None) -> Release | None:
    commit = _commit(ctx, at)
    note = note_of(commit, name) if commit else None
    if commit is None or note is None:
        return None
    state: PinState = "missing" if pin is None else "held" if pin == commit.id else "moved"
    return Release(context=ctx, name=name, commit=commit, note=note, pin=state)


def _commit(ctx: Context, commit: str | None) -> Commit | None:
    if commit is None:
        return None
    try:
        return ctx.repository.commits.get(commit)
    except NotFoundError:
        return None


def _lakectl(ctx: Context, kind: str, name: str) -> str:
    ref = release_tag(name) if kind == "tag" else release_pin(name)
    return f"`lakectl {kind} delete lakefs://{ctx.repository.name}/{ref}`"
