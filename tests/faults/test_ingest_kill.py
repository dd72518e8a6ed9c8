"""An ingest killed at each of its steps: old or new, and the same command completes."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from support.commands import command
from support.lakes import data_at, ingest_files, leftovers, make_context, pins, tags, write_files

from lakefs_repro.ingest.ingest import STEPS, ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.snapshot.line import read_line

OLD = {"a.bin": b"a", "sub/b.bin": b"b", "c.bin": b"c"}
NEW = {"a.bin": b"a", "sub/b.bin": b"B2", "d.bin": b"d", "e.bin": b"e"}


@pytest.mark.parametrize("step", [*STEPS, "upload+"])
def test_killed_at_a_step_then_the_same_command_completes(engine, tmp_path, step):
    repository = engine.new_repository()
    ctx = make_context(engine, repository, tmp_path / "state")
    first = ingest_files(ctx, tmp_path, OLD)
    source = write_files(tmp_path / "new", NEW)

    killed = subprocess.run(command(engine, repository, source, tmp_path / "state", kill=step), capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()

    digest = read_line(ctx, "flights").annotation.digest
    held = data_at(ctx, "main")
    assert held in (OLD, NEW)
    assert (digest == first.digest) == (held == OLD)
    branches = {name for name in leftovers(ctx) if name.startswith("ingest-")}

    done = subprocess.run(command(engine, repository, source, tmp_path / "state"), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    result = json.loads(done.stdout)
    assert data_at(ctx, "main") == NEW
    assert result["version"] == "1.1.0"
    assert tags(ctx) == ["flights-v1.0.0", "flights-v1.1.0"]
    assert pins(ctx) == ["pin-flights-v1_0_0", "pin-flights-v1_1_0"]
    assert leftovers(ctx) == []
    assert list(ctx.journals.iterdir()) == []
    assert read_line(ctx, "flights").annotation.digest == result["digest"]
    if branches:
        assert branches == {f"ingest-flights-{result['ingest'].lower()}"}, "completed on the same branch"

    again = ingest(ctx, IngestRequest("flights", (source,)))
    assert again.outcome == "unchanged"
    assert again.digest == result["digest"]


def test_what_an_interrupted_upload_sent_is_not_sent_again(engine, tmp_path):
    repository = engine.new_repository()
    ctx = make_context(engine, repository, tmp_path / "state")
    source = write_files(tmp_path / "new", {f"f{i}": b"x" * i for i in range(1, 40)})
    subprocess.run(command(engine, repository, source, tmp_path / "state", kill="sidecar"), capture_output=True)
    done = subprocess.run(command(engine, repository, source, tmp_path / "state"), capture_output=True)
    result = json.loads(done.stdout)
    assert result["outcome"] == "resumed"
    assert result["uploaded"] == 0
    assert result["files"] == 39
    assert leftovers(ctx) == []


def test_source_changed_after_the_kill_gives_the_new_content(engine, tmp_path):
    repository = engine.new_repository()
    ctx = make_context(engine, repository, tmp_path / "state")
    source = write_files(tmp_path / "new", NEW)
    subprocess.run(command(engine, repository, source, tmp_path / "state", kill="merge"), capture_output=True)
    write_files(source, {"a.bin": b"later", "f.bin": b"f"})
    (source / "d.bin").unlink()
    result = ingest(ctx, IngestRequest("flights", (source,)))
    assert result.version == "1.0.0"
    assert data_at(ctx, "flights-v1.0.0") == {"a.bin": b"later", "sub/b.bin": b"B2", "e.bin": b"e", "f.bin": b"f"}
    assert leftovers(ctx) == []
    assert pins(ctx) == ["pin-flights-v1_0_0"]


def test_a_live_twin_keeps_its_branch(engine, tmp_path):
    repository = engine.new_repository()
    ctx = make_context(engine, repository, tmp_path / "state")
    source = write_files(tmp_path / "new", NEW)
    flag = tmp_path / "flag"
    twin = subprocess.Popen(
        command(engine, repository, source, tmp_path / "state", wait="sidecar", flag=str(flag)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while not Path(f"{flag}.reached").exists():
            assert time.monotonic() < deadline
            assert twin.poll() is None, twin.stderr.read().decode()
            time.sleep(0.02)
        (twins,) = leftovers(ctx)
        result = ingest(ctx, IngestRequest("flights", (source,)))
        assert result.version == "1.0.0"
        assert leftovers(ctx) == [twins], "the live twin's branch is untouched"
    finally:
        Path(f"{flag}.go").touch()
        out, err = twin.communicate(timeout=60)
    assert twin.returncode != 0
    assert b"merged first" in err, out + err
    assert leftovers(ctx) == []
    assert tags(ctx) == ["flights-v1.0.0"]
