"""A client that works on an engine that is killed under its hands, and knows what it may find afterwards."""

from __future__ import annotations

import hashlib
import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field

import urllib3
from support.engines import EngineUnderTest

from lakefs_repro.embedded.frames import frame_header

BULK = "application/vnd.lakefs-repro.bulk.v1"
PART = 5 * 1024 * 1024
OWN, SHARED, TRUNK = "own", "shared", "trunk"
# Others may have committed, or merged, what was there.
_NOTHING_TO_DO = ("commit: no changes", "no changes", "nothing to commit")


class KilledError(Exception):
    """No answer came: what was asked for has happened, or it has not."""


@dataclass
class Ledger:
    """What one client knows of a branch below its own folder: path to ETag, and what else may be true of a path."""

    state: dict[str, str] = field(default_factory=dict)
    maybe: dict[str, set[str | None]] = field(default_factory=dict)

    def asked(self, changes: dict[str, str | None]) -> None:
        for path, etag in changes.items():
            self.maybe.setdefault(path, set()).add(etag)

    def answered(self, changes: dict[str, str | None]) -> None:
        for path, etag in changes.items():
            self.maybe.pop(path, None)
            self.state.pop(path, None)
            if etag is not None:
                self.state[path] = etag

    def settle(self, found: dict[str, str], where: str) -> None:
        """Compare with what is there, and go on from that."""
        for path in {*self.state, *self.maybe, *found}:
            allowed = {self.state.get(path), *self.maybe.get(path, ())}
            assert found.get(path) in allowed, f"{where}: {path} is {found.get(path)}, and not one of {allowed}"
        self.state, self.maybe = dict(found), {}


@dataclass
class Unlinked:
    """Bytes that lie at a staging address, acknowledged; the object is not there yet, or nobody knows."""

    path: str
    address: str
    data: bytes
    upload: str = ""
    parts: list[tuple[int, str]] = field(default_factory=list)


