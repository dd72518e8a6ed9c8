"""What was taken over from a bucket, and how it is remembered with the object, so that nothing is taken twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from lakefs_repro.lake.values import ObjectInfo

__all__ = ["By", "Taken", "recall", "remember", "same_origin"]

By = Literal["client", "store"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_ORIGIN: Final = ("repro-source", "repro-store", "repro-etag")


@dataclass(frozen=True, slots=True)
class Taken:
    """An object that is on the branch now.

    Attributes:
        path: in the dataset.
        by: who computed the SHA-256, ``store`` or ``client``.
        checksum: what the server calls its bytes.
        address: where it lies, as far as it is known.
    """

    path: str
    size: int
    sha256: str
    by: By
    checksum: str
    address: str = ""


def remember(origin: Mapping[str, str], taken: Taken) -> dict[str, str]:
    """What is noted with an object: its origin and its SHA-256."""
    return {**origin, "repro-sha256": taken.sha256, "repro-sha256-by": taken.by}


def same_origin(metadata: Mapping[str, str], origin: Mapping[str, str]) -> bool:
    """Whether an object was taken from this very object of a bucket, unchanged since."""
    return all(metadata.get(name) == origin[name] for name in _ORIGIN)


def recall(info: ObjectInfo, path: str, origin: Mapping[str, str], size: int) -> Taken | None:
    """What an interrupted run took over already, if it is what is wanted now; the notes are not believed blindly."""
    said = info.metadata
    sha256, by = said.get("repro-sha256", ""), said.get("repro-sha256-by")
    if info.size != size or not same_origin(said, origin) or not _SHA256.fullmatch(sha256):
        return None
    return Taken(path, size, sha256, "store" if by == "store" else "client", info.checksum, info.address)
