"""The ledger: every record lands once, whoever writes, and says what it saw."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.lakes import ingest_files, leftovers, make_context

from lakefs_repro.ledger.append import append, ensure_ledger, has_record, ledger_head, record_path
from lakefs_repro.model.names import LEDGER_BRANCH
from lakefs_repro.testing.faults import FaultPlan, FaultProxy

ULID = "01J9ZZZZZZZZZZZZZZZZZZZZ{:02d}"


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


def write(ctx, number=0, record=None, chunks=None):
    root = ctx.repository.branches.get("main").commit
    append(ctx.repository, ULID.format(number), record or {"n": number}, chunks=chunks or {}, first_commit=lambda: root)


def read(ctx, number=0):
    return json.loads(ctx.repository.objects.get(LEDGER_BRANCH, record_path(ULID.format(number))))


def test_there_is_no_ledger_before_the_first_record(ctx):
    assert ledger_head(ctx.repository) == ""
    assert not has_record(ctx.repository, ULID.format(0))


def test_the_first_record_makes_the_ledger_at_the_first_commit(ctx):
    root = ctx.repository.branches.get("main").commit
    write(ctx)
    assert read(ctx) == {"n": 0, "ulid": ULID.format(0), "heads": [root]}
    assert ctx.repository.commits.contains(LEDGER_BRANCH, root)
    assert leftovers(ctx) == []


def test_a_record_names_the_head_that_it_saw(ctx):
    write(ctx, 0)
    seen = ledger_head(ctx.repository)
    write(ctx, 1)
    assert read(ctx, 1)["heads"] == [seen]


def test_writing_a_record_again_changes_nothing(ctx):
    write(ctx)
    head = ledger_head(ctx.repository)
    write(ctx, 0, {"n": "another"})
    assert ledger_head(ctx.repository) == head
    assert read(ctx)["n"] == 0


def test_many_at_once_all_land(ctx):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: write(ctx, n), range(8)))
    assert [read(ctx, n)["n"] for n in range(8)] == list(range(8))
    assert leftovers(ctx) == []


def test_a_chunk_that_is_there_is_not_read_again(ctx):
    asked = []

    def chunk(name):
        return lambda: asked.append(name) or name.encode()

    write(ctx, 0, chunks={"a": chunk("a")})
    write(ctx, 1, chunks={"a": chunk("a"), "b": chunk("b")})
    assert asked == ["a", "b"]
    assert ctx.repository.objects.get(LEDGER_BRANCH, "manifests/b") == b"b"


def test_what_a_dead_writer_left_is_no_obstacle(ctx):
    branch = f"ledger-{ULID.format(0).lower()}"
    ctx.repository.branches.create(branch, "main", hidden=True)
    ctx.repository.objects.put(branch, record_path(ULID.format(0)), b"half")
    write(ctx)
    assert read(ctx)["n"] == 0
    assert leftovers(ctx) == []


@pytest.mark.parametrize("path", [r"/branches$", r"/commits$", r"/merge/", r"/objects\?"])
@pytest.mark.parametrize("word", ["drop-reply", "late-503"])
def test_a_lost_reply_loses_no_record(embedded_engine, tmp_path, path, word):
    repository = embedded_engine.new_repository()
    with FaultProxy(embedded_engine.endpoint, FaultPlan(word, method="POST", path=path)) as proxy:
        ctx = make_context(embedded_engine, repository, tmp_path, url=proxy.url)
        write(ctx)
        assert proxy.plan.matched
    direct = make_context(embedded_engine, repository, tmp_path)
    assert read(direct)["n"] == 0
    assert leftovers(direct) == []


def test_the_ledger_never_reaches_main(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    assert list(ctx.repository.objects.list("main", "records/")) == []
    assert ensure_ledger(ctx.repository, lambda: "not asked") == ledger_head(ctx.repository)


def test_a_version_s_record_outlives_its_data(ctx, tmp_path):
    result = ingest_files(ctx, tmp_path, {"a": b"1"})
    ctx.repository.branches.delete("pin-flights-v1_0_0")
    ctx.repository.tags.delete("flights-v1.0.0")
    record = json.loads(ctx.repository.objects.get(LEDGER_BRANCH, record_path(result.ingest)))
    assert record["annotation"]["repro.digest"] == result.digest
    assert record["ingest_commit"] == result.ingest_commit
    assert record["merge_commit"] == result.commit
    manifest = ctx.repository.objects.get(LEDGER_BRANCH, f"manifests/{result.digest}")
    assert b" 1 a\n" in manifest
