"""A restore killed anywhere: old or new, whole; the same command goes on and downloads the rest alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.lakes import ingest_files, make_context

from lakefs_repro.restore.folder import restore_to
from lakefs_repro.snapshot.resolve import resolve

DRIVER = Path(__file__).parent / "restore_driver.py"
OLD = {f"f{n}": b"old %d" % n for n in range(20)} | {"same": b"same"}
NEW = {f"f{n}": b"new %d" % n for n in range(30)} | {"same": b"same", "large": os.urandom(5 << 20)}


def run(engine, repository, ref, target, state, **more):
    said = {
        "engine": {
            "endpoint": engine.endpoint,
            "access_key_id": engine.access_key_id,
            "secret_access_key": engine.secret_access_key,
            "name": engine.name,
        },
        "repository": repository,
        "ref": ref,
        "target": str(target),
        "state": str(state),
        **more,
    }
    return subprocess.run(
        [sys.executable, "-W", "error", str(DRIVER), json.dumps(said)], capture_output=True, text=True, check=False
    )


def read(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def alone(target):
    return [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.fixture
def lake(embedded_engine, tmp_path):
    repository = embedded_engine.new_repository()
    ctx = make_context(embedded_engine, repository, tmp_path / "state")
    ingest_files(ctx, tmp_path, OLD)
    ingest_files(ctx, tmp_path, NEW)
    return ctx


@pytest.mark.parametrize("kill", ["look", "download", "after:1", "after:12", "after:31", "rename:1"])
def test_killed_while_a_folder_is_made(lake, embedded_engine, tmp_path, kill):
    out = tmp_path / "place" / "out"
    name = lake.repository.name
    killed = run(embedded_engine, name, "flights@1.1.0", out, lake.state, kill=kill)
    assert killed.returncode == -9, killed.stderr
    assert not out.exists()
    done = run(embedded_engine, name, "flights@1.1.0", out, lake.state)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert read(out) == NEW
    assert report["resumed"] + report["downloaded"] == len(NEW)
    if kill == "rename:1":
        assert report["downloaded"] == 0
    assert alone(out)


@pytest.mark.parametrize("exchanging", [True, False])
@pytest.mark.parametrize("kill", ["compare", "look", "after:1", "after:20", "rename:1", "rename:2"])
@pytest.mark.parametrize("then", ["flights@1.1.0", "flights@1.0.0"])
def test_killed_while_a_folder_is_replaced(lake, embedded_engine, tmp_path, kill, exchanging, then):
    out = tmp_path / "place" / "out"
    name = lake.repository.name
    restore_to(lake, resolve(lake, "flights@1.0.0"), out, state=lake.state)
    killed = run(embedded_engine, name, "flights@1.1.0", out, lake.state, kill=kill, exchanging=exchanging)
    assert killed.returncode == -9, killed.stderr
    if exchanging or kill != "rename:2":
        assert read(out) in (OLD, NEW)
    else:
        assert not out.exists(), "only without an exchange of names is there a moment with neither"
    done = run(embedded_engine, name, then, out, lake.state, exchanging=exchanging)
    assert done.returncode == 0, done.stderr
    assert read(out) == (NEW if then == "flights@1.1.0" else OLD)
    assert alone(out)
    again = run(embedded_engine, name, "flights@1.0.0", out, lake.state)
    assert again.returncode == 0, "all of it is known as ours: " + again.stderr
    assert read(out) == OLD


def test_what_was_downloaded_before_the_kill_is_not_asked_for_again(fresh_engine, tmp_path):
    repository = fresh_engine.new_repository()
    ctx = make_context(fresh_engine, repository, tmp_path / "state")
    files = {f"f{n:03}": os.urandom(300_000) for n in range(40)}
    ingest_files(ctx, tmp_path, files)
    out = tmp_path / "place" / "out"

    def asked():
        """How many objects the log says were read, once it says so no more: a killed client's requests go on."""
        deadline, seen, known = time.monotonic() + 20, -1, 0
        while time.monotonic() < deadline and seen != known:
            seen = known
            time.sleep(0.5)
            lines = (fresh_engine.root / "access.log").read_text().splitlines()
            known = sum("objects?path=flights%2F" in line and " GET" in line for line in lines)
        return known

    killed = run(fresh_engine, repository, "flights@1.0.0", out, ctx.state, kill="after:15")
    assert killed.returncode == -9, killed.stderr
    first = asked()
    done = run(fresh_engine, repository, "flights@1.0.0", out, ctx.state)
    report = json.loads(done.stdout)
    assert read(out) == files
    assert report["resumed"] >= 15
    assert report["downloaded"] == 40 - report["resumed"]
    # Of the two threads' files one or both can have been whole when the kill came, only without their names yet.
    assert report["downloaded"] - 2 <= asked() - first <= report["downloaded"]


def test_a_half_written_file_in_the_staging_folder_is_brought_again(lake, embedded_engine, tmp_path):
    out = tmp_path / "place" / "out"
    name = lake.repository.name
    run(embedded_engine, name, "flights@1.1.0", out, lake.state, kill="rename:1")
    (staging,) = out.parent.glob(".out.lakefs-repro-*/")
    (staging / "tree" / "f3").write_bytes(b"new")
    os.truncate(staging / "tree" / "large", 1 << 20)
    done = run(embedded_engine, name, "flights@1.1.0", out, lake.state)
    assert json.loads(done.stdout)["downloaded"] == 2
    assert read(out) == NEW
