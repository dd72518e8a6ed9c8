"""An engine without HTTP."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pytest

from lakefs_repro.embedded.store import commits, objects, refs, repositories
from lakefs_repro.embedded.store.committing import CommitRequest, commit
from lakefs_repro.embedded.store.engine import Engine
from lakefs_repro.embedded.store.entry import Entry


@dataclass
class Store:
    """One repository in one engine, and what tests do with it."""

    engine: Engine
    repository: repositories.Repository

    def entry(self, path: str, data: bytes) -> Entry:
        digest = hashlib.sha256(data).hexdigest()
        return Entry(path, hashlib.md5(data).hexdigest(), len(data), 1000, digest, "text/plain", None)

    def put(self, path: str, data: bytes, branch: str = "main") -> Entry:
        entry = self.entry(path, data)

        def stage(connection):
            objects.stage(self.engine, connection, self.repository, branch, entry)
            self.engine.blocks.add_small(connection, entry.address, data)

        self.engine.writer.submit(stage)
        return entry

    def remove(self, path: str, branch: str = "main") -> None:
        def delete(connection):
            found = refs.branch(connection, self.repository, branch)
            objects.remove(self.engine, connection, self.repository, found, [path])

        self.engine.writer.submit(delete)

    def reset(self, kind: str, path: str = "", branch: str = "main") -> None:
        self.engine.writer.submit(
            lambda connection: objects.reset(connection, self.repository, branch, kind=kind, path=path)
        )

    def commit(self, branch: str = "main", **options):
        return commit(self.engine, self.repository, branch, CommitRequest("change", **options))

    def branch(self, name: str, commit_id: str) -> None:
        self.engine.writer.submit(
            lambda connection: refs.create_branch(connection, self.repository, name, commit_id, hidden=False)
        )

    def head(self, branch: str = "main") -> commits.Commit:
        connection = self.engine.database.reader()
        found = refs.branch(connection, self.repository, branch)
        return commits.find(connection, self.repository, found.commit_id)

    def tree(self, branch: str = "main") -> dict[str, str]:
        """The committed paths and checksums of a branch."""
        metarange = self.engine.trees.metarange(self.head(branch).metarange_id)
        return {entry.path: entry.checksum for entry in self.engine.trees.entries(metarange)}


def open_store(root) -> Store:
    engine = Engine(root, clock=lambda: 1_000_000.0)

    def create(connection):
        made = repositories.create(
            connection, "repo", namespace="local://repo", default_branch="main", read_only=False, now=1000
        )
        first = commits.make(made, (), committer="", message="made", creation_date=1000, metarange_id="", metadata={})
        commits.insert(connection, made, first)
        refs.create_branch(connection, made, "main", first.id, hidden=False)
        return made

    return Store(engine, engine.writer.submit(create))


@pytest.fixture
def store(tmp_path):
    made = open_store(tmp_path / "root")
    yield made
    made.engine.close()
