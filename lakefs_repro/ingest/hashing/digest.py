"""An object's SHA-256 with who computed it, and what stands for the object's bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lakefs_repro.lake.values import ObjectInfo

By = Literal["client", "worker", "store"]

Key = tuple[str, str, int]
"""What stands for an object's bytes: physical address, lakeFS' checksum, size."""


@dataclass(frozen=True, slots=True)
class Digest:
    """An object's SHA-256 in lower-case hex, its bytes, and who computed it: ``client``, ``worker`` or ``store``."""

    sha256: str
    size: int
    by: By


def key_of(info: ObjectInfo) -> Key:
    """What stands for the bytes of an object."""
    return info.address, info.checksum, info.size
