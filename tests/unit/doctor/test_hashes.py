"""What workers left and nobody published."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from support.lakes import ingest_files, make_context

from lakefs_repro.doctor.diagnose import diagnose
from lakefs_repro.doctor.hashes import check_hashes
from lakefs_repro.ingest.hashing.digest import Digest
from lakefs_repro.ingest.hashing.digest_parts import Parts


@pytest.fixture
def ctx(engine, tmp_path):
    made = make_context(engine, engine.new_repository(), tmp_path / "state")
    ingest_files(made, tmp_path, {"a": b"1"})
    parts = Parts(made, "flights", "1" * 64, "1-of-1")
    parts.add(("address", "c" * 32, 1), Digest("a" * 64, 1, "worker"))
    parts.close()
    return made


def test_hashes_that_wait_for_a_version_are_noted(ctx):
    for dataset in (None, "flights"):
        (found,) = [f for f in diagnose(ctx, dataset=dataset) if f.check == "hashes"]
        assert (found.state, found.repair) == ("ok", None)
        assert "hashes-flights has 1 parts" in found.message
    assert not list(check_hashes(ctx, datetime.now(tz=timezone.utc), "flight"))


def test_after_a_month_they_are_offered_for_deletion(ctx):
    (found,) = check_hashes(ctx, datetime.now(tz=timezone.utc) + timedelta(days=31), None)
    assert found.state == "warning"
    assert (found.repair.action, found.repair.branch) == ("drop-branch", "hashes-flights")


def test_a_branch_that_holds_nothing_is_no_worry(ctx):
    ctx.repository.objects.delete("hashes-flights", [o.path for o in ctx.repository.objects.list("hashes-flights")])
    (found,) = check_hashes(ctx, datetime.now(tz=timezone.utc) + timedelta(days=31), None)
    assert found.state == "ok"
