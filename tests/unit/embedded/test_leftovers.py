"""What clients wrote to staging addresses: kept while an entry names it, gone a day later when none does."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import signal
import sqlite3
import threading
import time

import pytest
import urllib3

from lakefs_repro.embedded import process
from lakefs_repro.embedded.store import addresses, commits, objects, refs, repositories
from lakefs_repro.embedded.store.committing import CommitRequest, commit
from lakefs_repro.embedded.store.database import Database
from lakefs_repro.embedded.store.engine import Engine
from lakefs_repro.embedded.store.entry import Entry
from lakefs_repro.embedded.store.formats import STEPS


class Client:
    """A repository on an engine that may die."""

    def __init__(self, root) -> None:
        self.root = root
        self.info = process.start(root)
        self._pool = urllib3.PoolManager(retries=False)
        self.call("POST", "", json={"name": "left", "storage_namespace": "local://left"})

    def call(self, method, path, **options):
        base = f"{self.info.endpoint}/api/v1/repositories"
        headers = urllib3.make_headers(basic_auth=f"{self.info.access_key_id}:{self.info.secret_access_key}")
        return self._pool.request(method, f"{base}{path}", headers=headers, **options)

    def written(self, path, data=b"data"):
        """A staging address with bytes behind it."""
        answer = self.call("GET", f"/left/branches/main/staging/backing?path={path}&presign=true").json()
        assert self._pool.request("PUT", answer["presigned_url"], body=data).status == 200
        return answer["physical_address"]

    def linked(self, path, data=b"data"):
        address = self.written(path, data)
        staging = {"staging": {"physical_address": address}, "checksum": "c", "size_bytes": len(data)}
        assert self.call("PUT", f"/left/branches/main/staging/backing?path={path}", json=staging).status == 200
        return address

    def read(self, path):
        answer = self.call("GET", f"/left/refs/main/objects?path={path}")
        return answer.data if answer.status == 200 else answer.status

    def restart(self, *, kill=False):
        if kill:
            os.kill(self.info.pid, signal.SIGKILL)
        process.stop(self.root)
        self.info = process.start(self.root)


@pytest.fixture
def client(tmp_path):
    made = Client(tmp_path / "a, b" / "root")
    yield made
    process.stop(made.root)


def new_repository(engine: Engine) -> repositories.Repository:
    """A repository with an empty branch ``main``."""

    def create(connection):
        made = repositories.create(
            connection, "rep", namespace="local://rep", default_branch="main", read_only=False, now=0
        )
        first = commits.make(made, (), committer="", message="", creation_date=0, metarange_id="", metadata={})
        commits.insert(connection, made, first)
        refs.create_branch(connection, made, "main", first.id, hidden=False)
        return made

    return engine.writer.submit(create)


def test_what_nobody_linked_goes_a_day_later(tmp_path):
    now = [1_000_000.0]

    def opened() -> Engine:
        return Engine(tmp_path / "a, b", clock=lambda: now[0])

    def written(engine, repository, path) -> str:
        address = addresses.issue(engine, repository, "main", path)
        addresses.issued_file(engine, address).write_bytes(path.encode())
        return address

    engine = opened()
    repository = new_repository(engine)
    names = {path: written(engine, repository, path) for path in ("staged", "committed", "deleted", "stray")}
    (engine.linked / "something else").write_bytes(b"x")
    for path in ("committed", "deleted", "staged"):
        entry = Entry(path, "c", len(path), 0, names[path], "text/plain", None)

        def link(connection, entry=entry):
            objects.stage(engine, connection, repository, "main", entry)
            addresses.note_link(engine, connection, entry.address)

        engine.writer.submit(link)
        if path == "deleted":
            commit(engine, repository, "main", CommitRequest("change"))
    young = written(engine, repository, "young")
    engine.close()
    for hours, gone in [(24, set()), (26, {"stray", "young"})]:
        now[0] = 1_000_000.0 + hours * 3600
        engine = opened()
        engine.tidying.wait()
        there = {path: addresses.issued_file(engine, name).exists() for path, name in {**names, "young": young}.items()}
        assert {path for path, is_there in there.items() if not is_there} == gone
        assert (engine.linked / "something else").exists()
        engine.close()


def test_linked_objects_survive_a_kill(client):
    data = {f"p{number}": os.urandom(10 ** (number + 1)) for number in range(6)}
    for path, content in data.items():
        client.linked(path, content)
    client.restart(kill=True)
    assert list((client.root / "tmp").iterdir()) == []
    for path, content in data.items():
        assert hashlib.md5(client.read(path)).digest() == hashlib.md5(content).digest()


def test_what_was_linked_under_load_survives_kills(client):
    kept: dict[str, bytes] = {}

    def write(name: str) -> None:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            for number in itertools.count():
                path, data = f"{name}-{number}", os.urandom(1 + number * 997 % 200_000)
                client.linked(path, data)
                kept[path] = data

    for round_number in range(3):
        writers = [threading.Thread(target=write, args=(f"{round_number}-{each}",)) for each in range(3)]
        for writer in writers:
            writer.start()
        time.sleep(0.5)
        os.kill(client.info.pid, signal.SIGKILL)
        for writer in writers:
            writer.join()
        client.restart()
        assert {path: client.read(path) for path in kept} == kept
    assert len(kept) > 30


def test_presigned_urls_stay_good_over_a_restart_and_are_private(client):
    client.linked("a", b"data")
    url = client.call("GET", "/left/refs/main/objects?path=a&presign=true", redirect=False).headers["Location"]
    client.restart()
    moved = client.info.endpoint + url[url.index("/presigned/") :]
    assert urllib3.PoolManager().request("GET", moved).data == b"data"
    assert (client.root / "metadata.sqlite").parent.stat().st_mode & 0o77 == 0


def test_an_older_folder_gets_a_key_of_its_own(tmp_path):
    path = tmp_path / "metadata.sqlite"
    old = sqlite3.connect(path)
    old.executescript(f"{STEPS[0]} INSERT INTO settings VALUES ('root_id', 'r'); PRAGMA user_version = 1;")
    old.close()
    database = Database(path, now=1)
    key = database.setting("signing_key")
    database.close()
    again = Database(path, now=1)
    assert (len(key), again.setting("signing_key"), again.setting("root_id")) == (64, key, "r")
    again.close()


def test_multipart_uploads_survive_a_kill_and_are_forgotten_after_a_day(client):
    begun = [client.call("POST", "/left/branches/main/staging/pmpu?path=big&parts=1").json() for _ in range(2)]
    tags = []
    for upload in begun:
        answer = urllib3.PoolManager().request("PUT", upload["presigned_urls"][0], body=b"part")
        tags.append(answer.headers["ETag"])
    client.restart(kill=True)
    old = time.time() - 2 * 24 * 60 * 60
    os.utime(client.root / "uploads" / begun[1]["upload_id"], (old, old))
    client.restart()

    def complete(number):
        upload = begun[number]
        body = {
            "physical_address": upload["physical_address"],
            "parts": [{"part_number": 1, "etag": tags[number]}],
        }
        return client.call("PUT", f"/left/branches/main/staging/pmpu/{upload['upload_id']}?path=big", json=body)

    assert complete(1).status == 500
    assert complete(0).status == 200
    assert client.read("big") == b"part"
    assert list((client.root / "uploads").iterdir()) == []
