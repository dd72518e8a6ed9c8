"""A branch that others wrote to, being finished, killed at each step: old or new, and the same command completes."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import pytest
from support.commands import command
from support.lakes import Watch, data_at, ingest_files, leftovers, make_context, pins, tags

from lakefs_repro.doctor.diagnose import diagnose
from lakefs_repro.doctor.repair import repair
from lakefs_repro.ingest.branch.opened import finish_branch, open_branch
from lakefs_repro.ingest.branch.source import FromBranch
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.testing.faults import FaultPlan, FaultProxy

STEPS = [
    "scan", "look", "hash", "validate", "branch", "trim", "sidecar", "commit", "confirm", "pin", "merge", "recheck",
    "tag", "ledger", "cleanup", "tidy",
]  # fmt: skip
OLD = {"a": b"1", "gone": b"2"}
NEW = {"a": b"1", "b": b"33"}
BRANCH = "write-flights-nightly"


class Died(BaseException):
    """Stands for a SIGKILL inside this process."""


def die():
    raise Died


def finish(ctx):
    return finish_branch(ctx, IngestRequest("flights", ()), FromBranch("flights", BRANCH))


@pytest.fixture
def written(engine, tmp_path):
    """A version, and a branch that holds the next one, with something that is no data."""
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    ctx.repository.settings.protect(("main", "pin-*", "repro-ledger"))
    ingest_files(ctx, tmp_path, OLD)
    ingest_files(ctx, tmp_path, {"t": b"t"}, "trains")
    open_branch(ctx, "flights", "nightly")
    ctx.repository.objects.put(BRANCH, "flights/b", b"33")
    ctx.repository.objects.put(BRANCH, "flights/_SUCCESS", b"")
    ctx.repository.objects.delete(BRANCH, ["flights/gone"])
    ctx.repository.commits.create(BRANCH, "by Spark")
    return ctx


def require_done(ctx, result):
    assert (result.version, data_at(ctx, "main")) == ("1.1.0", NEW)
    assert tags(ctx) == ["flights-v1.0.0", "flights-v1.1.0", "trains-v1.0.0"]
    assert pins(ctx) == ["pin-flights-v1_0_0", "pin-flights-v1_1_0", "pin-trains-v1_0_0"]
    assert leftovers(ctx) == []
    assert BRANCH not in [b.name for b in ctx.repository.branches.list()]
    assert not list(ctx.journals.glob("*.json"))
    assert all(f.state == "ok" for f in diagnose(ctx))


@pytest.mark.parametrize("step", STEPS)
def test_the_same_command_completes(written, step):
    with pytest.raises(Died):
        finish(replace(written, progress=Watch(**{step: die})))
    assert data_at(written, "main") in (OLD, NEW)
    require_done(written, finish(written).result)
    assert finish(written).result.outcome == "unchanged"


@pytest.mark.parametrize("step", STEPS)
def test_or_the_doctor_clears_the_ground(written, step):
    with pytest.raises(Died):
        finish(replace(written, progress=Watch(**{step: die})))
    for found in diagnose(written).repairable:
        repair(written, found)
    assert leftovers(written) == []
    assert BRANCH in [b.name for b in written.repository.branches.list()], "what others wrote is never deleted"
    require_done(written, finish(written).result)


@pytest.mark.parametrize("step", ["trim", "commit", "confirm", "merge"])
def test_a_process_that_is_killed_for_good(written, engine, tmp_path, step):
    state = tmp_path / "state"
    killed = subprocess.run(
        command(engine, written.repository.name, BRANCH, state, branch=True, kill=step), capture_output=True
    )
    assert killed.returncode == -9, killed.stderr.decode()
    done = subprocess.run(command(engine, written.repository.name, BRANCH, state, branch=True), capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    result = json.loads(done.stdout)
    assert (result["version"], result["uploaded"]) == ("1.1.0", 0)
    require_done(written, finish(written).result)


WRITES = {
    "tree": ("POST", r"/branches$", ""),
    "deletions": ("POST", r"/branches/tree-[^/]+/objects/delete", ""),
    "tree's commit": ("POST", r"/branches/tree-[^/]+/commits", ""),
    "ingest commit": ("POST", r"/branches/ingest-[^/]+/commits", ""),
    "tree's end": ("DELETE", r"/branches/tree-", ""),
    "branch's end": ("DELETE", r"/branches/write-", ""),
}


@pytest.mark.parametrize("word", ["drop-reply", "late-503"])
@pytest.mark.parametrize("write", WRITES)
def test_a_lost_reply_is_resolved_by_reading_back(written, engine, tmp_path, write, word):
    method, path, before = WRITES[write]
    plan = FaultPlan(before + word, method=method, path=path)
    with FaultProxy(engine.endpoint, plan) as proxy:
        ctx = make_context(engine, written.repository.name, tmp_path / "state", url=proxy.url)
        result = finish(ctx).result
    assert plan.matched
    require_done(written, result)


@pytest.mark.parametrize("word", ["drop-reply", "late-503"])
def test_a_branch_whose_reply_was_lost_is_open(engine, tmp_path, word):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    plan = FaultPlan(word, method="POST", path=r"/branches$")
    with FaultProxy(engine.endpoint, plan) as proxy:
        through = make_context(engine, ctx.repository.name, tmp_path / "state", url=proxy.url)
        opened = open_branch(through, "flights", "x")
    assert ctx.repository.branches.get(opened.branch).commit == opened.commit
