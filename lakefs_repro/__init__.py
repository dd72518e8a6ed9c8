"""lakefs-repro: any model reproducible from its exact training data, on top of lakeFS.

::

    import lakefs_repro

    lake = lakefs_repro.connect()
    with lake.ingest("flights") as ingest:
        ingest.add("data/flights")
    flights = lake.snapshot("flights@1.0.0").to_pandas()

Names are loaded when they are first used, so that ``import lakefs_repro`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakefs_repro.api.connect import connect
    from lakefs_repro.api.lake import Lake
    from lakefs_repro.errors import LakefsReproError
    from lakefs_repro.snapshot.snapshot import Snapshot

__version__ = "0.1.0"

__all__ = ["Lake", "LakefsReproError", "Snapshot", "__version__", "connect"]

_HOMES = {
    "connect": "lakefs_repro.api.connect",
    "Lake": "lakefs_repro.api.lake",
    "LakefsReproError": "lakefs_repro.errors",
    "Snapshot": "lakefs_repro.snapshot.snapshot",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'lakefs_repro' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - only when a name is asked for

    return getattr(import_module(home), name)
