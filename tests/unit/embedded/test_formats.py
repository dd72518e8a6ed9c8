"""Folders of older and of newer formats."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import engines

from lakefs_repro.embedded.inspection import check
from lakefs_repro.embedded.store import database, formats
from lakefs_repro.embedded.store.engine import Engine
from lakefs_repro.errors import InvalidError

OLD = Path(__file__).resolve().parents[2] / "data" / "engine-format-1"
STAGED_ON = "work"


def metadata(root):
    return closing(sqlite3.connect(root / "metadata.sqlite"))


def version(root) -> int:
    with metadata(root) as connection:
        return connection.execute("PRAGMA user_version").fetchone()[0]


def dump(root) -> list[str]:
    with metadata(root) as connection:
        return list(connection.iterdump())


def open_engine(root) -> Engine:
    return Engine(root, clock=lambda: 2_000_000_000.0)


@pytest.fixture
def old(tmp_path):
    """A folder of format 1, and what its engine answered."""
    root = tmp_path / "root"
    root.mkdir()
    kept = json.loads((OLD / "files.json").read_text())
    for name, content in kept["files"].items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        piece = bytes.fromhex(content["hex"]) if "hex" in content else content["text"].encode()
        file.write_bytes(piece * content["times"])
    with metadata(root) as connection:
        connection.executescript((OLD / "metadata.sql").read_text())
    assert version(root) == 1
    return root, kept["answers"]


def contents(engine, ref) -> dict[str, str]:
    """Path to SHA-256 of what is read."""

    def read(path):
        return engine.call("GET", f"/repositories/old/refs/{ref}/objects", fields={"path": path}).data

    listed = engine.call("GET", f"/repositories/old/refs/{ref}/objects/ls", fields={"amount": 1000}).json["results"]
    return {each["path"]: hashlib.sha256(read(each["path"])).hexdigest() for each in listed}


def test_folder_of_format_1_keeps_everything(old):
    root, said = old
    with engines.embedded(root) as engine:
        assert {ref: contents(engine, ref) for ref in said["refs"]} == said["refs"]
        for branch, head in said["heads"].items():
            assert engine.call("GET", f"/repositories/old/branches/{branch}").json["commit_id"] == head
        log = engine.call("GET", "/repositories/old/refs/main/commits").json["results"]
        assert sorted([each["id"], each["message"]] for each in log) == sorted(said["log"])
        staged = engine.call("GET", f"/repositories/old/branches/{STAGED_ON}/diff").json["results"]
        assert [[each["type"], each["path"]] for each in staged] == said["staged"]
        assert engine.call("GET", "/repositories/old/settings/branch_protection").json == [{"pattern": "main"}]
        assert engine.call("GET", "/repositories/old/settings/gc_rules").json["default_retention_days"] == 21
        assert engine.call("GET", "/repositories/old").json["id"] == "old"

        expected = contents(engine, STAGED_ON)
        done = engine.call("POST", f"/repositories/old/branches/{STAGED_ON}/commits", json={"message": "today's"})
        assert done.status == 201
        assert contents(engine, done.json["id"]) == expected
    assert version(root) == formats.FORMAT_VERSION
    said = check(root, deep=True)
    assert said.ok, said.troubles
    assert not said.remarks  # these clients claim nothing that is not so


@pytest.mark.parametrize("taken", range(1, formats.FORMAT_VERSION + 1))
def test_folder_of_any_format_in_between_is_brought_to_the_newest(old, taken):
    """As an engine leaves it that is killed between two steps."""
    root, _ = old
    with metadata(root) as connection:
        for number, step in enumerate(formats.STEPS[1:taken], 2):
            connection.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;")
    open_engine(root).close()
    assert version(root) == formats.FORMAT_VERSION
    assert check(root).ok


def test_upgraded_folder_has_the_tables_of_a_new_one(old, tmp_path):
    root, _ = old
    for each in (root, tmp_path / "new"):
        open_engine(each).close()
    query = "SELECT name, sql FROM sqlite_master ORDER BY name"
    tables = []
    for each in (root, tmp_path / "new"):
        with metadata(each) as connection:
            tables.append(connection.execute(query).fetchall())
    assert tables[0] == tables[1]


def test_newer_format_is_refused_and_left_alone(old):
    root, _ = old
    with metadata(root) as connection:
        connection.execute(f"PRAGMA user_version = {formats.FORMAT_VERSION + 1}")
    before = dump(root)
    with pytest.raises(InvalidError, match="on-disk format") as caught:
        open_engine(root)
    assert caught.value.kind == "engine-format-newer"
    assert (dump(root), version(root)) == (before, formats.FORMAT_VERSION + 1)


@pytest.mark.parametrize("good", [0, 2])
def test_step_that_fails_leaves_the_format_before_it(old, monkeypatch, good):
    root, _ = old
    bad = "CREATE TABLE half (a); UPDATE branches SET commit_id = 'lost'; INSERT INTO nowhere VALUES (1);"
    with monkeypatch.context() as patched:
        patched.setattr(database, "STEPS", (*formats.STEPS[: 1 + good], bad))
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            open_engine(root)
    assert version(root) == 1 + good
    assert not [line for line in dump(root) if "half" in line or "'lost'" in line]
    open_engine(root).close()  # not held by the one that failed, and fit for the steps as they should be
    assert version(root) == formats.FORMAT_VERSION
    assert check(root, deep=True).ok
