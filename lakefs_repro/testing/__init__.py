"""Tools for testing code that uses lakeFS or this package.

A pytest plugin gives the fixtures ``lakefs_server``, ``lakefs_repository`` and ``lakefs_env``; without pytest,
``running_lakefs`` is the same server. ``lakefs_repro.testing.faults`` makes it go wrong.

Names are loaded when they are first used: pytest imports this package at each start, wanted or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakefs_repro.testing.running import LakefsRepository, RunningLakefs, ServedRequest
    from lakefs_repro.testing.server import running_lakefs

__all__ = ["LakefsRepository", "RunningLakefs", "ServedRequest", "running_lakefs"]

_HOMES = {
    "LakefsRepository": "lakefs_repro.testing.running",
    "RunningLakefs": "lakefs_repro.testing.running",
    "ServedRequest": "lakefs_repro.testing.running",
    "running_lakefs": "lakefs_repro.testing.server",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'lakefs_repro.testing' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - only when a name is asked for

    return getattr(import_module(home), name)
