"""What happened, or is about to, as hooks are told."""

from __future__ import annotations

import json
import time as clock
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

BRANCH_EVENTS = frozenset(
    {"prepare-commit"}
    | {
        f"{when}-{what}"
        for when in ("pre", "post")
        for what in ("commit", "merge", "create-branch", "delete-branch", "revert", "cherry-pick")
    }
)
_NEVER = "0001-01-01T00:00:00Z"  # Go's zero
TAG_EVENTS = frozenset(f"{when}-{what}" for when in ("pre", "post") for what in ("create-tag", "delete-tag"))


@dataclass(frozen=True)
class Event:
    """One event; what does not belong to its kind is empty.

    Attributes:
        kind: such as ``pre-merge``.
        source_ref: where the actions come from: a branch with what is staged on it, or a commit.
        commit_id: the commit that will be, or is.
        parents, metarange_id, created: of that commit, for scripts; ``created`` is None where the event has none.
        pre_run_id: the run that let this pass, for a ``post-`` event.
    """

    kind: str
    repository: str
    branch: str = ""
    source_ref: str = ""
    commit_id: str = ""
    tag: str = ""
    message: str = ""
    committer: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    merge_source: str = ""
    parents: tuple[str, ...] = ()
    metarange_id: str = ""
    created: int | None = None
    pre_run_id: str = ""

    @property
    def is_post(self) -> bool:
        return self.kind.startswith("post-")

    def body(self, *, time: str, action: str, hook: str) -> bytes:
        """What a webhook is sent, in lakeFS' order; empty fields are left out."""
        told = {
            "event_type": self.kind,
            "event_time": time,
            "action_name": action,
            "hook_id": hook,
            "repository_id": self.repository,
            "branch_id": self.branch,
            "source_ref": self.source_ref,
            "tag_id": self.tag,
            "commit_id": self.commit_id,
            "commit_message": self.message,
            "committer": self.committer,
            "commit_metadata": dict(sorted(self.metadata.items())),
            "merge_source": self.merge_source,
        }
        said = {name: value for name, value in told.items() if value}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")

    def table(self, *, run_id: str, action: str, hook: str, namespace: str) -> dict[str, Any]:
        """What a script finds in its table ``action``: everything, with empty strings for what there is not."""
        has_commit = self.created is not None
        return {
            "event_type": self.kind,
            "action_name": action,
            "hook_id": hook,
            "run_id": run_id,
            "pre_run_id": self.pre_run_id,
            "repository_id": self.repository,
            "storage_namespace": namespace,
            "branch_id": self.branch,
            "source_ref": self.source_ref,
            "merge_source": self.merge_source,
            "tag_id": self.tag,
            "commit_id": self.commit_id,
            "commit": {
                "message": self.message,
                "meta_range_id": self.metarange_id,
                "creation_date": whole_seconds(self.created) if self.created is not None else _NEVER,
                "version": int(has_commit),
                "metadata": dict(self.metadata),
                "parents": list(self.parents),
            },
        }


def whole_seconds(moment: float) -> str:
    """A time as hooks are told it."""
    return clock.strftime("%Y-%m-%dT%H:%M:%SZ", clock.gmtime(moment))
