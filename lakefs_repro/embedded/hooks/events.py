"""What happened, or is about to, as hooks are told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
TAG_EVENTS = frozenset(f"{when}-{what}" for when in ("pre", "post") for what in ("create-tag", "delete-tag"))


@dataclass(frozen=True)
class Event:
    """One event; what does not belong to its kind is empty.

    Attributes:
        kind: such as ``pre-merge``.
        source_ref: where the actions come from: a branch with what is staged on it, or a commit.
        commit_id: the commit that will be, or is.
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
