"""Hook definitions on the way to a commit: lakeFS loads them from the branch or the source of a merge."""

from __future__ import annotations

from typing import Final

from lakefs_repro.snapshot.context import Context

ACTIONS: Final = "_lakefs_actions/"


def carry(ctx: Context, main: str, branch: str) -> None:
    """Bring the hook definitions that a commit of ``main`` has onto a branch, and stage the removal of others."""
    objects = ctx.repository.objects
    theirs = {o.path: o for o in objects.list(main, ACTIONS)}
    ours = {o.path: o for o in objects.list(branch, ACTIONS)}
    for path, info in theirs.items():
        if path not in ours or ours[path].checksum != info.checksum:
            objects.put(branch, path, objects.get(main, path))
    objects.delete(branch, (path for path in ours if path not in theirs))
