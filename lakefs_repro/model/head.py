"""``head.json``: what lies beside a dataset and says which manifest is its own.

It differs in every ingest, so that two ingests of one dataset conflict when they merge: that is the lock.
"""

from __future__ import annotations

import builtins
import json
import re
from dataclasses import asdict, dataclass, fields

from lakefs_repro.errors import IntegrityError

__all__ = ["HeadRecord"]

_FORMAT = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRecord:
    """The value of ``head.json``. ``manifest`` is the root chunk's name, ``contract`` the contract's hash."""

    dataset: str
    ingest: str
    version: str
    manifest: str
    contract: str
    files: int
    bytes: int
    format: int = _FORMAT

    def encode(self) -> builtins.bytes:
        """Canonical JSON: sorted keys, no spaces, UTF-8, one newline at the end."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return f"{text}\n".encode()

    @classmethod
    def decode(cls, data: builtins.bytes, *, path: str = "head.json") -> HeadRecord:
        """Read it back, ignoring keys of newer releases. IntegrityError, naming ``path``, when it is damaged."""
        try:
            found = json.loads(data.decode())
            record = cls(**{each.name: found[each.name] for each in fields(cls)})
        except (ValueError, TypeError, KeyError) as error:
            raise _damaged(path, f"it can't be read ({error})") from error
        if record.format != _FORMAT:
            raise IntegrityError(
                f"{path} has the format {record.format!r}; this release reads {_FORMAT}.",
                hint="Upgrade lakefs-repro.",
                kind="head-corrupt",
            )
        record._check(path)
        return record

    def _check(self, path: str) -> None:
        for name in ("dataset", "ingest", "version", "manifest", "contract"):
            if not isinstance(getattr(self, name), str):
                raise _damaged(path, f"{name!r} is not a text")
        for name in ("files", "bytes"):
            value = getattr(self, name)
            if type(value) is not int or value < 0:
                raise _damaged(path, f"{name!r} is not a number of {name}")
        if not _SHA256.fullmatch(self.manifest):
            raise _damaged(path, "'manifest' is not the name of a chunk")


def _damaged(path: str, why: str) -> IntegrityError:
    return IntegrityError(
        f"{path} is damaged: {why}.",
        hint="Compare it with the commit before; 'lakefs-repro doctor' says what else is wrong.",
        kind="head-corrupt",
    )
