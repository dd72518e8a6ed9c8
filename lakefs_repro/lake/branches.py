"""Branches: create, look, delete, and what is staged on them."""

from __future__ import annotations

from collections.abc import Iterator

from lakefs_repro.errors import ConflictError
from lakefs_repro.lake.paging import pages
from lakefs_repro.lake.values import Difference, Ref
from lakefs_repro.lake.wire import Wire, segment
from lakefs_repro.lake.wire_errors import as_already_exists


class Branches:
    """The branches of one repository."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._root = f"/repositories/{segment(repository)}/branches"

    def create(self, name: str, source: str, *, hidden: bool = False) -> str:
        """Create a branch at ``source`` and return its commit id; atomic: one of many racers succeeds.

        Raises:
            AlreadyExistsError: the name is taken.
            UnknownOutcomeError: the reply was lost.
        """
        body = {"name": name, "source": source, "hidden": hidden}
        try:
            answer = self._wire.call(
                "POST", self._root, doing=f"create the branch {name}", json_body=body, expect=(201,)
            )
        except ConflictError as error:
            raise as_already_exists(error, f"The branch {name}") from error
        return answer.body.decode().strip().strip('"')

    def get(self, name: str) -> Ref:
        """The branch with its head; :class:`NotFoundError` when there is none."""
        doing = f"look at the branch {name}"
        return Ref.from_wire(self._wire.call("GET", f"{self._root}/{segment(name)}", doing=doing).json())

    def list(self, prefix: str = "") -> Iterator[Ref]:
        """All branches whose name begins with ``prefix``, hidden ones too, by name."""
        params = {"prefix": prefix or None, "show_hidden": True}
        for raw in pages(self._wire, self._root, params, doing="list branches"):
            yield Ref.from_wire(raw)

    def delete(self, name: str) -> None:
        """Delete a branch with everything staged on it; :class:`NotFoundError` when there is none.

        Repeated by itself when a reply is lost, so a success may also be answered as "not found".
        """
        self._wire.call(
            "DELETE", f"{self._root}/{segment(name)}", doing=f"delete the branch {name}",
            expect=(204,), repeatable=True,
        )  # fmt: skip

    def staged(self, name: str, prefix: str = "", most: int | None = None) -> Iterator[Difference]:
        """What is staged on the branch and not committed."""
        path = f"{self._root}/{segment(name)}/diff"
        for raw in pages(
            self._wire, path, {"prefix": prefix or None}, doing=f"see what is staged on {name}", most=most
        ):
            yield Difference.from_wire(raw)

    def unstage(self, name: str, path: str) -> None:
        """Forget what is staged for one path, whether something is or not."""
        self._wire.call(
            "PUT", f"{self._root}/{segment(name)}", doing=f"forget what is staged for {path} on {name}",
            json_body={"type": "object", "path": path}, expect=(204,), repeatable=True,
        )  # fmt: skip
