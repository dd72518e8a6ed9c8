"""What the port hands inward: frozen values, never wire models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

ChangeType = Literal["added", "removed", "changed", "conflict", "prefix_changed"]


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: what lakeFS keeps for ever, data or no data."""

    id: str
    parents: tuple[str, ...]
    committer: str
    message: str
    created: datetime
    metarange: str
    metadata: Mapping[str, str]

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Commit:
        return cls(
            id=raw["id"],
            parents=tuple(raw["parents"] or ()),
            committer=raw["committer"],
            message=raw["message"],
            created=datetime.fromtimestamp(raw["creation_date"], tz=timezone.utc),
            metarange=raw["meta_range_id"],
            metadata=dict(raw.get("metadata") or {}),
        )


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or tag with the commit that it points at."""

    name: str
    commit: str

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Ref:
        return cls(raw["id"], raw["commit_id"])


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object in a listing: ``checksum`` is lakeFS' (MD5, or MD5 of MD5s), never a digest of ours.

    ``metadata`` is what its writer said of it; a listing has it only where it was asked for.
    """

    path: str
    size: int
    checksum: str
    address: str
    modified: datetime
    is_prefix: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False, compare=False)

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> ObjectInfo:
        return cls(
            path=raw["path"],
            size=int(raw.get("size_bytes") or 0),
            checksum=(raw.get("checksum") or "").strip('"'),
            address=raw.get("physical_address") or "",
            modified=datetime.fromtimestamp(raw.get("mtime") or 0, tz=timezone.utc),
            is_prefix=raw.get("path_type") == "common_prefix",
            metadata=dict(raw.get("metadata") or {}),
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One path that differs between two refs."""

    path: str
    type: str

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> Difference:
        return cls(raw["path"], raw["type"])


@dataclass(frozen=True, slots=True)
class RepositoryInfo:
    """A repository as the server describes it."""

    name: str
    default_branch: str
    storage_namespace: str
    read_only: bool = False

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> RepositoryInfo:
        return cls(raw["id"], raw["default_branch"], raw["storage_namespace"], bool(raw.get("read_only")))


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the server says of itself, as far as roads and reports depend on it.

    ``namespace_prefix`` is where the server wants storage namespaces to lie; empty when it has no wish.
    ``imports`` says whether it lists objects of other places.
    """

    version: str
    blockstore: str
    presign: bool
    presign_multipart: bool
    namespace_prefix: str
    imports: bool = False
    extensions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bulk_upload(self) -> bool:
        """Whether many small objects fit in one request."""
        return bool(self.extensions.get("bulk_upload"))

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> ServerInfo:
        storage = raw.get("storage_config") or {}
        return cls(
            version=(raw.get("version_config") or {}).get("version") or "unknown",
            blockstore=storage.get("blockstore_type") or "unknown",
            presign=bool(storage.get("pre_sign_support")),
            presign_multipart=bool(storage.get("pre_sign_multipart_upload")),
            namespace_prefix=storage.get("default_namespace_prefix") or "",
            imports=bool(storage.get("import_support")),
            extensions=dict(raw.get("embedded") or {}),
        )
