"""Sixteen clients write, commit and merge at once in one repository: no update is lost, and no answer is a 500."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from lakefs_repro.embedded.inspection import check

CLIENTS, ROUNDS = 16, 6
NOTHING = {"commit: no changes"}


class Client:
    """One of many: keeps what was acknowledged, and every answer that is not what it may be."""

    def __init__(self, engine, repository: str, name: str) -> None:
        self.engine, self.repository, self.name = engine, repository, name
        self.objects: dict[tuple[str, str], bytes | None] = {}
        self.commits: dict[str, list[str]] = {"main": [], "trunk": []}
        self.surprises: list[object] = []

    def call(self, expected: int, method: str, path: str, **options):
        answer = self.engine.call(method, f"/repositories/{self.repository}{path}", **options)
        if answer.status != expected and not (answer.status == 400 and answer.message in NOTHING):
            self.surprises.append((method, path, answer.status, answer.data))
        return answer

    def put(self, branch: str, path: str, data: bytes) -> None:
        path = f"{self.name}/{path}"
        if self.call(201, "POST", f"/branches/{branch}/objects", fields={"path": path}, body=data).status == 201:
            self.objects[branch, path] = data
        read = self.call(200, "GET", f"/refs/{branch}/objects", fields={"path": path})
        if read.data != data:
            self.surprises.append(("read after write", branch, path, read.data))

    def delete(self, branch: str, path: str) -> None:
        path = f"{self.name}/{path}"
        if self.call(204, "DELETE", f"/branches/{branch}/objects", fields={"path": path}).status == 204:
            self.objects[branch, path] = None

    def commit(self, branch: str) -> None:
        message = {"message": self.name}
        answer = self.call(201, "POST", f"/branches/{branch}/commits", json=message)
        if answer.status == 201 and branch in self.commits:
            self.commits[branch].append(answer.json["id"])

    def work(self) -> None:
        self.call(201, "POST", "/branches", json={"name": self.name, "source": "main"})
        for number in range(ROUNDS):
            for branch in ("main", self.name):
                self.put(branch, f"new-{number}", f"{self.name} {number}".encode())
                self.put(branch, "counter", str(number).encode())
                self.put(branch, "large", bytes([number]) * 70_000)
                if number:
                    self.delete(branch, f"new-{number - 1}")
                self.commit(branch)
            merged = self.call(200, "POST", f"/refs/{self.name}/merge/trunk", json={})
            if merged.status == 200:
                self.commits["trunk"].append(merged.json["reference"])


def history(engine, repository: str, ref: str) -> set[str]:
    """The ids of all commits that lead to ``ref``."""
    found, after = set(), ""
    while True:
        fields = {"amount": 1000, "after": after}
        page = engine.call("GET", f"/repositories/{repository}/refs/{ref}/commits", fields=fields).json
        found |= {each["id"] for each in page["results"]}
        if not page["pagination"]["has_more"]:
            return found
        after = page["pagination"]["next_offset"]


def test_sixteen_clients_at_once_lose_nothing(fresh_engine):
    repository = fresh_engine.new_repository()
    clients = [Client(fresh_engine, repository, f"client-{number}") for number in range(CLIENTS)]
    made = fresh_engine.call("POST", f"/repositories/{repository}/branches", json={"name": "trunk", "source": "main"})
    assert made.status == 201
    with ThreadPoolExecutor(CLIENTS) as pool:
        for each in [pool.submit(client.work) for client in clients]:
            each.result()
    assert [client.surprises for client in clients] == [[]] * CLIENTS
    clients[0].commit("main")

    for branch in ("main", "trunk"):
        known = history(fresh_engine, repository, branch)
        for client in clients:
            assert set(client.commits[branch]) <= known
    for client in clients:
        assert len(client.commits["trunk"]) == ROUNDS
        for (branch, path), data in client.objects.items():
            for ref in (branch, "trunk") if branch == client.name else ("main",):
                answer = client.engine.call(
                    "GET", f"/repositories/{repository}/refs/{ref}/objects", fields={"path": path}
                )
                assert (answer.status, answer.data if data is not None else None) == (
                    404 if data is None else 200,
                    data,
                )
    said = check(fresh_engine.root, deep=True)
    assert said.ok, said.troubles
    assert not said.remarks  # these clients claim nothing that is not so


def test_of_sixteen_moves_of_one_branch_each_stands_upon_another(fresh_engine):
    """Commits, reverts and cherry-picks race for one head: the history of the branch holds every one that was answered."""
    repository = fresh_engine.new_repository()
    go = threading.Barrier(CLIENTS)

    def call(method, path, **options):
        return fresh_engine.call(method, f"/repositories/{repository}{path}", **options)

    def committed(branch, path):
        assert call("POST", f"/branches/{branch}/objects", fields={"path": path}, body=path.encode()).status == 201
        answer = call("POST", f"/branches/{branch}/commits", json={"message": path})
        assert answer.status == 201
        return answer.json["id"]

    base = [committed("main", f"base-{number}") for number in range(CLIENTS)]
    assert call("POST", "/branches", json={"name": "side", "source": "main"}).status == 201
    side = [committed("side", f"side-{number}") for number in range(CLIENTS)]

    def move(number):
        go.wait()
        if number % 2:
            return call("POST", "/branches/main/cherry-pick", json={"ref": side[number]})
        return call("POST", "/branches/main/revert", json={"ref": base[number], "parent_number": 0})

    before = history(fresh_engine, repository, "main")
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(move, range(CLIENTS)))
    assert sorted(answer.status for answer in answers) == [201] * 8 + [204] * 8
    assert len(history(fresh_engine, repository, "main") - before) == CLIENTS
    listed = call("GET", "/refs/main/objects/ls", fields={"amount": 1000}).json["results"]
    wanted = {f"base-{number}" for number in range(1, CLIENTS, 2)} | {
        f"side-{number}" for number in range(1, CLIENTS, 2)
    }
    assert {each["path"] for each in listed} == wanted
