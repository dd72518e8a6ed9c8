"""Checks of what is under way, or was when its process died: ingest branches, scratch branches, open branches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from lakefs_repro.doctor.finding import Finding, Repair
from lakefs_repro.doctor.lease import Leases, Owner, last_sign_on
from lakefs_repro.doctor.survey import Survey, stray_ulid
from lakefs_repro.ingest.branch.opened import open_branches
from lakefs_repro.model.names import LEDGER_BRANCH, dataset_prefix, ingest_branch
from lakefs_repro.snapshot.context import Context

FORGOTTEN: Final = timedelta(days=30)


def check_ingests(ctx: Context, survey: Survey, leases: Leases, dataset: str | None) -> Iterator[Finding]:
    """Each ingest branch: alive, in need of somebody to finish it, or perhaps alive elsewhere."""
    count = 0
    for (name, ulid), head in survey.ingests.items():
        if dataset in (None, name):
            count += 1
            yield _ingest_finding(ctx, survey, leases, name, ulid, head)
    if not count:
        yield Finding("ingest", "ok", "No ingest was left half-done.")


def ingest_owner(ctx: Context, leases: Leases, dataset: str, ulid: str) -> Owner:
    """Who is at work on an ingest, by its journal and by the traces on its branch."""
    branch, prefix = ingest_branch(dataset, ulid), dataset_prefix(dataset)
    return leases.owner(ulid, lambda: last_sign_on(ctx, branch, grown_from=ctx.main, prefix=prefix))


def _ingest_finding(ctx: Context, survey: Survey, leases: Leases, dataset: str, ulid: str, head: str) -> Finding:
    owner = ingest_owner(ctx, leases, dataset, ulid)
    merge = survey.merge_of(head)
    if merge and merge.ingest != ulid:
        merge = None  # the branch has not left the commit that it grew from
    what = f"The ingest {ulid} of {dataset}"
    if owner.state == "live":
        return Finding("ingest", "ok", f"{what} is under way on this machine.")
    done = (
        f"was merged into {ctx.main} as {dataset}@{merge.version}, but not brought to its end"
        if merge
        else f"did not come to its end; {ctx.main} holds nothing of it"
    )
    if not owner.gone:
        return Finding(
            "ingest",
            "warning",
            f"{what} {done}. It is not of this machine's journals, so it may be alive elsewhere.",
            f"wait; its lease runs out {_when(owner.until)}",
        )
    does = (
        f"tag and record {dataset}@{merge.version}, and delete {ingest_branch(dataset, ulid)}"
        if merge
        else f"delete {ingest_branch(dataset, ulid)} and give back the version that it reserved"
    )
    repair = Repair("heal-ingest", does, dataset=dataset, ingest=ulid)
    died = "its process is gone" if owner.state == "dead" else "its lease has run out"
    resume = "type the same ingest again to resume it, or " if owner.state == "dead" and not merge else ""
    return Finding(
        "ingest",
        "problem" if merge else "warning",
        f"{what} {done}: {died}.",
        f"{resume}`lakefs-repro doctor --repair` {'finishes' if merge else 'removes'} it",
        repair,
    )


def check_strays(ctx: Context, survey: Survey, leases: Leases) -> Iterator[Finding]:
    """Scratch branches that nobody deleted."""
    for stray in survey.strays:
        ulid = stray_ulid(stray.name)
        source = LEDGER_BRANCH if stray.name.startswith("ledger-") and survey.ledger else ctx.main
        name = stray.name
        owner = leases.owner(ulid, lambda n=name, s=source: last_sign_on(ctx, n, grown_from=s))  # type: ignore[misc]
        if owner.state == "live":
            yield Finding("stray-branch", "ok", f"{stray.name} is in use on this machine.")
        elif owner.gone:
            yield Finding(
                "stray-branch",
                "warning",
                f"The scratch branch {stray.name} was left by a process that is gone.",
                "`lakefs-repro doctor --repair` deletes it",
                Repair("drop-branch", f"delete {stray.name}", branch=stray.name, ingest=ulid),
            )
        else:
            yield Finding(
                "stray-branch",
                "warning",
                f"The scratch branch {stray.name} may be in use elsewhere.",
                f"wait; its lease runs out {_when(owner.until)}",
            )


def check_open_branches(ctx: Context, now: datetime, dataset: str | None) -> Iterator[Finding]:
    """Branches that were handed out for others to write to: named with their age, never deleted by themselves."""
    for branch in open_branches(ctx, dataset):
        since = now - branch.written if branch.written else timedelta(0)
        began = f"from {branch.dataset}@{branch.version}" if branch.version else f"for {branch.dataset}"
        staged = ", and something is staged there" if branch.staged else ""
        message = f"{branch.branch} is open {began}; its head was committed {since.days} days ago{staged}."
        if since < FORGOTTEN:
            yield Finding("open-branch", "ok", message)
            continue
        yield Finding(
            "open-branch",
            "warning",
            f"{message} It may have been forgotten, and it keeps its objects from being collected.",
            f"finish it (`lakefs-repro branch finish {branch.branch}`), or delete it "
            f"(`lakectl branch delete lakefs://{ctx.repository.name}/{branch.branch}`)",
        )


def _when(until: datetime | None) -> str:
    return f"at {until:%Y-%m-%d %H:%M} UTC" if until else "some time"
