"""Whose a half-done thing is: nothing that may be alive is ever touched.

A process of this machine holds the lock on its journal for as long as it lives. Of any other nobody can tell, so its
work counts as alive until a lease has run out since the last sign of life.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from lakefs_repro.errors import NotFoundError
from lakefs_repro.ingest import journal as journals
from lakefs_repro.model.names import ulid_time
from lakefs_repro.snapshot.context import Context

LEASE: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whether somebody is at work under a ULID; ``until`` is when the lease of an unknown one runs out."""

    state: Literal["live", "dead", "expired", "unknown"]
    until: datetime | None = None

    @property
    def gone(self) -> bool:
        """Whether it can be taken over."""
        return self.state in ("dead", "expired")


@dataclass(frozen=True)
class Leases:
    """Judges owners, by a clock that is the earlier of this machine's and the server's.

    Args:
        ctx: the repository.
        lease: how long an unknown owner is left in peace; zero when somebody knows that all of them are gone.
        now: the clock.
    """

    ctx: Context
    lease: timedelta
    now: datetime

    def owner(self, ulid: str, last_sign: Callable[[], datetime | None] = lambda: None) -> Owner:
        """Who is at work under ``ulid``; ``last_sign`` is asked only when its own time is longer ago than the lease."""
        live = journals.is_live(self.ctx.journals, ulid)
        if live is not None:
            return Owner("live" if live else "dead")
        if self.lease <= timedelta(0):
            return Owner("expired")
        until = ulid_time(ulid) + self.lease
        if until <= self.now:
            until = max(until, (last_sign() or ulid_time(ulid)) + self.lease)
        return Owner("expired" if until <= self.now else "unknown", until)


def last_sign_on(ctx: Context, branch: str, *, grown_from: str, prefix: str = "") -> datetime | None:
    """When a scratch branch was last written to, as far as it shows: a long upload is alive though its ULID is old.

    Args:
        ctx: the repository.
        branch: the scratch branch.
        grown_from: a branch that holds every commit from which such a branch is made.
        prefix: what is written there.
    """
    try:
        head = ctx.repository.branches.get(branch).commit
    except NotFoundError:
        return None
    signs = []
    if not ctx.repository.commits.contains(grown_from, head):
        signs.append(ctx.repository.commits.get(head).created)
    if next(iter(ctx.repository.branches.staged(branch, most=1)), None) is not None:
        # Nobody else writes there, so what is staged is newer than all that was there before.
        signs.extend(o.modified for o in ctx.repository.objects.list(branch, prefix))
    return max(signs, default=None)
