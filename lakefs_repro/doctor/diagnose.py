"""The whole examination of a repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from lakefs_repro.doctor.connection import check_connection, server_time
from lakefs_repro.doctor.copies import check_copies
from lakefs_repro.doctor.finding import Diagnosis, Finding
from lakefs_repro.doctor.foreign import check_foreign, check_untrue_annotations
from lakefs_repro.doctor.hashes import check_hashes
from lakefs_repro.doctor.ingests import check_ingests, check_open_branches, check_strays
from lakefs_repro.doctor.lease import LEASE, Leases
from lakefs_repro.doctor.releases import check_releases
from lakefs_repro.doctor.repository import (
    check_ledger,
    check_main_clean,
    check_protection,
    check_repository,
    check_writing,
)
from lakefs_repro.doctor.retained import check_retained
from lakefs_repro.doctor.survey import Survey, look_around
from lakefs_repro.doctor.versions import VersionChecks
from lakefs_repro.errors import LakefsReproError
from lakefs_repro.snapshot.context import Context


def diagnose(
    ctx: Context, *, dataset: str | None = None, lease: timedelta = LEASE, try_writing: bool = True
) -> Diagnosis:
    """Look everything over: server, repository, what is half-done, every version and every release.

    Changes nothing, a scratch object aside. What is found is never raised: a check that can't be made is a problem.
    Reads a few listings, however many versions there are, and no data.

    Args:
        ctx: the repository.
        dataset: look at the versions and ingests of this one only.
        lease: how long work of unknown owners counts as alive; zero when somebody knows that none is.
        try_writing: whether to write a scratch object, and to ask what a collection would keep, for which lakeFS
            writes a list of its own.
    """
    return Diagnosis(tuple(_examine(ctx, dataset, lease, try_writing=try_writing)))


def _examine(ctx: Context, dataset: str | None, lease: timedelta, *, try_writing: bool) -> Iterator[Finding]:
    connection = check_connection(ctx.repository.wire.endpoint, now=ctx.now)
    yield from connection
    if any(f.check in ("endpoint", "credentials") and f.state == "problem" for f in connection):
        return
    try:
        there = check_repository(ctx)
    except LakefsReproError as error:
        yield _failed("repository", error)
        return
    yield there
    if there.state == "problem":
        return
    if try_writing:
        yield from _kept("writing", (check_writing(ctx) for _ in range(1)))
    yield from _kept("protection", check_protection(ctx))
    yield from _kept("main-clean", (check_main_clean(ctx) for _ in range(1)))
    try:
        survey = look_around(ctx)
        leases = Leases(ctx, lease, clock(ctx))
    except LakefsReproError as error:
        yield _failed("survey", error)
        return
    yield from _kept("ledger", (check_ledger(ctx, survey) for _ in range(1)))
    yield from _kept("ingest", check_ingests(ctx, survey, leases, dataset))
    yield from _kept("stray-branch", check_strays(ctx, survey, leases))
    yield from _kept("open-branch", check_open_branches(ctx, leases.now, dataset))
    yield from _kept("hashes", check_hashes(ctx, leases.now, dataset))
    yield from _kept("copies", check_copies(ctx, leases.now, dataset))
    yield from check_untrue_annotations(ctx, survey)
    if try_writing:
        yield from _kept("retained", check_retained(ctx, _ingest_commits(survey, dataset)))
    yield from _kept("release", check_releases(ctx, survey, leases, dataset))
    yield from _datasets(ctx, survey, leases, dataset)


def _datasets(ctx: Context, survey: Survey, leases: Leases, dataset: str | None) -> Iterator[Finding]:
    if dataset is not None and dataset not in survey.datasets:
        yield Finding("dataset", "problem", f"There is no dataset {dataset!r} in {ctx.repository.name!r}.",
                      "`lakefs-repro list` names those that are there")  # fmt: skip
        return
    for each in survey.datasets if dataset is None else (dataset,):
        yield from _kept("version", VersionChecks(ctx, survey, leases, each).run())
        yield from _kept("foreign-change", check_foreign(ctx, survey, each))


def _ingest_commits(survey: Survey, dataset: str | None) -> Iterator[tuple[str, str]]:
    """Each version and release with the commit that keeps its data."""
    for (name, version), tag in sorted(survey.tags.items()):
        merge = survey.held_at(name, tag)
        if merge and dataset in (None, name):
            yield f"{name}@{version}", merge.made
    if dataset is None:
        yield from ((f"release:{name}", commit) for name, commit in sorted(survey.release_tags.items()))


def clock(ctx: Context) -> datetime:
    """The earlier of this machine's time and the server's: a clock that runs ahead must not end a lease."""
    answer = ctx.repository.wire.call("GET", "/healthcheck", doing="ask for the time", expect=(200, 204))
    return min(ctx.now(), server_time(answer) or ctx.now())


def _kept(check: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings of a check; a failure of the check itself is one more."""
    try:
        yield from findings
    except LakefsReproError as error:
        yield _failed(check, error)


def _failed(check: str, error: LakefsReproError) -> Finding:
    return Finding(check, "problem", f"This could not be looked at: {error.message}", error.hint)
