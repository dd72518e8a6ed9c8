"""One repository on one server, told to do what the model does, and compared with it."""

from __future__ import annotations

import json
import os
import random
import re
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from support.engines import EngineUnderTest

from lakefs_repro.embedded import process
from stateful.model import Content, Model
from stateful.roads import OF_LAKEFS, ROADS

_COMMIT = re.compile(r"#(\d+)")


class Server:
    """A server under test; an embedded engine can be started anew on its folder."""

    def __init__(self, engine: EngineUnderTest) -> None:
        self.engine = engine

    @property
    def is_embedded(self) -> bool:
        return self.engine.root is not None

    def restart(self, *, kill: bool) -> None:
        root = self.engine.root
        if kill:
            pid = json.loads((root / "server.json").read_text())["pid"]
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        else:
            process.stop(root)
        info = process.start(root)
        self.engine = EngineUnderTest("embedded", info.endpoint, info.access_key_id, info.secret_access_key, root=root)


class Side:
    """The repository; ``ids`` are the server's names for the model's numbered commits."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.repository = server.engine.new_repository()
        self.ids = [self.call("GET", "/branches/main").json["commit_id"]]

    def call(self, method: str, path: str, **options: Any) -> Any:
        return self.server.engine.call(method, f"/repositories/{self.repository}{path}", **options)

    def remove(self) -> None:
        self.call("DELETE", "", fields={"force": "true"})

    def named(self, text: str) -> str:
        """``#3`` as this server names it."""
        return _COMMIT.sub(lambda found: self.ids[int(found[1])], text)

    def _ref(self, ref: str) -> str:
        return quote(self.named(ref), safe="")

    # Operations, each with the arguments of the model's

    def put(self, branch: str, path: str, content: Content, *, if_absent: bool = False) -> Any:
        headers = {"Content-Type": content.type, **{f"x-lakefs-meta-{k}": v for k, v in content.metadata}}
        if if_absent:
            headers["If-None-Match"] = "*"
        return self.call(
            "POST", f"/branches/{branch}/objects", fields={"path": path}, body=content.data, headers=headers
        )

    def put_by(self, road: str, branch: str, path: str, content: Content) -> Any:
        """By a road of the engine's own, or by lakeFS' where the server has no such road."""
        known = self.server.is_embedded or road in OF_LAKEFS
        return ROADS[road if known else "api"](self, branch, path, content)

    def delete(self, branch: str, path: str) -> Any:
        return self.call("DELETE", f"/branches/{branch}/objects", fields={"path": path})

    def delete_many(self, branch: str, paths: Iterable[str]) -> Any:
        return self.call("POST", f"/branches/{branch}/objects/delete", json={"paths": list(paths)})

    def copy(self, branch: str, path: str, source_ref: str, source: str) -> Any:
        body = {"src_path": source, "src_ref": self.named(source_ref)}
        return self.call("POST", f"/branches/{branch}/objects/copy", fields={"dest_path": path}, json=body)

    def commit(self, branch: str, message: str, *, metadata: Mapping[str, str], allow_empty: bool = False) -> Any:
        body = {"message": message, "metadata": dict(metadata), "allow_empty": allow_empty}
        return self.call("POST", f"/branches/{branch}/commits", json=body)

    def commit_tree(self, branch: str, number: int, message: str) -> Any:
        tree = self.call("GET", f"/commits/{self.ids[number]}").json["meta_range_id"]
        fields = {"source_metarange": tree}
        return self.call("POST", f"/branches/{branch}/commits", fields=fields, json={"message": message})

    def merge(self, source: str, branch: str, *, strategy: str, squash: bool, allow_empty: bool) -> Any:
        body = {"squash_merge": squash, "allow_empty": allow_empty}
        if strategy:
            body["strategy"] = strategy
        return self.call("POST", f"/refs/{self._ref(source)}/merge/{branch}", json=body)

    def revert(self, branch: str, ref: str, *, parent: int, allow_empty: bool) -> Any:
        body = {"ref": self.named(ref), "parent_number": parent, "allow_empty": allow_empty}
        return self.call("POST", f"/branches/{branch}/revert", json=body)

    def cherry_pick(self, branch: str, ref: str, *, parent: int | None) -> Any:
        body: dict[str, Any] = {"ref": self.named(ref)}
        if parent is not None:
            body["parent_number"] = parent
        return self.call("POST", f"/branches/{branch}/cherry-pick", json=body)

    def hard_reset(self, branch: str, ref: str) -> Any:
        return self.call("PUT", f"/branches/{branch}/hard_reset", fields={"ref": self.named(ref)})

    def reset(self, branch: str, kind: str, path: str) -> Any:
        body = {"type": kind} if kind == "reset" else {"type": kind, "path": path}
        return self.call("PUT", f"/branches/{branch}", json=body)

    def create_branch(self, name: str, source: str, *, hidden: bool) -> Any:
        return self.call("POST", "/branches", json={"name": name, "source": self.named(source), "hidden": hidden})

    def delete_branch(self, name: str) -> Any:
        return self.call("DELETE", f"/branches/{name}")

    def create_tag(self, name: str, ref: str) -> Any:
        return self.call("POST", "/tags", json={"id": name, "ref": self.named(ref)})

    def delete_tag(self, name: str) -> Any:
        return self.call("DELETE", f"/tags/{name}")

    def note_commit(self, branch: str) -> None:
        """The commit that the last operation made is the branch's head: learn its id."""
        self.ids.append(self.call("GET", f"/branches/{branch}").json["commit_id"])

    # Comparisons

    def _results(self, path: str, **fields: Any) -> list[Any]:
        answer = self.call("GET", path, fields={"amount": 1000, **fields})
        assert answer.status == 200, (self.server.engine.name, path, answer.data)
        return answer.json["results"]

    def _same(self, what: str, found: object, expected: object) -> None:
        if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
            first = next((n for n, pair in enumerate(zip(found, expected, strict=True)) if pair[0] != pair[1]), 0)
            what, found, expected = f"{what}[{first}]", found[first:][:1], expected[first:][:1]
        assert found == expected, f"{self.server.engine.name}: {what}: {found} instead of {expected}"

    def check_refs(self, model: Model) -> None:
        found = {each["id"]: each["commit_id"] for each in self._results("/branches", show_hidden="true")}
        self._same("branches", found, {name: self.ids[branch.head] for name, branch in model.branches.items()})
        shown = [each["id"] for each in self._results("/branches")]
        self._same("shown branches", shown, sorted(n for n, branch in model.branches.items() if not branch.hidden))
        found = {each["id"]: each["commit_id"] for each in self._results("/tags")}
        self._same("tags", found, {name: self.ids[number] for name, number in model.tags.items()})

    def check_branch(self, model: Model, branch: str) -> None:
        self.check_tree(model, branch)
        found = [(each["type"], each["path"]) for each in self._results(f"/branches/{branch}/diff")]
        self._same(f"uncommitted on {branch}", found, model.uncommitted(branch))
        self.check_log(model, branch)

    def check_tree(self, model: Model, ref: str) -> None:
        """The listing of a ref."""
        found = [
            (o["path"], o["checksum"], o["size_bytes"], o["content_type"], o.get("metadata", {}))
            for o in self._results(f"/refs/{self._ref(ref)}/objects/ls")
        ]
        tree = model.tree(ref)
        expected = [
            (path, tree[path].checksum, len(tree[path].data), tree[path].type, dict(tree[path].metadata))
            for path in sorted(tree, key=str.encode)
        ]
        self._same(f"listing of {ref}", found, expected)

    def check_contents(self, model: Model, ref: str, paths: Iterable[str]) -> None:
        """Every byte at these paths, or 404 where nothing is."""
        tree = model.tree(ref)
        for path in paths:
            answer = self.call("GET", f"/refs/{self._ref(ref)}/objects", fields={"path": path})
            expected = (200, tree[path].data) if path in tree else (404, None)
            self._same(f"{path} at {ref}", (answer.status, answer.data if answer.status == 200 else None), expected)

    def check_log(self, model: Model, ref: str, *, first_parent: bool = False) -> None:
        fields = {"first_parent": "true"} if first_parent else {}
        found = [
            (c["id"], c["message"], tuple(c["parents"]), c["metadata"])
            for c in self._results(f"/refs/{self._ref(ref)}/commits", **fields)
        ]
        expected = [self._commit(model, number) for number in model.log(ref, first_parent=first_parent)]
        self._same(f"log of {ref}", found, expected)

    def _commit(self, model: Model, number: int) -> tuple[Any, ...]:
        commit = model.commits[number]
        parents = tuple(self.ids[parent] for parent in commit.parents)
        metadata = {key: self.named(value) for key, value in commit.metadata.items()}
        return self.ids[number], self.named(commit.message), parents, metadata

    def check_log_of(self, model: Model, ref: str, path: str) -> None:
        found = [c["id"] for c in self._results(f"/refs/{self._ref(ref)}/commits", objects=path)]
        self._same(f"log of {path} at {ref}", found, [self.ids[number] for number in model.log_of(ref, path)])

    def check_diff(self, kind: str, left: str, right: str, expected: list[tuple[str, str]]) -> None:
        path = f"/refs/{self._ref(left)}/diff/{self._ref(right)}"
        found = [(each["type"], each["path"]) for each in self._results(path, type=kind)]
        self._same(f"{kind} diff of {left} and {right}", found, expected)

    def check_retained(self, model: Model, days: int) -> None:
        """What a garbage collection would keep; a lakeFS with a local store does not say."""
        self.call("PUT", "/settings/gc_rules", json={"default_retention_days": days, "branches": []})
        answer = self.call("POST", "/gc/prepare_commits")
        assert answer.status == 201, answer.data
        file = Path(answer.json["gc_commits_location"].removeprefix("local://"))
        found = sorted(line.split(",")[0] for line in file.read_text().splitlines()[1:])
        self._same(f"retained for {days} days", found, sorted(self.ids[n] for n in model.retained(days)))

    def check_everything(self, model: Model, chance: random.Random) -> None:
        """All refs and all commits with their trees; the bytes of each branch, and of some commits."""
        self.check_refs(model)
        for branch in model.branches:
            self.check_branch(model, branch)
            self.check_contents(model, branch, model.tree(branch))
        for number in range(len(model.commits)):
            self.check_tree(model, f"#{number}")
        number = chance.randrange(len(model.commits))
        self.check_contents(model, f"#{number}", model.commits[number].tree)
