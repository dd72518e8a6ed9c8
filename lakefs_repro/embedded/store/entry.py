"""An object as a tree knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

SHA256_HEX_LENGTH = 64


class Entry(NamedTuple):
    """``address`` is the SHA-256 of a block of ours, or a physical address that a client linked or imported."""

    path: str
    checksum: str
    size: int
    mtime: int
    address: str
    content_type: str
    metadata: Mapping[str, str] | None

    @property
    def block(self) -> str | None:
        return self.address if len(self.address) == SHA256_HEX_LENGTH and "/" not in self.address else None


class Change(NamedTuple):
    """A path whose content differs between two trees; None where it is absent."""

    path: str
    left: Entry | None
    right: Entry | None


def same_content(one: Entry | None, other: Entry | None) -> bool:
    """Whether lakeFS would call the two one object: where and when it was written does not count."""
    if one is None or other is None:
        return one is other
    return (
        one.checksum == other.checksum
        and one.size == other.size
        and one.content_type == other.content_type
        and (one.metadata or None) == (other.metadata or None)
    )
