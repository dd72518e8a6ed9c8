"""The SHA-256 of objects that stay in their bucket: what the store keeps, else streamed once; a killed run goes on."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.store import Store
from lakefs_repro.bucket.taken import Taken
from lakefs_repro.bucket.values import BucketObject, kept_sha256

__all__ = ["BucketHashes"]

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass
class BucketHashes:
    """Hashes objects of one bucket, and notes each in a local file that can be deleted at any time.

    Args:
        store: which holds the bucket.
        address: where the objects lie.
        notes: the file.
    """

    store: Store
    address: BucketAddress
    notes: Path
    _known: dict[tuple[str, str, int], Taken] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recall(self) -> None:
        """Read what an interrupted run noted; lines that are cut off or odd are passed over."""
        try:
            lines = self.notes.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return
        for line in lines:
            try:
                key, etag, size, sha256, by = json.loads(line)
            except (ValueError, TypeError):
                continue
            if isinstance(sha256, str) and _SHA256.fullmatch(sha256) and by in ("client", "store"):
                self._known[str(key), str(etag), int(size)] = Taken("", int(size), sha256, by, str(etag))

    def take(self, found: BucketObject) -> Taken:
        """The SHA-256 of one object, as it was listed.

        Raises:
            IntegrityError: it changed after it was listed.
        """
        known = self._known.get((found.key, found.etag, found.size))
        if known is None:
            known = self._asked(found) or self._streamed(found)
            self._note(found, known)
        uri = self.address.uri(found.key)
        return Taken(found.path, found.size, known.sha256, known.by, found.etag, uri)

    def _asked(self, found: BucketObject) -> Taken | None:
        sha256 = kept_sha256(self.store.look(self.address, found, checksum=True))
        return Taken(found.path, found.size, sha256, "store", found.etag) if sha256 else None

    def _streamed(self, found: BucketObject) -> Taken:
        sha256 = hashlib.sha256()
        for block in self.store.blocks(self.address, found):
            sha256.update(block)
        return Taken(found.path, found.size, sha256.hexdigest(), "client", found.etag)

    def _note(self, found: BucketObject, taken: Taken) -> None:
        line = json.dumps([found.key, found.etag, found.size, taken.sha256, taken.by])
        with self._lock:
            self.notes.parent.mkdir(parents=True, exist_ok=True)
            with self.notes.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def forget(self) -> None:
        """Delete the notes."""
        self.notes.unlink(missing_ok=True)
