"""One repository on one server: the port that everything above talks to."""

from __future__ import annotations

from lakefs_repro.lake.branches import Branches
from lakefs_repro.lake.commits import Commits
from lakefs_repro.lake.objects import Objects
from lakefs_repro.lake.tags import Tags
from lakefs_repro.lake.values import RepositoryInfo, ServerInfo
from lakefs_repro.lake.wire import Wire, segment


class Server:
    """What can be asked of a server before a repository is named."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def info(self) -> ServerInfo:
        """Version, storage and roads."""
        return ServerInfo.from_wire(self.wire.call("GET", "/config", doing="read the server's configuration").json())

    def repository(self, name: str) -> Repository:
        """A repository by name; nothing is asked yet."""
        return Repository(self.wire, name)


class Repository:
    """A repository's branches, tags, commits and objects."""

    def __init__(self, wire: Wire, name: str) -> None:
        self.wire = wire
        self.name = name
        self.branches = Branches(wire, name)
        self.tags = Tags(wire, name)
        self.commits = Commits(wire, name)
        self.objects = Objects(wire, name)

    def info(self) -> RepositoryInfo:
        """Default branch and storage namespace; :class:`NotFoundError` when there is no such repository."""
        doing = f"look at the repository {self.name}"
        return RepositoryInfo.from_wire(
            self.wire.call("GET", f"/repositories/{segment(self.name)}", doing=doing).json()
        )
