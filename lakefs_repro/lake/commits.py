"""Commits, their log, differences and merges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from lakefs_repro.lake.paging import pages
from lakefs_repro.lake.values import Commit, Difference
from lakefs_repro.lake.wire import Wire, segment

Strategy = Literal["source-wins", "dest-wins"]


class Commits:
    """The commit graph of one repository."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._root = f"/repositories/{segment(repository)}"

    def create(
        self,
        branch: str,
        message: str,
        metadata: Mapping[str, str] | None = None,
        *,
        source_metarange: str | None = None,
        allow_empty: bool = False,
    ) -> Commit:
        """Commit what is staged on ``branch``; with ``source_metarange``, exactly that tree instead.

        Not idempotent, hence never repeated here.

        Raises:
            InvalidError: nothing to commit.
            RejectedError: a hook said no.
            UnknownOutcomeError: the reply was lost.
        """
        body = {"message": message, "metadata": dict(metadata or {}), "allow_empty": allow_empty}
        answer = self._wire.call(
            "POST",
            f"{self._root}/branches/{segment(branch)}/commits",
            doing=f"commit on {branch}",
            params={"source_metarange": source_metarange},
            json_body=body,
            expect=(201,),
        )
        return Commit.from_wire(answer.json())

    def get(self, commit: str) -> Commit:
        """A commit by its id."""
        doing = f"look at commit {commit}"
        return Commit.from_wire(self._wire.call("GET", f"{self._root}/commits/{segment(commit)}", doing=doing).json())

    def resolve(self, ref: str) -> Commit:
        """The commit that any ref expression stands for: branch, tag, id or its beginning, ``main~1``."""
        doing = f"resolve {ref}"
        for raw in pages(self._wire, f"{self._root}/refs/{segment(ref)}/commits", {}, doing=doing, most=1):
            return Commit.from_wire(raw)
        return self.get(ref)

    def contains(self, ref: str, commit: str) -> bool:
        """Whether ``commit`` is in the history of ``ref``: their merge base is the commit itself."""
        path = f"{self._root}/refs/{segment(commit)}/merge/{segment(ref)}"
        answer = self._wire.call("GET", path, doing=f"see whether {ref} holds {commit}").json()
        return bool(answer["base_commit_id"] == commit)

    def log(
        self,
        ref: str,
        *,
        objects: tuple[str, ...] = (),
        prefixes: tuple[str, ...] = (),
        first_parent: bool = False,
        stop_at: str | None = None,
        most: int | None = None,
    ) -> Iterator[Commit]:
        """The history of ``ref``, perhaps of some objects or prefixes alone, which leaves merge commits out.

        With ``first_parent`` the order is exact. Else it goes by creation date in whole seconds, and of two commits
        of one second an ancestor may come before its descendant.
        """
        params: dict[str, Any] = {
            "objects": list(objects),
            "prefixes": list(prefixes),
            "first_parent": first_parent or None,
            "stop_at": stop_at,
        }
        path = f"{self._root}/refs/{segment(ref)}/commits"
        for raw in pages(self._wire, path, params, doing=f"read the log of {ref}", most=most, first=20):
            yield Commit.from_wire(raw)

    def diff(
        self,
        left: str,
        right: str,
        *,
        prefix: str = "",
        kind: Literal["two_dot", "three_dot"] = "two_dot",
        delimiter: str = "",
        most: int | None = None,
    ) -> Iterator[Difference]:
        """What changes from ``left`` to ``right``; with a delimiter, each deeper folder is one ``prefix_changed``."""
        path = f"{self._root}/refs/{segment(left)}/diff/{segment(right)}"
        params = {"prefix": prefix or None, "type": kind, "delimiter": delimiter or None}
        for raw in pages(self._wire, path, params, doing=f"compare {left} with {right}", most=most):
            yield Difference.from_wire(raw)

    def merge(
        self,
        source: str,
        destination: str,
        message: str,
        metadata: Mapping[str, str] | None = None,
        *,
        strategy: Strategy | None = None,
    ) -> str:
        """Merge ``source`` (a commit id too) into a branch, never squashed, and return the merge commit's id.

        Raises:
            ConflictError: both sides changed the same path.
            InvalidError: nothing to merge, or something is staged on the destination.
            RejectedError: a hook said no.
            UnknownOutcomeError: the reply was lost.
        """
        body: dict[str, Any] = {"message": message, "metadata": dict(metadata or {}), "squash_merge": False}
        if strategy:
            body["strategy"] = strategy
        answer = self._wire.call(
            "POST",
            f"{self._root}/refs/{segment(source)}/merge/{segment(destination)}",
            doing=f"merge {source} into {destination}",
            json_body=body,
        )
        return str(answer.json()["reference"])
