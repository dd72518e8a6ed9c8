"""Tags: names of commits. They can't be moved, but can be deleted and made again."""

from __future__ import annotations

from collections.abc import Iterator

from lakefs_repro.errors import ConflictError
from lakefs_repro.lake.paging import pages
from lakefs_repro.lake.values import Ref
from lakefs_repro.lake.wire import Wire, segment
from lakefs_repro.lake.wire_errors import as_already_exists


class Tags:
    """The tags of one repository."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._root = f"/repositories/{segment(repository)}/tags"

    def create(self, name: str, ref: str) -> Ref:
        """Create a tag; atomic.

        Raises:
            AlreadyExistsError: the name is taken.
            UnknownOutcomeError: the reply was lost.
        """
        try:
            answer = self._wire.call(
                "POST",
                self._root,
                doing=f"create the tag {name}",
                json_body={"id": name, "ref": ref},
                expect=(201,),
            )
        except ConflictError as error:
            raise as_already_exists(error, f"The tag {name}") from error
        return Ref.from_wire(answer.json())

    def get(self, name: str) -> Ref:
        """The tag with its commit; :class:`NotFoundError` when there is none."""
        doing = f"look at the tag {name}"
        return Ref.from_wire(self._wire.call("GET", f"{self._root}/{segment(name)}", doing=doing).json())

    def list(self, prefix: str = "") -> Iterator[Ref]:
        """All tags whose name begins with ``prefix``, by name."""
        for raw in pages(self._wire, self._root, {"prefix": prefix or None}, doing="list tags"):
            yield Ref.from_wire(raw)

    def delete(self, name: str) -> None:
        """Delete a tag; :class:`NotFoundError` when there is none."""
        self._wire.call(
            "DELETE",
            f"{self._root}/{segment(name)}",
            doing=f"delete the tag {name}",
            expect=(204,),
            repeatable=True,
        )
