"""The list of versions and the history of a dataset."""

from __future__ import annotations

import json

import pytest
from support.lakes import ingest_files, make_context

from lakefs_repro.errors import NotFoundError
from lakefs_repro.restore.rollback import roll_back
from lakefs_repro.snapshot.history import log
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.snapshot.versions import list_versions

ONE = {"a": b"1", "b": b"22"}


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


def test_nothing_yet(ctx):
    assert list_versions(ctx) == ()
    with pytest.raises(NotFoundError) as caught:
        list(log(ctx, "flights"))
    assert caught.value.kind == "dataset-not-found"


def test_versions_are_sorted_and_say_what_they_hold(ctx, tmp_path):
    ingest_files(ctx, tmp_path, ONE, version="1.9.0")
    ingest_files(ctx, tmp_path, {**ONE, "c": b"333"}, version="1.10.0", message="more")
    ingest_files(ctx, tmp_path, {"t.csv": b"x\n1\n2\n"}, dataset="tables")
    ctx.repository.tags.create("somebody-elses", "main")
    infos = list_versions(ctx)
    assert [(i.dataset, i.version) for i in infos] == [("flights", "1.9.0"), ("flights", "1.10.0"), ("tables", "1.0.0")]
    newest = infos[1]
    assert (newest.files, newest.bytes, newest.message, newest.by) == (3, 6, "more", "tester@here")
    assert newest.commit == ctx.repository.tags.get("flights-v1.10.0").commit
    assert newest.ingest_commit == ctx.repository.branches.get("pin-flights-v1_10_0").commit
    assert newest.digest == resolve(ctx, "flights@1.10.0").digest
    assert infos[2].rows == 2
    assert all(info.pinned for info in infos)
    assert [i.version for i in list_versions(ctx, "flights")] == ["1.9.0", "1.10.0"]
    assert json.loads(json.dumps(newest.to_json()))["pinned"] is True


def test_pins_that_moved_or_are_missing_show(ctx, tmp_path):
    ingest_files(ctx, tmp_path, ONE)
    ingest_files(ctx, tmp_path, {"c": b"3", **ONE})
    ctx.repository.branches.delete("pin-flights-v1_0_0")
    ctx.repository.branches.delete("pin-flights-v1_1_0")
    ctx.repository.branches.create("pin-flights-v1_1_0", "main", hidden=True)
    ctx.repository.branches.create("pin-flights-v9_0_0", "main", hidden=True)
    assert [(i.version, i.pin, i.problem) for i in list_versions(ctx)] == [
        ("1.0.0", "missing", ""),
        # the merge at which it stands says that it is 1.1.0 too, which is what a moved tag looks like
        ("1.1.0", "missing", "tag-moved"),
    ]


def test_a_tag_that_is_not_to_be_trusted_is_listed_with_its_problem(ctx, tmp_path):
    ingest_files(ctx, tmp_path, ONE)
    ctx.repository.tags.create("flights-v3.0.0", "main")
    assert [(i.version, i.problem) for i in list_versions(ctx)] == [("1.0.0", ""), ("3.0.0", "bad-annotation")]


def test_many_versions_come_by_the_log(ctx, tmp_path):
    for n in range(ctx.threads + 3):
        ingest_files(ctx, tmp_path, {"a": b"%d" % n})
    infos = list_versions(ctx)
    assert [i.version for i in infos] == [f"1.{n}.0" for n in range(ctx.threads + 3)]
    assert len({i.digest for i in infos}) == ctx.threads + 3


def test_the_log_counts_changes_and_names_rollbacks(ctx, tmp_path):
    ingest_files(ctx, tmp_path, ONE)
    first = resolve(ctx, "flights@1.0.0")
    ingest_files(ctx, tmp_path, {"a": b"other", "c": b"3", "d": b"4"}, allow_shrink=True)
    ingest_files(ctx, tmp_path, {"x": b"x"}, dataset="planes")
    roll_back(ctx, "flights", first.ingest_commit)
    entries = list(log(ctx, "flights"))
    assert [(e.version, e.added, e.removed, e.changed, e.rolled_back_to) for e in entries] == [
        ("1.1.1", 1, 2, 1, "1.0.0"),
        ("1.1.0", 2, 1, 1, ""),
        ("1.0.0", 2, 0, 0, ""),
    ]
    assert all(entry.released for entry in entries)
    assert entries[0].digest == entries[2].digest == first.digest
    ctx.repository.tags.delete("flights-v1.1.0")
    assert [entry.released for entry in log(ctx, "flights")] == [True, False, True]
