"""What every verb needs: one repository, where local state may lie, and who is at work."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from lakefs_repro.lake.repository import Repository
from lakefs_repro.lake.values import ServerInfo
from lakefs_repro.model.names import new_ulid
from lakefs_repro.ports import Progress, Silence


def _utc_now() -> datetime:
    return datetime.now(tz=timezone.utc)


@dataclass(frozen=True)
class Context:
    """Handed in by whoever connects; nothing below reads the environment, the home folder or the clock by itself.

    Args:
        repository: the port to the repository.
        server: what the server says of itself.
        main: the branch that versions are merged into.
        state: a local folder for journals; it can be deleted at any time.
        engine: ``embedded`` or ``lakefs``, for results.
        who: the person or job at work, for messages to others (``ada@laptop``).
        tool: name and version of this software, for annotations.
        now: the clock.
        progress: who is told how far work has come.
        threads: transfers at once.
    """

    repository: Repository
    server: ServerInfo
    main: str
    state: Path
    engine: str
    who: str
    tool: str
    now: Callable[[], datetime] = _utc_now
    progress: Progress = field(default_factory=Silence)
    threads: int = 8

    @property
    def journals(self) -> Path:
        """Where the journals of this machine's ingests lie."""
        return self.state / "ingests"

    def new_id(self) -> str:
        """A ULID for now."""
        return new_ulid(int(self.now().timestamp() * 1000), os.urandom(10))
