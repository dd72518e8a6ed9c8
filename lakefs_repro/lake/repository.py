"""One repository on one server: the port that everything above talks to."""

from __future__ import annotations

from lakefs_repro.errors import AlreadyExistsError, ConflictError, InvalidError
from lakefs_repro.lake.branches import Branches
from lakefs_repro.lake.commits import Commits
from lakefs_repro.lake.imports import Imports
from lakefs_repro.lake.objects import Objects
from lakefs_repro.lake.settings import Settings
from lakefs_repro.lake.staging import Staging
from lakefs_repro.lake.tags import Tags
from lakefs_repro.lake.values import RepositoryInfo, ServerInfo
from lakefs_repro.lake.wire import Wire, segment
from lakefs_repro.lake.wire_errors import as_already_exists


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

    def create_repository(self, name: str, namespace: str, *, default_branch: str = "main") -> RepositoryInfo:
        """Create a repository on a storage namespace of its own.

        Raises:
            AlreadyExistsError: there is one of this name, or (kind ``namespace-in-use``) the namespace belongs to
                another one, even to one that was deleted.
            UnknownOutcomeError: the reply was lost.
        """
        body = {"name": name, "storage_namespace": namespace, "default_branch": default_branch}
        doing = f"create the repository {name} on {namespace}"
        try:
            answer = self.wire.call("POST", "/repositories", doing=doing, json_body=body, expect=(201,))
        except ConflictError as error:
            raise as_already_exists(error, f"The repository {name}") from error
        except InvalidError as error:
            if "already in use" not in error.message:
                raise
            raise AlreadyExistsError(
                f"The storage namespace {namespace} belongs to another repository, or did so before it was deleted.",
                hint="name another one with --namespace",
                kind="namespace-in-use",
            ) from error
        return RepositoryInfo.from_wire(answer.json())


class Repository:
    """A repository's branches, tags, commits, objects and settings, and the roads of others to its store."""

    def __init__(self, wire: Wire, name: str) -> None:
        self.wire = wire
        self.name = name
        self.branches = Branches(wire, name)
        self.tags = Tags(wire, name)
        self.commits = Commits(wire, name)
        self.objects = Objects(wire, name)
        self.settings = Settings(wire, name)
        self.staging = Staging(wire, name)
        self.imports = Imports(wire, name)

    def info(self) -> RepositoryInfo:
        """Default branch and storage namespace; :class:`NotFoundError` when there is no such repository."""
        doing = f"look at the repository {self.name}"
        return RepositoryInfo.from_wire(
            self.wire.call("GET", f"/repositories/{segment(self.name)}", doing=doing).json()
        )
