"""Objects as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.repositories import Repository

COMMON_PREFIX = {"checksum": "", "mtime": 0, "path_type": "common_prefix", "physical_address": ""}


def object_stats(repository: Repository, entry: Entry, *, metadata: bool | None = True) -> dict[str, Any]:
    """An ObjectStats; ``metadata`` None shows it only when there is some, False as empty."""
    block = entry.block
    stats: dict[str, Any] = {
        "checksum": entry.checksum,
        "content_type": entry.content_type,
        "mtime": entry.mtime,
        "path": entry.path,
        "path_type": "object",
        "physical_address": entry.address if block is None else repository.physical(block),
        "size_bytes": entry.size,
    }
    if metadata is not None:
        stats["metadata"] = dict(entry.metadata or {}) if metadata else {}
    elif entry.metadata:
        stats["metadata"] = dict(entry.metadata)
    return stats
