"""A repository on each engine, with short words for what the tests do all the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest


@dataclass(frozen=True)
class RepositoryUnderTest:
    """One repository on one engine."""

    engine: Any
    name: str

    def call(self, method: str, path: str = "", **options: Any) -> Any:
        return self.engine.call(method, f"/repositories/{self.name}{path}", **options)

    def put(self, path: str, data: bytes = b"x", *, branch: str = "main", headers: Any = None) -> Any:
        sent = {"Content-Type": "application/octet-stream", **(headers or {})}
        return self.call("POST", f"/branches/{branch}/objects", fields={"path": path}, body=data, headers=sent)

    def delete(self, path: str, *, branch: str = "main") -> Any:
        return self.call("DELETE", f"/branches/{branch}/objects", fields={"path": path})

    def get(self, path: str, *, ref: str = "main", headers: Any = None, method: str = "GET") -> Any:
        return self.call(method, f"/refs/{quote(ref, safe='')}/objects", fields={"path": path}, headers=headers)

    def stat(self, path: str, *, ref: str = "main", **fields: Any) -> Any:
        return self.call("GET", f"/refs/{quote(ref, safe='')}/objects/stat", fields={"path": path, **fields})

    def paths(self, ref: str = "main", **fields: Any) -> list[str]:
        answer = self.call("GET", f"/refs/{quote(ref, safe='')}/objects/ls", fields=fields)
        assert answer.status == 200, answer.data
        return [each["path"] for each in answer.json["results"]]

    def commit(self, message: str = "change", *, branch: str = "main", fields: Any = None, **body: Any) -> Any:
        return self.call("POST", f"/branches/{branch}/commits", json={"message": message, **body}, fields=fields)

    def committed(self, files: dict[str, bytes | None], *, branch: str = "main", message: str = "change") -> str:
        """Write (or, for None, delete) files and commit; the commit's id."""
        for path, data in files.items():
            answer = self.delete(path, branch=branch) if data is None else self.put(path, data, branch=branch)
            assert answer.status in {201, 204}, answer.data
        answer = self.commit(message, branch=branch)
        assert answer.status == 201, answer.data
        return answer.json["id"]

    def branch(self, name: str, source: str = "main", **options: Any) -> Any:
        return self.call("POST", "/branches", json={"name": name, "source": source, **options})

    def tag(self, name: str, ref: str = "main") -> Any:
        return self.call("POST", "/tags", json={"id": name, "ref": ref})

    def merge(self, source: str, destination: str = "main", **body: Any) -> Any:
        return self.call("POST", f"/refs/{quote(source, safe='')}/merge/{destination}", json=body)

    def diff(self, left: str, right: str, **fields: Any) -> list[tuple[str, str]]:
        path = f"/refs/{quote(left, safe='')}/diff/{quote(right, safe='')}"
        answer = self.call("GET", path, fields=fields)
        assert answer.status == 200, answer.data
        return [(each["type"], each["path"]) for each in answer.json["results"]]

    def staged(self, branch: str = "main") -> list[tuple[str, str]]:
        answer = self.call("GET", f"/branches/{branch}/diff")
        return [(each["type"], each["path"]) for each in answer.json["results"]]

    def log(self, ref: str = "main", **fields: Any) -> list[str]:
        answer = self.call("GET", f"/refs/{quote(ref, safe='')}/commits", fields=fields)
        assert answer.status == 200, answer.data
        return [each["message"] for each in answer.json["results"]]


@pytest.fixture
def repo(engine):
    """A fresh repository on the engine in turn."""
    return RepositoryUnderTest(engine, engine.new_repository())


@pytest.fixture
def embedded_repo(embedded_engine):
    """A fresh repository on the embedded engine."""
    return RepositoryUnderTest(embedded_engine, embedded_engine.new_repository())


@pytest.fixture(scope="session")
def repository_on():
    """How tests of other engines get a repository: by engine, and by its name unless it is a fresh one."""
    return lambda engine, name=None: RepositoryUnderTest(engine, name or engine.new_repository())
