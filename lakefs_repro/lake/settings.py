"""A repository's settings: which branches are protected against direct writes and commits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from lakefs_repro.errors import ConflictError, RejectedError
from lakefs_repro.lake.wire import Wire, segment

_TRIES: Final = 5


class Settings:
    """The settings of one repository."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._repository = repository
        self._path = f"/repositories/{segment(repository)}/settings/branch_protection"

    def protected(self) -> tuple[str, ...]:
        """The globs of the protected branches."""
        return tuple(rule["pattern"] for rule in self._rules()[0])

    def protect(self, patterns: Iterable[str]) -> tuple[str, ...]:
        """Protect branches against direct writes and commits; merges into them pass, and others' rules stay.

        Idempotent. A server takes up to a minute until a new rule holds.

        Args:
            patterns: globs of branch names.

        Returns:
            The patterns that were not protected before.

        Raises:
            ConflictError: the rules were changed by others each time.
            DeniedError: the credentials don't allow it.
        """
        wanted = tuple(patterns)
        for _ in range(_TRIES):
            rules, etag = self._rules()
            known = {rule["pattern"] for rule in rules}
            missing = tuple(pattern for pattern in wanted if pattern not in known)
            if not missing or self._save([*rules, *({"pattern": pattern} for pattern in missing)], etag):
                return missing
        raise ConflictError(
            f"The branch protection of {self._repository} is being changed by others.",
            hint="try again in a moment",
            kind="settings-changed",
        )

    def _rules(self) -> tuple[list[dict[str, Any]], str]:
        answer = self._wire.call("GET", self._path, doing=f"read the branch protection of {self._repository}")
        return list(answer.json()), answer.headers.get("etag", "")

    def _save(self, rules: list[dict[str, Any]], etag: str) -> bool:
        """Set the rules if nobody did since they were read; lakeFS refuses the empty ETag of rules never set."""
        try:
            self._wire.call(
                "PUT",
                self._path,
                doing=f"protect branches of {self._repository}",
                json_body=rules,
                headers={"If-Match": etag} if etag else None,
                expect=(204,),
                repeatable=True,
            )
        except RejectedError as error:
            if error.kind != "precondition-failed":
                raise
            return False
        return True
