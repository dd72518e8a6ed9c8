"""Staging addresses: places in the store that the server hands out, to be written by somebody else and then linked."""

from __future__ import annotations

from collections.abc import Mapping

from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.lake.wire import Wire, segment


class Staging:
    """The staging addresses of one repository."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._root = f"/repositories/{segment(repository)}/branches"

    def address(self, branch: str, path: str) -> str:
        """A fresh address for ``path``, good for this branch and path alone; its signature is a part of the key."""
        answer = self._wire.call(
            "GET",
            f"{self._root}/{segment(branch)}/staging/backing",
            doing=f"ask for a place for {path}",
            params={"path": path},
        ).json()
        return str(answer["physical_address"])

    def link(
        self, branch: str, path: str, address: str, *, checksum: str, size: int, metadata: Mapping[str, str]
    ) -> ObjectInfo:
        """Stage what was written at ``address`` as the object ``path``; doing it twice does no harm.

        The server believes whatever is said here, even of an address where nothing is: look at the object first.
        """
        body = {
            "staging": {"physical_address": address},
            "checksum": checksum,
            "size_bytes": size,
            "user_metadata": dict(metadata),
        }
        answer = self._wire.call(
            "PUT",
            f"{self._root}/{segment(branch)}/staging/backing",
            doing=f"link {path}",
            params={"path": path},
            json_body=body,
            repeatable=True,
        )
        return ObjectInfo.from_wire(answer.json())
