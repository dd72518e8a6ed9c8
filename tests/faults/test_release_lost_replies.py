"""The reply to each write of a release lost in turn: what happened is read back, never guessed."""

from __future__ import annotations

import pytest
from support.lakes import ingest_files, leftovers, make_context, pins, tags

from lakefs_repro.errors import UnavailableError
from lakefs_repro.ingest.release import make_release
from lakefs_repro.snapshot.releases import find_release, verify_release
from lakefs_repro.testing.faults import FaultPlan, FaultProxy

WRITES = {
    "compose": ("POST", r"/branches$", ""),
    "merge": ("POST", r"/merge/compose-", ""),
    "commit": ("POST", r"/branches/compose-[^/]+/commits", ""),
    "pin": ("POST", r"/branches$", "ok "),
    "tag": ("POST", r"/tags$", ""),
    "cleanup": ("DELETE", r"/branches/compose-", "ok "),
}
USES = ["flights", "planes"]


@pytest.fixture
def lake(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    ingest_files(ctx, tmp_path, {"a": b"1"})
    ingest_files(ctx, tmp_path, {"p": b"2"}, dataset="planes")
    return ctx


def through(engine, lake, proxy):
    return make_context(engine, lake.repository.name, lake.state, url=proxy.url)


def is_whole(lake):
    assert verify_release(lake, find_release(lake, "q3"), deep=True).ok
    assert [t for t in tags(lake) if "release" in t] == ["release-q3"]
    assert [p for p in pins(lake) if "release" in p] == ["pin-release-q3"]
    assert leftovers(lake) == []
    assert not [b.name for b in lake.repository.branches.list("compose-")]


@pytest.mark.parametrize("word", ["drop-reply", "late-503", "drop-reply drop-reply"])
@pytest.mark.parametrize("write", WRITES)
def test_a_lost_reply_is_resolved_by_reading_back(engine, lake, write, word):
    method, path, before = WRITES[write]
    plan = FaultPlan(before + word, method=method, path=path)
    with FaultProxy(engine.endpoint, plan) as proxy:
        made = make_release(through(engine, lake, proxy), "q3", USES)
    assert plan.matched > len(before.split())
    assert made.outcome == "created"
    is_whole(lake)


@pytest.mark.parametrize("write", ["merge", "commit", "tag"])
def test_a_server_that_goes_away_leaves_all_or_nothing_and_the_next_command_completes(engine, lake, write):
    method, path, _ = WRITES[write]
    with FaultProxy(engine.endpoint, FaultPlan("drop " * 20, method=method, path=path)) as proxy:
        ctx = through(engine, lake, proxy)
        with pytest.raises(UnavailableError):
            make_release(ctx, "q3", USES)
        assert bool([p for p in pins(lake) if "release" in p]) == (write == "tag")
        proxy.plan = FaultPlan("")
        assert make_release(ctx, "q3", USES).outcome == ("resumed" if write == "tag" else "created")
    is_whole(lake)
