"""Many workers hash one branch: killed, started again, with connections that break; no object is read three times."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from support.lakes import make_context
from support.others import sha256

from lakefs_repro.ingest.branch.source import BranchSource, FromBranch
from lakefs_repro.ingest.hashing.changes import new_objects
from lakefs_repro.ingest.hashing.digests import gather
from lakefs_repro.ingest.hashing.hash_shard import HashRequest, Shard, hash_shard
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.snapshot.line import read_line
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.testing.faults import FaultPlan, FaultProxy
from lakefs_repro.transfer.hashing import hash_bytes
from lakefs_repro.transfer.upload import Roads, Upload, Uploader

DRIVER = Path(__file__).with_name("hash_driver.py")
SHARDS = 4


def filled_branch(ctx, files):
    """A branch ``spark`` with these files of the dataset, committed: the commit's id."""
    ctx.repository.branches.create("spark", "main")
    uploads = [Upload(f"flights/{path}", data, hash_bytes(data)) for path, data in files.items()]
    Uploader(ctx.repository.objects, Roads.of(ctx.server), threads=8).send("spark", uploads)
    return ctx.repository.commits.create("spark", "written by Spark").id


def read_in(lines):
    """How often each object of the dataset was read, by requests ``METHOD target``."""
    read = Counter()
    for method, target in lines:
        parts = urlsplit(target)
        if method == "GET" and parts.path.endswith("/objects"):
            path = parse_qs(parts.query)["path"][0]
            read[path] += path.startswith("flights/")
    return +read


@pytest.fixture
def counted(engine):
    """An engine, and what tells the requests that it had: its access log, or a proxy in front of a real lakeFS."""
    if engine.root:
        (log,) = engine.root.rglob("access.log")
        yield engine, lambda name: [line.split()[1:3] for line in log.read_text().splitlines() if name in line]
    else:
        with FaultProxy(engine.endpoint, FaultPlan("")) as proxy:
            yield replace(engine, endpoint=proxy.url), lambda _: proxy.log


def start(engine, ctx, commit, shard, kill_after=0):
    said = {
        "engine": {"name": engine.name, "endpoint": engine.endpoint, "access_key_id": engine.access_key_id,
                   "secret_access_key": engine.secret_access_key},
        "repository": ctx.repository.name, "state": str(ctx.state), "commit": commit, "shard": shard, "of": SHARDS,
        "kill_after": kill_after,
    }  # fmt: skip
    return subprocess.Popen([sys.executable, str(DRIVER), json.dumps(said)], stdout=subprocess.PIPE, text=True)


def test_four_workers_of_which_two_are_killed_make_one_manifest_and_read_no_object_three_times(
    counted, engine, tmp_path
):
    server, requests = counted
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    files = {f"day={n % 50}/{n}.bin": b"%d" % n * 20 for n in range(2000)}
    commit = filled_branch(ctx, files)
    workers = [start(server, ctx, commit, n, kill) for n, kill in ((1, 0), (2, 160), (3, 390), (4, 0))]
    said = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, -9, -9, 0]
    again = [start(server, ctx, commit, n) for n in (2, 3)]
    second = [json.loads(worker.communicate(timeout=120)[0]) for worker in again]
    results = [json.loads(said[0]), json.loads(said[3]), *second]

    assert sum(result["objects"] for result in results) == 2000
    assert [result["known"] >= least for result, least in zip(second, (100, 200), strict=True)] == [True, True]
    read = read_in(requests(ctx.repository.name))
    assert len(read) == 2000
    assert max(read.values()) <= 2
    assert sum(read.values()) - 2000 <= (60 + 8) + (190 + 8)  # what was in no part yet, and what was in hand

    finishing = make_context(server, ctx.repository.name, tmp_path / "state")
    source = BranchSource(finishing, FromBranch("flights", "spark"))
    made = ingest(finishing, IngestRequest("flights", (), source=source))
    assert (made.outcome, made.files, made.hashed, made.uploaded) == ("created", 2000, 0, 0)
    assert read_in(requests(ctx.repository.name)) == read
    found = resolve(ctx, "flights@1.0.0")
    assert {entry.path: entry.sha256 for entry in found.files} == {path: sha256(data) for path, data in files.items()}
    assert found.annotation.sha256_by == "worker"
    assert not list(ctx.repository.branches.list("hashes-"))


def test_connections_that_break_cost_a_request_and_no_result(engine, tmp_path):
    repository = engine.new_repository()
    direct = make_context(engine, repository, tmp_path / "state")
    large = bytes(range(256)) * 8192
    files = {f"{n}.bin": b"%d" % n * 100 for n in range(60)} | {"large.bin": large}
    commit = filled_branch(direct, files)
    plan = FaultPlan("ok drop 503 cut ok ok ok drop-reply ok cut " * 4, method="GET", path=r"/objects\?path=flights")
    with FaultProxy(engine.endpoint, plan) as proxy:
        ctx = make_context(engine, repository, tmp_path / "state", url=proxy.url)
        results = [hash_shard(ctx, HashRequest("flights", "spark", shard=Shard(n, 3))) for n in (1, 2, 3)]
        read = read_in(proxy.log)
    assert sum(result.hashed for result in results) == 61
    assert {result.commit for result in results} == {commit}
    assert sum(read.values()) == plan.matched
    found = gather(direct, "flights", commit, list(new_objects(direct, read_line(direct, "flights"), commit)))
    assert found.read == 0
    assert {path.removeprefix("flights/"): d.sha256 for path, d in found.digests.items()} == {
        path: sha256(data) for path, data in files.items()
    }


def test_a_broken_connection_goes_on_where_it_broke(engine, tmp_path):
    repository = engine.new_repository()
    direct = make_context(engine, repository, tmp_path / "state")
    filled_branch(direct, {"large.bin": bytes(range(256)) * 32768})
    plan = FaultPlan("cut cut", path=r"/objects\?path=flights")
    with FaultProxy(engine.endpoint, plan) as proxy:
        ctx = make_context(engine, repository, tmp_path / "state", url=proxy.url)
        ctx = replace(ctx, server=replace(ctx.server, presign=False))  # the proxy must see the bytes
        seen = []
        ctx.progress.advance = seen.append
        assert hash_shard(ctx, HashRequest("flights", "spark")).hashed == 1
    assert plan.matched == 3
    assert sum(seen) == 8 << 20


def test_a_writer_that_goes_on_leaves_what_was_hashed_good(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    filled_branch(ctx, {"a": b"1", "b": b"2"})
    assert hash_shard(ctx, HashRequest("flights", "spark")).hashed == 2
    ctx.repository.objects.put("spark", "flights/c", b"3")
    later = ctx.repository.commits.create("spark", "more").id
    result = hash_shard(ctx, HashRequest("flights", "spark"))
    assert (result.commit, result.objects, result.known, result.hashed) == (later, 3, 2, 1)