class Client:
    """One client: a branch of its own, a folder of its own on a branch that all write to, a trunk to merge into."""

    def __init__(self, name: str, engine: EngineUnderTest, repository: str, seed: int) -> None:
        self.name, self.engine, self.repository = name, engine, repository
        self.random = random.Random(seed)
        self.branches = {OWN: name, SHARED: "main"}
        self.ledgers = {OWN: Ledger(), SHARED: Ledger()}
        self.contents: dict[str, str] = {}
        self.commits: dict[str, dict[str, str]] = {}
        self.tags: dict[str, str] = {}
        self.heads: list[dict[str, str]] = [{}]  # what the own branch's head may hold
        self.merged: list[dict[str, str]] = [{}]  # what the trunk may hold of ours
        self.unlinked: Unlinked | None = None
        self.touched: set[tuple[str, str]] = set()
        self.acknowledged = 0
        self.problems: list[str] = []
        self._number = 0

    # What one client does, in its own thread

    def work(self, until: float) -> None:
        """Do one thing after the other until the engine is gone, or until it is late."""
        roads = [
            *[self.put] * 8,
            *[self.delete, self.copy, self.bulk, self.local] * 2,
            *[self.presigned, self.commit, self.commit_shared, self.merge, self.tag] * 2,
            self.multipart,
            self.reset,
        ]
        try:
            self.finish_unlinked()
            while time.monotonic() < until:
                self.random.choice(roads)()
        except KilledError:
            return
        except Exception as error:
            self.problems.append(f"{self.name}: {type(error).__name__}: {error}")

    def ask(self, method, path, expected, **options):
        answer = self._ask(lambda: self.engine.call(method, f"/repositories/{self.repository}{path}", **options))
        if answer.status in expected:
            self.acknowledged += 1
            return answer
        if answer.status == 400 and any(words in answer.message for words in _NOTHING_TO_DO):
            return None
        raise AssertionError(f"{method} {path} answered {answer.status}: {answer.data[:200]!r}")

    def _ask(self, send):
        try:
            return send()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise KilledError from error

    def data(self) -> bytes:
        size = self.random.choice([10, 10, 10, 3000, 65_536, 65_537, 300_000, 2_000_000])
        data = self.random.randbytes(size)
        self._know(hashlib.md5(data).hexdigest(), data)
        return data

    def _know(self, etag: str, data: bytes) -> None:
        self.contents[etag] = hashlib.md5(data).hexdigest()

    def path(self) -> str:
        """A new path, or one that was written to before."""
        self._number += 1
        return f"{self.name}/{self.random.choice([self._number, self.random.randrange(40)]):05d}"

    def change(self, which: str, changes: dict[str, str | None], method: str, path: str, expected, **options):
        self.touched |= {(which, each) for each in changes}
        ledger = self.ledgers[which]
        ledger.asked(changes)
        answer = self.ask(method, f"/branches/{self.branches[which]}{path}", expected, **options)
        ledger.answered(changes)
        return answer

    def where(self) -> str:
        return self.random.choice([OWN, SHARED])

    def put(self) -> None:
        path, data = self.path(), self.data()
        changes = {path: hashlib.md5(data).hexdigest()}
        self.change(self.where(), changes, "POST", "/objects", {201}, fields={"path": path}, body=data)

    def delete(self) -> None:
        path = self.path()
        self.change(self.where(), {path: None}, "DELETE", "/objects", {204, 404}, fields={"path": path})

    def copy(self) -> None:
        which = self.where()
        if not self.ledgers[which].state:
            return
        source, path = self.random.choice(sorted(self.ledgers[which].state)), self.path()
        changes = {path: self.ledgers[which].state[source]}
        self.change(
            which, changes, "POST", "/objects/copy", {201}, fields={"dest_path": path}, json={"src_path": source}
        )

    def bulk(self) -> None:
        sent = {self.path(): self.data() for _ in range(self.random.choice([3, 60]))}
        body = b"".join(frame_header({"path": path, "size": len(data)}) + data for path, data in sent.items())
        changes = {path: hashlib.md5(data).hexdigest() for path, data in sent.items()}
        headers = {"Content-Type": BULK}
        answer = self.change(self.where(), changes, "POST", "/objects/bulk", {200}, body=body, headers=headers)
        assert {each["status"] for each in answer.json["results"]} == {201}, answer.data

    def local(self) -> None:
        path, data, name = self.path(), self.data(), f"{self.name}-{self._number}"
        (self.engine.root / "incoming" / name).write_bytes(data)
        md5 = hashlib.md5(data).hexdigest()
        body = {"path": path, "file": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "md5": md5}
        self.change(self.where(), {path: md5}, "POST", "/objects/local", {201}, json=body)

    def presigned(self) -> None:
        path, data = self.path(), self.data()
        asked = self.ask(
            "GET", f"/branches/{self.name}/staging/backing", {200}, fields={"path": path, "presign": "true"}
        ).json
        self._send(asked["presigned_url"], data)
        self.unlinked = Unlinked(path, asked["physical_address"], data)
        self.finish_unlinked()

    def multipart(self) -> None:
        path, sizes = self.path(), self.random.choice([[1000], [1000], [PART, 70_000]])
        whole = self.random.randbytes(sum(sizes))
        where = f"/branches/{self.name}/staging/pmpu"
        begun = self.ask("POST", where, {201}, fields={"path": path, "parts": len(sizes)}).json
        left = Unlinked(path, begun["physical_address"], whole, begun["upload_id"])
        start = 0
        for number, (size, url) in enumerate(zip(sizes, begun["presigned_urls"], strict=True), 1):
            left.parts.append((number, self._send(url, whole[start : start + size])))
            start += size
        self.unlinked = left
        self.finish_unlinked()

    def _send(self, url: str, data: bytes) -> str:
        answer = self._ask(lambda: self.engine.pool.request("PUT", url, body=data))
        assert answer.status == 200, answer.data
        self.acknowledged += 1
        return answer.headers["ETag"].strip('"')

    def finish_unlinked(self) -> None:
        """Link what was sent to its address, also in another life of the engine."""
        left = self.unlinked
        if left is None:
            return
        fields = {"path": left.path}
        if left.upload:
            joined = b"".join(bytes.fromhex(etag) for _, etag in left.parts)
            etag = f"{hashlib.md5(joined).hexdigest()}-{len(left.parts)}"
            if self.ledgers[OWN].state.get(left.path) != etag:
                parts = [{"part_number": number, "etag": each} for number, each in left.parts]
                body = {"physical_address": left.address, "parts": parts}
                self._know(etag, left.data)
                way = f"/staging/pmpu/{left.upload}"
                self.change(OWN, {left.path: etag}, "PUT", way, {200}, fields=fields, json=body)
        else:
            etag = hashlib.md5(left.data).hexdigest()
            body = {"staging": {"physical_address": left.address}, "checksum": etag, "size_bytes": len(left.data)}
            self.change(OWN, {left.path: etag}, "PUT", "/staging/backing", {200}, fields=fields, json=body)
        self.unlinked = None

    def commit(self) -> None:
        state = dict(self.ledgers[OWN].state)
        self.heads.append(state)
        answer = self.ask("POST", f"/branches/{self.name}/commits", {201}, json={"message": "m"})
        self.heads = [state]
        if answer is not None:
            self.commits[answer.json["id"]] = state

    def commit_shared(self) -> None:
        state = dict(self.ledgers[SHARED].state)
        answer = self.ask("POST", "/branches/main/commits", {201}, json={"message": "m"})
        if answer is not None:
            self.commits[answer.json["id"]] = state

    def merge(self) -> None:
        state = dict(self.heads[-1])
        self.merged.append(state)
        answer = self.ask("POST", f"/refs/{self.name}/merge/{TRUNK}", {200}, json={})
        self.merged = [state]
        if answer is not None:
            self.commits[answer.json["reference"]] = state

    def tag(self) -> None:
        if self.commits:
            name, commit = f"{self.name}-{self._number}-{len(self.tags)}", self.random.choice(sorted(self.commits))
            if self.ask("POST", "/tags", {201, 409}, json={"id": name, "ref": commit}).status == 201:
                self.tags[name] = commit

    def reset(self) -> None:
        head, ledger = self.heads[-1], self.ledgers[OWN]
        changes = {path: head.get(path) for path in {*head, *ledger.state}}
        self.change(OWN, changes, "PUT", "", {204}, json={"type": "reset"})

    # What is there after the engine has come back

    def listed(self, ref: str) -> dict[str, str]:
        found, after = {}, ""
        while True:
            fields = {"prefix": f"{self.name}/", "amount": 1000, "after": after}
            page = self.engine.call("GET", f"/repositories/{self.repository}/refs/{ref}/objects/ls", fields=fields)
            assert page.status == 200, page.data
            found |= {each["path"]: each["checksum"] for each in page.json["results"]}
            if not page.json["pagination"]["has_more"]:
                return found
            after = page.json["pagination"]["next_offset"]

    def check(self, *, everything: bool = False) -> None:
        """Everything that was acknowledged is there, and nothing that was never asked for."""
        for which, ledger in self.ledgers.items():
            ledger.settle(self.listed(self.branches[which]), f"{self.name} on {which}")
        self.heads = [self._one_of(self.heads, self._head(self.name))]
        self.merged = [self._one_of(self.merged, self._head(TRUNK))]
        known = sorted(self.commits)
        for commit in known if everything else self.random.sample(known, min(len(known), 5)):
            assert self.listed(commit) == self.commits[commit], f"{self.name}: {commit} is not what was committed"
        for tag, commit in self.tags.items():
            assert self._get(f"/tags/{tag}").json["commit_id"] == commit
        for which, path in sorted(self.touched if not everything else self._all()):
            self._read(which, path)
        self.touched.clear()

    def _all(self) -> set[tuple[str, str]]:
        return {(which, path) for which, ledger in self.ledgers.items() for path in ledger.state}

    def _read(self, which: str, path: str) -> None:
        etag = self.ledgers[which].state.get(path)
        answer = self._get(f"/refs/{self.branches[which]}/objects", path=path)
        if etag is None:
            assert answer.status == 404, (which, path)
        else:
            assert answer.status == 200, (which, path, answer.data)
            assert hashlib.md5(answer.data).hexdigest() == self.contents[etag], f"{which} {path} has other bytes"

    def _head(self, branch: str) -> dict[str, str]:
        return self.listed(self._get(f"/branches/{branch}").json["commit_id"])

    def _one_of(self, possible: list[dict[str, str]], found: dict[str, str]) -> dict[str, str]:
        assert found in possible, f"{self.name}: a head is neither old nor new, or half of one"
        return found

    def _get(self, where: str, **fields):
        return self.engine.call("GET", f"/repositories/{self.repository}{where}", fields=fields)

    def forget_files(self) -> None:
        """Files for the local road that a killed engine has not taken."""
        for file in (self.engine.root / "incoming").glob(f"{self.name}-*"):
            with suppress(FileNotFoundError):
                file.unlink()


def create_branch(engine: EngineUnderTest, repository: str, name: str) -> None:
    answer = engine.call("POST", f"/repositories/{repository}/branches", json={"name": name, "source": "main"})
    assert answer.status == 201, json.loads(answer.data)
