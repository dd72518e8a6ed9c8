"""Imports: objects that lie in the store already are listed in a commit, without copying a byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lakefs_repro.errors import InvalidError
from lakefs_repro.lake.values import Commit
from lakefs_repro.lake.wire import Wire, segment


@dataclass(frozen=True, slots=True)
class ImportFrom:
    """One thing to import.

    Args:
        address: where it lies, such as ``s3://bucket/prefix/``.
        destination: its path in the repository; of a prefix, ending with ``/``.
        kind: one ``object``, or all objects below a ``common_prefix``.
    """

    address: str
    destination: str
    kind: Literal["object", "common_prefix"] = "object"


@dataclass(frozen=True, slots=True)
class ImportState:
    """How far an import has come; ``commit`` is there when it is done, ``error`` when it failed."""

    completed: bool
    objects: int
    commit: Commit | None
    error: str

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any]) -> ImportState:
        commit, error = raw.get("commit"), raw.get("error")
        return cls(
            completed=bool(raw.get("completed")),
            objects=int(raw.get("ingested_objects") or 0),
            commit=Commit.from_wire(commit) if commit else None,
            error=str(error.get("message") or "no reason given") if error else "",
        )


class Imports:
    """The imports of one repository."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._root = f"/repositories/{segment(repository)}/branches"

    def start(self, branch: str, sources: Sequence[ImportFrom], message: str) -> str:
        """Begin an import and return its id; what is on the branch under the destinations is replaced.

        Begun twice because a reply was lost, both make the same commit's content.

        Raises:
            InvalidError: nothing is named; lakeFS would take it and never come to an end.
            DeniedError: the server lets nothing be imported.
        """
        if not sources or not all(source.address and source.destination for source in sources):
            raise InvalidError("There is nothing to import.", kind="empty-source")
        paths = [{"type": s.kind, "path": s.address, "destination": s.destination} for s in sources]
        answer = self._wire.call(
            "POST",
            f"{self._root}/{segment(branch)}/import",
            doing=f"import {sources[0].address}",
            json_body={"paths": paths, "commit": {"message": message}},
            expect=(202,),
            repeatable=True,
        )
        return str(answer.json()["id"])

    def state(self, branch: str, import_id: str) -> ImportState:
        """How an import stands."""
        answer = self._wire.call(
            "GET", f"{self._root}/{segment(branch)}/import", doing="see how the import stands", params={"id": import_id}
        )
        return ImportState.from_wire(answer.json())

    def cancel(self, branch: str, import_id: str) -> None:
        """Stop an import; one that has ended is left alone."""
        self._wire.call(
            "DELETE",
            f"{self._root}/{segment(branch)}/import",
            doing="stop the import",
            params={"id": import_id},
            expect=(204, 404, 409),
            repeatable=True,
        )
