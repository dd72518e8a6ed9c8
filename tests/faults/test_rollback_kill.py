"""A rollback that dies at each of its steps: old or new, and the same command completes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.lakes import Watch, data_at, ingest_files, leftovers, make_context, pins, tags

from lakefs_repro.doctor.diagnose import diagnose
from lakefs_repro.doctor.repair import repair
from lakefs_repro.restore.rollback import roll_back

STEPS = ["look", "branch", "commit", "pin", "merge", "recheck", "tag", "ledger", "cleanup"]
VERSIONS = ["flights-v1.0.0", "flights-v1.1.0"]


class Died(BaseException):
    """Stands for a SIGKILL inside this process."""


def die():
    raise Died


@pytest.fixture
def killed(engine, tmp_path):
    """Two versions, and a way to die at a step of rolling back to the first."""
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    ctx.repository.settings.protect(("main", "pin-*", "repro-ledger"))
    first = ingest_files(ctx, tmp_path, {"a": b"1"})
    ingest_files(ctx, tmp_path, {"a": b"2"})

    def at(step):
        with pytest.raises(Died):
            roll_back(replace(ctx, progress=Watch(**{step: die})), "flights", first.ingest_commit)
        return ctx, first.ingest_commit

    return at


@pytest.mark.parametrize("step", STEPS)
def test_the_same_command_completes(killed, step):
    ctx, commit = killed(step)
    assert data_at(ctx, "main")["a"] in (b"1", b"2")
    result = roll_back(ctx, "flights", commit)
    assert (result.outcome, result.version, result.rolled_back_to) == ("rolled-back", "1.1.1", "1.0.0")
    assert ctx.repository.tags.get("flights-v1.1.1").commit == result.commit
    assert ctx.repository.branches.get("pin-flights-v1_1_1").commit == result.ingest_commit
    assert data_at(ctx, "main") == {"a": b"1"}
    assert tags(ctx) == [*VERSIONS, "flights-v1.1.1"]
    assert len(pins(ctx)) == 3
    assert leftovers(ctx) == []
    assert not list(ctx.journals.glob("*.json"))
    assert all(f.state == "ok" for f in diagnose(ctx))


@pytest.mark.parametrize("step", STEPS)
def test_or_the_doctor_does_it_at_once(killed, step):
    ctx, _ = killed(step)
    for found in diagnose(ctx).repairable:
        repair(ctx, found)
    assert leftovers(ctx) == []
    assert all(f.state == "ok" for f in diagnose(ctx))
    assert data_at(ctx, "main")["a"] == (b"1" if "flights-v1.1.1" in tags(ctx) else b"2")


@pytest.mark.parametrize("step", ["merge", "tag"])
def test_the_next_ingest_cleans_up_after_it(killed, tmp_path, step):
    ctx, _ = killed(step)
    ingest_files(ctx, tmp_path, {"a": b"3"}, bump="patch")
    assert tags(ctx)[-1] == ("flights-v1.1.1" if step == "merge" else "flights-v1.1.2")
    assert leftovers(ctx) == []
    assert all(f.state == "ok" for f in diagnose(ctx))
