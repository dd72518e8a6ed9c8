"""What was taken from a bucket and never became a version."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from support.lakes import ingest_files, make_context

from lakefs_repro.doctor.copies import check_copies
from lakefs_repro.doctor.diagnose import diagnose
from lakefs_repro.model.names import copy_branch, parse_copy_branch

NAME = copy_branch("flights-eu", "0123456789abcdef")


@pytest.fixture
def ctx(engine, tmp_path):
    made = make_context(engine, engine.new_repository(), tmp_path / "state")
    ingest_files(made, tmp_path, {"a": b"1"}, dataset="flights-eu")
    made.repository.branches.create(NAME, "main", hidden=True)
    made.repository.objects.put(NAME, "flights-eu/b", b"2")
    return made


def test_the_branch_tells_its_dataset():
    assert parse_copy_branch(NAME) == "flights-eu"
    assert parse_copy_branch("copy-of-my-data") is None


def test_objects_that_wait_for_the_same_ingest_are_noted(ctx):
    for dataset in (None, "flights-eu"):
        (found,) = [f for f in diagnose(ctx, dataset=dataset) if f.check == "copies"]
        assert (found.state, found.repair) == ("ok", None)
    assert not list(check_copies(ctx, datetime.now(tz=timezone.utc), "flights"))


def test_after_a_month_the_branch_is_offered_for_deletion(ctx):
    (found,) = check_copies(ctx, datetime.now(tz=timezone.utc) + timedelta(days=31), None)
    assert found.state == "warning"
    assert (found.repair.action, found.repair.branch) == ("drop-branch", NAME)
