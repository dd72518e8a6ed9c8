"""The reply to each write lost in turn: what happened is read back, never guessed."""

from __future__ import annotations

import pytest
from support.lakes import data_at, ingest_files, leftovers, make_context, pins, tags

from lakefs_repro.errors import UnavailableError
from lakefs_repro.testing.faults import FaultPlan, FaultProxy

WRITES = {
    "branch": ("POST", r"/branches$"),
    "pin": ("POST", r"/branches$"),
    "commit": ("POST", r"/branches/ingest-[^/]+/commits"),
    "merge": ("POST", r"/merge/main"),
    "tag": ("POST", r"/tags$"),
    "ledger commit": ("POST", r"/branches/ledger-[^/]+/commits"),
    "ledger merge": ("POST", r"/merge/repro-ledger"),
    "cleanup": ("DELETE", r"/branches/ingest-"),
}
BEFORE = {"pin": "ok "}
OLD, NEW = {"a": b"1", "b": b"2"}, {"a": b"1", "b": b"3", "c": b"4"}


@pytest.mark.parametrize("word", ["drop-reply", "late-503", "drop-reply drop-reply"])
@pytest.mark.parametrize("write", WRITES)
def test_a_lost_reply_is_resolved_by_reading_back(engine, tmp_path, write, word):
    repository = engine.new_repository()
    direct = make_context(engine, repository, tmp_path / "state")
    ingest_files(direct, tmp_path, OLD)
    method, path = WRITES[write]
    plan = FaultPlan(BEFORE.get(write, "") + word, method=method, path=path)
    with FaultProxy(engine.endpoint, plan) as proxy:
        ctx = make_context(engine, repository, tmp_path / "state", url=proxy.url)
        result = ingest_files(ctx, tmp_path, NEW)
    assert plan.matched > len(BEFORE.get(write, "").split())
    assert result.version == "1.1.0"
    assert data_at(direct, "flights-v1.1.0") == NEW
    assert tags(direct) == ["flights-v1.0.0", "flights-v1.1.0"]
    assert pins(direct) == ["pin-flights-v1_0_0", "pin-flights-v1_1_0"]
    assert leftovers(direct) == []


@pytest.mark.parametrize("write", ["commit", "merge", "tag"])
def test_a_server_that_goes_away_leaves_old_or_new_and_the_next_command_completes(engine, tmp_path, write):
    repository = engine.new_repository()
    direct = make_context(engine, repository, tmp_path / "state")
    ingest_files(direct, tmp_path, OLD)
    method, path = WRITES[write]
    source = tmp_path / "source"
    with FaultProxy(engine.endpoint, FaultPlan("drop " * 20, method=method, path=path)) as proxy:
        ctx = make_context(engine, repository, tmp_path / "state", url=proxy.url)
        with pytest.raises(UnavailableError):
            ingest_files(ctx, source, NEW)
        assert data_at(direct, "main") == (NEW if write == "tag" else OLD)
        (folder,) = source.iterdir()
        from lakefs_repro.ingest.ingest import ingest
        from lakefs_repro.ingest.request import IngestRequest

        proxy.plan = FaultPlan("")
        result = ingest(ctx, IngestRequest("flights", (folder,)))
    assert result.version == "1.1.0"
    assert result.outcome == "resumed"
    assert data_at(direct, "flights-v1.1.0") == NEW
    assert leftovers(direct) == []


@pytest.mark.parametrize("word", ["503 503", "drop drop", "500 429"])
def test_reads_and_uploads_are_repeated(engine, tmp_path, word):
    repository = engine.new_repository()
    for path in (r"/objects\?path", r"/diff/", r"/objects/ls"):
        with FaultProxy(engine.endpoint, FaultPlan(word, path=path)) as proxy:
            ctx = make_context(engine, repository, tmp_path / "state", url=proxy.url)
            ingest_files(ctx, tmp_path, {"x": path.encode(), "y": b"2"})
    assert tags(ctx) == ["flights-v1.0.0", "flights-v1.1.0", "flights-v1.2.0"]
