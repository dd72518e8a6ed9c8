"""The approaches that are weighed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["APPROACHES", "BY_NAME", "OURS", "Approach", "ApproachName"]

ApproachName = Literal["lakefs", "embedded", "dvc", "delta", "iceberg"]


@dataclass(frozen=True, slots=True)
class Approach:
    """A way to version data.

    Attributes:
        title: as it stands in a sentence.
        what: what it is, in a sentence.
    """

    name: ApproachName
    title: str
    what: str


# In the order in which a tie is decided: what leaves less to run goes first.
APPROACHES: Final = (
    Approach("delta", "Delta time travel", "the versions that every commit to a Delta table makes anyway"),
    Approach("iceberg", "Iceberg branches and tags", "named snapshots of an Iceberg table, kept by its catalog"),
    Approach("embedded", "the embedded engine only", "this toolkit on one machine, with its own engine and no server"),
    Approach("dvc", "DVC", "small files in git that point to content-addressed copies of the data"),
    Approach(
        "lakefs", "lakeFS with this toolkit", "a lakeFS server over your storage, and this toolkit's gate and pins"
    ),
)
BY_NAME: Final = {approach.name: approach for approach in APPROACHES}
OURS: Final = ("lakefs", "embedded")
"""The approaches that this toolkit itself carries out."""
