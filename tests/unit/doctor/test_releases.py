"""What becomes of a release is found, and what can be is set right."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.lakes import Watch, ingest_files, make_context

from lakefs_repro.doctor.diagnose import diagnose
from lakefs_repro.doctor.repair import repair
from lakefs_repro.ingest.release import STEPS, make_release
from lakefs_repro.snapshot.releases import find_release, verify_release

USES = ["flights@1.0.0", "planes@1.0.0"]


class Died(BaseException):
    """Stands for a SIGKILL inside this process."""


def die():
    raise Died


@pytest.fixture
def lake(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    ctx.repository.settings.protect(("main", "pin-*", "repro-ledger"))
    ingest_files(ctx, tmp_path, {"a": b"1"})
    ingest_files(ctx, tmp_path, {"p": b"2"}, dataset="planes")
    return ctx


def bad(ctx, **options):
    return [f for f in diagnose(ctx, try_writing=False, **options) if f.state != "ok"]


def test_all_is_well(lake):
    make_release(lake, "q3", USES)
    found = list(diagnose(lake))
    assert [f for f in found if f.state != "ok"] == []
    assert "1 release, each tagged, pinned and recorded." in [f.message for f in found]
    assert bad(lake, dataset="planes") == []


@pytest.mark.parametrize("step", STEPS)
def test_a_half_made_one_is_finished_or_cleared_away(lake, step):
    with pytest.raises(Died):
        make_release(replace(lake, progress=Watch(**{step: die})), "q3", USES)
    for found in diagnose(lake, try_writing=False).repairable:
        repair(lake, found)
    assert bad(lake) == []
    branches = [b.name for b in lake.repository.branches.list()]
    assert not [b for b in branches if b.startswith(("compose-", "ledger-"))]
    if STEPS.index(step) > STEPS.index("pin"):
        assert verify_release(lake, find_release(lake, "q3")).ok
    else:
        assert "pin-release-q3" not in branches
    make_release(lake, "q3", USES)
    assert not list(lake.journals.glob("*.json"))


def test_a_missing_pin_or_tag_is_made_again(lake):
    made = make_release(lake, "q3.1", USES)
    lake.repository.branches.delete("pin-release-q3_1")
    (found,) = bad(lake)
    assert found.repair.action == "pin-release"
    assert "every object" in repair(lake, found)
    assert lake.repository.branches.get("pin-release-q3_1").commit == made.commit
    lake.repository.tags.delete("release-q3.1")
    (found,) = bad(lake)
    assert found.repair.action == "finish-release"
    repair(lake, found)
    assert lake.repository.tags.get("release-q3.1").commit == made.commit
    assert bad(lake) == []
    assert "Nothing to do any more" in repair(lake, found)


def test_a_moved_pin_is_put_back(lake):
    made = make_release(lake, "q3", USES)
    lake.repository.branches.delete("pin-release-q3")
    lake.repository.branches.create("pin-release-q3", "main", hidden=True)
    (found,) = bad(lake)
    assert found.repair.action == "pin-release"
    repair(lake, found)
    assert lake.repository.branches.get("pin-release-q3").commit == made.commit
    assert bad(lake) == []


def test_a_moved_tag_is_told_with_what_to_type(lake, tmp_path):
    make_release(lake, "q3", USES)
    lake.repository.tags.delete("release-q3")
    lake.repository.tags.create("release-q3", "main")
    found = bad(lake)
    assert [f.check for f in found] == ["release"]
    assert "lakectl tag delete" in found[0].hint
    lake.repository.tags.delete("release-q3")
    for each in bad(lake):
        repair(lake, each)
    assert bad(lake) == []


def test_a_pin_that_no_release_made_is_a_warning(lake):
    lake.repository.branches.create("pin-release-odd", "main", hidden=True)
    (found,) = bad(lake)
    assert (found.state, found.repair) == ("warning", None)
