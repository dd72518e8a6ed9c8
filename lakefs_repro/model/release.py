"""What the commit of a release says: which exact versions of which datasets it holds together.

Its metadata has no ``repro.dataset``, so that nobody takes it for a dataset's ingest commit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.annotation import FORMAT, MAX_BYTES, Input

__all__ = ["ReleaseNote", "is_release_note"]

_NAME = "repro.release"
_TEXTS = {"id": "repro.id", "by": "repro.by", "tool": "repro.tool", "ledger": "repro.ledger"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseNote:
    """The annotation of a release.

    Attributes:
        name: the release's name.
        id: its ULID, under which the ledger has its record.
        inputs: one snapshot of each dataset, by dataset's name; ``commit`` is the ingest commit.
        by: who made it.
        tool: name and version of this software.
        ledger: the head of the ledger that was seen.
    """

    name: str
    id: str
    inputs: tuple[Input, ...]
    by: str = ""
    tool: str = ""
    ledger: str = ""

    @property
    def digest(self) -> str:
        """The SHA-256 of a line for each dataset, sorted: its digest, two spaces, its name and version."""
        lines = "".join(f"{one.digest}  {one.dataset}@{one.version}\n" for one in self.inputs)
        return sha256(lines.encode()).hexdigest()

    def encode(self) -> dict[str, str]:
        """The commit metadata.

        Raises:
            InvalidError: so many datasets that it is larger than a commit should hold.
        """
        listed = json.dumps([asdict(one) for one in self.inputs], sort_keys=True, separators=(",", ":"))
        metadata = {"repro.format": FORMAT, _NAME: self.name, "repro.inputs": listed, "repro.digest": self.digest}
        metadata |= {key: getattr(self, name) for name, key in _TEXTS.items()}
        size = sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items())
        if size > MAX_BYTES:
            raise InvalidError(
                f"The annotation of a release of {len(self.inputs)} datasets would be {size} bytes, above {MAX_BYTES}.",
                hint="make two releases of it",
                kind="invalid-annotation",
            )
        return metadata

    @classmethod
    def decode(cls, metadata: Mapping[str, str]) -> ReleaseNote:
        """Read commit metadata.

        Raises:
            InvalidError: it is no release's, of another format, or malformed.
        """
        if not is_release_note(metadata) or metadata.get("repro.format") != FORMAT:
            raise _malformed(f"{_NAME} or repro.format {FORMAT} is missing")
        try:
            listed = json.loads(metadata["repro.inputs"])
            inputs = tuple(_input(one) for one in listed)
        except (KeyError, ValueError, TypeError) as error:
            raise _malformed("repro.inputs is not a JSON list of inputs") from error
        note = cls(name=metadata[_NAME], inputs=inputs, **{name: metadata.get(key, "") for name, key in _TEXTS.items()})
        if not note.id or not inputs or note.digest != metadata.get("repro.digest"):
            raise _malformed("its digest is not that of its inputs")
        return note


def is_release_note(metadata: Mapping[str, str]) -> bool:
    """Whether a commit says that it is a release."""
    return _NAME in metadata and "repro.dataset" not in metadata


def _input(raw: Any) -> Input:
    return Input(**{name: str(raw[name]) for name in ("ref", "dataset", "version", "commit", "digest")})


def _malformed(why: str) -> InvalidError:
    return InvalidError(
        f"The annotation of the release is malformed: {why}.",
        hint="It was not written by lakefs-repro; see who made the commit.",
        kind="invalid-annotation",
    )
