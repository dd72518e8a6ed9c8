"""The main job's promises, on each engine, over real HTTP."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.lakes import data_at, ingest_files, leftovers, make_context, pins, tags, write_files

from lakefs_repro.errors import RejectedError
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.model.contract import Contract
from lakefs_repro.testing.faults import FaultPlan, FaultProxy

VERIFIER = Path(__file__).resolve().parents[2] / "docs" / "reference" / "verify_snapshot.py"


def logged_uploads(root: Path) -> list[str]:
    """The uploads that the embedded engine's own log counts."""
    lines = (root / "access.log").read_text().splitlines()
    return [line for line in lines if "PUT-BULK" in line or ("POST" in line and "/objects?" in line)]


@pytest.mark.slow
def test_of_ten_thousand_files_only_the_changed_are_uploaded(fresh_engine, tmp_path):
    ctx = make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")
    files = {f"part-{n % 100:02}/f{n}.bin": b"%d" % n * 64 for n in range(10_000)}
    source = write_files(tmp_path / "source", files)
    first = ingest(ctx, IngestRequest("big", (source,)))
    assert (first.files, first.uploaded) == (10_000, 10_000)
    counted = [line for line in logged_uploads(fresh_engine.root) if "objects?path=big%2F" in line]
    assert len(counted) == 10_000

    changed = {f"part-{n % 100:02}/f{n}.bin": b"changed %d" % n for n in range(0, 10_000, 100)}
    write_files(source, changed)
    second = ingest(ctx, IngestRequest("big", (source,)))
    assert (second.changed, second.uploaded, second.version) == (100, 100, "1.1.0")
    counted = [line for line in logged_uploads(fresh_engine.root) if "objects?path=big%2F" in line]
    assert len(counted) == 10_100

    again = ingest(ctx, IngestRequest("big", (source,)))
    assert (again.outcome, again.uploaded) == ("unchanged", 0)
    counted = [line for line in logged_uploads(fresh_engine.root) if "objects?path=big%2F" in line]
    assert len(counted) == 10_100


def test_only_changed_files_are_uploaded_on_any_engine(engine, tmp_path):
    repository = engine.new_repository()
    source = write_files(tmp_path / "source", {f"f{n}": b"%d" % n for n in range(300)})
    with FaultProxy(engine.endpoint, FaultPlan("")) as proxy:
        ctx = make_context(engine, repository, tmp_path / "state", url=proxy.url)
        # The road that every lakeFS has, so that each upload is a request that can be counted.
        ctx = replace(ctx, server=replace(ctx.server, extensions={}))
        ingest(ctx, IngestRequest("flights", (source,)))
        before = len(proxy.log)
        write_files(source, {"f7": b"seven", "f8": b"eight", "new": b"!"})
        ingest(ctx, IngestRequest("flights", (source,)))
        uploads = [p for m, p in proxy.log[before:] if m == "POST" and "/objects?path=flights" in p]
    assert sorted(p.rpartition("%2F")[2] for p in uploads) == ["f7", "f8", "new"]


def test_bulk_and_standard_road_give_the_same(embedded_engine, tmp_path):
    files = {f"f{n}": os.urandom(n) for n in range(200)}
    results = []
    for extensions in (None, {}):
        ctx = make_context(embedded_engine, embedded_engine.new_repository(), tmp_path / "state")
        if extensions is not None:
            ctx = replace(ctx, server=replace(ctx.server, extensions=extensions))
        results.append(ingest_files(ctx, tmp_path, files).digest)
        assert data_at(ctx, "main") == files
    assert results[0] == results[1]


def test_every_engine_and_the_standalone_verifier_give_the_same_digest(request, tmp_path):
    files = {"a.csv": b"x,y\n1,2\n", "sub/\u00e4.bin": os.urandom(5000), "empty": b""}
    files |= {f"many/{n}": b"%d" % n for n in range(2000)}
    source = write_files(tmp_path / "source", files)
    digests = {}
    from conftest import _ENGINES

    for name in _ENGINES:
        engine = request.getfixturevalue(f"{name}_engine")
        ctx = make_context(engine, engine.new_repository(), tmp_path / name)
        digests[name] = ingest(ctx, IngestRequest("flights", (source,))).digest
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(source)], capture_output=True, text=True, check=True
    )
    assert {*digests.values()} == {done.stdout.split()[0]}
    wrong = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(source), "0" * 64], capture_output=True, check=False
    )
    assert wrong.returncode != 0


@pytest.mark.parametrize("size", [10, 300 << 10, 9 << 20])
def test_the_source_changed_in_place_changes_no_snapshot(engine, tmp_path, size):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    content = os.urandom(size)
    source = write_files(tmp_path / "source", {"f.bin": content})
    ingest(ctx, IngestRequest("flights", (source,)))
    with (source / "f.bin").open("r+b") as file:
        file.write(b"overwritten in place")
    assert data_at(ctx, "flights-v1.0.0") == {"f.bin": content}


CONTRACT = """\
apiVersion: v3.0.2
kind: DataContract
id: flights
version: 1.0.0
status: active
schema:
  - name: flights
    physicalName: "*.csv"
    properties:
      - name: id
        logicalType: integer
        required: true
        unique: true
      - name: delay
        logicalType: number
"""


def test_data_that_breaks_its_contract_leaves_everything_as_it_was(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    contract = Contract.load(CONTRACT)
    good = {"a.csv": b"id,delay\n1,0.5\n2,\n"}
    first = ingest_files(ctx, tmp_path, good, contract=contract)
    assert first.rows == 2
    main = ctx.repository.branches.get("main").commit
    bad = {**good, "b.csv": b"id,delay\n,1\n,2\n2,late\n"}
    with pytest.raises(RejectedError) as caught:
        ingest_files(ctx, tmp_path, bad)
    assert caught.value.kind == "contract-violated"
    rules = {(v.column, v.rule): v for v in caught.value.report.violations}
    assert rules["id", "required"].rows == 2
    assert rules["id", "required"].file == "b.csv"
    assert rules["delay", "type"].examples == ("late",)
    assert any(rule == "unique" for _, rule in rules), "2 is in a.csv already"
    assert ctx.repository.branches.get("main").commit == main
    assert tags(ctx) == ["flights-v1.0.0"]
    assert pins(ctx) == ["pin-flights-v1_0_0"]
    assert leftovers(ctx) == []


def test_a_dry_run_changes_nothing_at_all(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    result = ingest_files(ctx, tmp_path, {"a": b"1"}, dry_run=True)
    assert (result.outcome, result.version) == ("planned", "1.0.0")
    assert [b.name for b in ctx.repository.branches.list()] == ["main"]
    assert tags(ctx) == []
