"""Whether garbage collection would keep what the pins promise: the server's own answer, not ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lakefs_repro.doctor.finding import Finding
from lakefs_repro.lake.oracle import ask_what_is_retained
from lakefs_repro.snapshot.context import Context

_NAMED = 5


def check_retained(ctx: Context, pinned: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Compare the commits of all versions with the server's list of what a collection would keep today.

    Args:
        ctx: the repository.
        pinned: for each version its name (``flights@1.0.0``) and its ingest commit, and for each release
            (``release:2024-q3``) its commit.
    """
    versions = list(pinned)
    if not versions:
        return
    retained = ask_what_is_retained(ctx.repository.wire.endpoint, ctx.repository.name)
    if retained.commits is None:
        yield Finding("retained", "ok", f"What a collection would keep is unproven: {retained.why}.")
        return
    lost = [name for name, commit in versions if commit not in retained.commits]
    if not lost:
        yield Finding("retained", "ok", f"The server says that garbage collection keeps {_counted(versions)} today.")
        return
    more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
    yield Finding(
        "retained",
        "problem",
        f"The server says that garbage collection would take {', '.join(lost[:_NAMED])}{more}.",
        hint="`lakefs-repro doctor --repair` makes missing pins again; do it before the next collection",
    )


def _counted(named: list[tuple[str, str]]) -> str:
    releases = sum(name.startswith("release:") for name, _ in named)
    versions = f"all {len(named) - releases} versions"
    return f"{versions} and {releases} release{'s' if releases != 1 else ''}" if releases else versions
