"""Killed at any moment, the engine keeps everything that it acknowledged."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import threading
import time

import pytest
import urllib3

from lakefs_repro.embedded import process

WRITERS = 4


class Load:
    """Clients that write, commit and tag until the engine is gone, and remember what was acknowledged."""

    def __init__(self, info, repository) -> None:
        self.info = info
        self.repository = repository
        self.objects: dict[tuple[str, str], str] = {}
        self.commits: list[tuple[str, str]] = []
        self.tags: dict[str, str] = {}
        self.unexpected: list[bytes] = []
        self._pool = urllib3.PoolManager(maxsize=WRITERS, retries=False)
        self._auth = urllib3.make_headers(basic_auth=f"{info.access_key_id}:{info.secret_access_key}")

    def call(self, method, path, body=None):
        url = f"{self.info.endpoint}/api/v1/repositories/{self.repository}{path}"
        headers = {**self._auth, "Content-Type": "application/json"}
        return self._pool.request(method, url, body=body, headers=headers)

    def create(self) -> None:
        body = f'{{"name": "{self.repository}", "storage_namespace": "local://{self.repository}"}}'.encode()
        headers = {**self._auth, "Content-Type": "application/json"}
        answer = self._pool.request("POST", f"{self.info.endpoint}/api/v1/repositories", body=body, headers=headers)
        assert answer.status == 201

    def write(self, branch: str, salt: str) -> None:
        """One client on a branch of its own."""
        rng = random.Random(branch + salt)
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            for number in range(1_000_000):
                data = rng.randbytes(rng.choice([10, 5000, 200_000]))
                path = f"{salt}-{number}"
                answer = self.call("POST", f"/branches/{branch}/objects?path={path}", data)
                self._expect(answer)
                self.objects[branch, path] = hashlib.md5(data).hexdigest()
                if number % 5 == 4:
                    answer = self.call("POST", f"/branches/{branch}/commits", b'{"message": "m"}')
                    self._expect(answer)
                    commit = answer.json()["id"]
                    self.commits.append((branch, commit))
                    tag = f"{branch}-{salt}-{number}"
                    self._expect(self.call("POST", "/tags", f'{{"id": "{tag}", "ref": "{commit}"}}'.encode()))
                    self.tags[tag] = commit

    def _expect(self, answer) -> None:
        if answer.status != 201:
            self.unexpected.append(answer.data)


def check(load: Load) -> None:
    """Everything acknowledged is there, byte for byte."""
    for (branch, path), checksum in load.objects.items():
        answer = load.call("GET", f"/refs/{branch}/objects?path={path}")
        assert answer.status == 200, (branch, path, answer.data)
        assert hashlib.md5(answer.data).hexdigest() == checksum
    for branch, commit in load.commits:
        assert load.call("GET", f"/commits/{commit}").status == 200
        assert load.call("GET", f"/refs/{commit}/merge/{branch}").json()["base_commit_id"] == commit
    for tag, commit in load.tags.items():
        assert load.call("GET", f"/tags/{tag}").json()["commit_id"] == commit


def test_nothing_acknowledged_is_lost_when_killed_under_load(tmp_path):
    root = tmp_path / "root"
    info = process.start(root)
    load = Load(info, "crash")
    try:
        load.create()
        for number in range(WRITERS):
            load.call("POST", "/branches", f'{{"name": "b{number}", "source": "main"}}'.encode())
        rounds = 4
        for round_number in range(rounds):
            writers = [
                threading.Thread(target=load.write, args=(f"b{number}", str(round_number))) for number in range(WRITERS)
            ]
            for writer in writers:
                writer.start()
            time.sleep(random.uniform(0.2, 0.8))
            os.kill(load.info.pid, signal.SIGKILL)
            for writer in writers:
                writer.join()
            load.info = process.start(root)
            assert list((root / "tmp").iterdir()) == []
            check(load)
        assert not load.unexpected
        assert len(load.commits) >= rounds
        assert len(load.objects) >= 20
    finally:
        process.stop(root)


@pytest.mark.parametrize("leftover", ["tmp/abc", "incoming/old.bin"])
def test_leftovers_of_a_crash(tmp_path, leftover):
    root = tmp_path / "root"
    process.start(root)
    process.stop(root)
    (root / leftover).write_bytes(b"half")
    os.utime(root / leftover, (1, 1))
    process.start(root)
    process.stop(root)
    assert not (root / leftover).exists()


def test_torn_end_of_a_pack_is_cut_off(tmp_path):
    root = tmp_path / "root"
    process.start(root)
    process.stop(root)
    pack = root / "packs" / "00000000.pack"
    pack.write_bytes(b"written but never named")
    process.start(root)
    process.stop(root)
    assert pack.stat().st_size == 0
