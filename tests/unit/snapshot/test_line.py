"""Where a dataset stands, whatever else happens in the repository."""

from __future__ import annotations

import pytest
from support.lakes import ingest_files, make_context

from lakefs_repro.errors import ConflictError, IntegrityError
from lakefs_repro.model.annotation import Annotation
from lakefs_repro.snapshot.line import first_commit, foreign_changes, line_at, merge_of, read_line, require_clean


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


def foreign(ctx, path, data=b"foreign", metadata=None):
    if data is None:
        ctx.repository.objects.delete("main", [path])
    else:
        ctx.repository.objects.put("main", path, data)
    return ctx.repository.commits.create("main", "by hand", metadata)


def test_before_the_first_ingest_the_line_is_the_first_commit(ctx):
    root = ctx.repository.branches.get("main").commit
    foreign(ctx, "elsewhere/x")
    line = read_line(ctx, "flights")
    assert (line.head.id, line.annotation, line.begun) == (root, None, False)
    assert first_commit(ctx, "main").id == root


def test_the_line_s_head_is_the_ingest_commit_and_not_the_merge(ctx, tmp_path):
    result = ingest_files(ctx, tmp_path, {"a": b"1"})
    line = read_line(ctx, "flights")
    assert line.head.id == result.ingest_commit
    assert line.main == result.commit
    assert (line.annotation.version, line.annotation.digest) == ("1.0.0", result.digest)


def test_of_two_ingests_in_one_second_the_newer_is_the_head(ctx, tmp_path):
    for number in range(4):  # far less than a second each
        result = ingest_files(ctx, tmp_path, {"a": b"%d" % number})
        assert read_line(ctx, "flights").head.id == result.ingest_commit


def test_each_dataset_has_its_own_line(ctx, tmp_path):
    flights = ingest_files(ctx, tmp_path, {"a": b"1"})
    planes = ingest_files(ctx, tmp_path, {"a": b"2"}, dataset="planes")
    assert read_line(ctx, "flights").head.id == flights.ingest_commit
    assert read_line(ctx, "planes").head.id == planes.ingest_commit
    assert not read_line(ctx, "plane").begun


def test_the_line_can_be_read_at_any_commit(ctx, tmp_path):
    first = ingest_files(ctx, tmp_path, {"a": b"1"})
    second = ingest_files(ctx, tmp_path, {"a": b"2"})
    for at in (first.commit, first.ingest_commit):
        assert line_at(ctx, "flights", at).head.id == first.ingest_commit
    assert line_at(ctx, "flights", second.ingest_commit).annotation.version == "1.1.0"


def test_a_foreign_commit_elsewhere_is_none_of_our_business(ctx, tmp_path):
    result = ingest_files(ctx, tmp_path, {"a": b"1"})
    foreign(ctx, "flights-of-others/x")
    foreign(ctx, "flightsx")
    line = read_line(ctx, "flights")
    assert line.head.id == result.ingest_commit
    assert foreign_changes(ctx, line) == []
    require_clean(ctx, line)


@pytest.mark.parametrize(
    ("path", "data", "kind"),
    [
        ("flights/new", b"x", "added"),
        ("flights/a", b"other", "changed"),
        ("flights/a", None, "removed"),
        ("_lakefs_repro/flights/head.json", b"{}", "changed"),
        ("_lakefs_repro/flights/stray", b"x", "added"),
    ],
)
def test_a_foreign_commit_under_the_prefix_is_named(ctx, tmp_path, path, data, kind):
    ingest_files(ctx, tmp_path, {"a": b"1", "b": b"2"})
    made = foreign(ctx, path, data)
    line = read_line(ctx, "flights")
    assert [(d.path, d.type) for d in foreign_changes(ctx, line)] == [(path, kind)]
    with pytest.raises(ConflictError) as caught:
        require_clean(ctx, line)
    assert caught.value.kind == "foreign-change"
    assert path in caught.value.message
    assert made.id[:12] in caught.value.message
    assert made.id[:12] in caught.value.hint


def test_many_foreign_changes_name_the_first(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    for number in range(9):
        ctx.repository.objects.put("main", f"flights/{number}", b"x")
    foreign(ctx, "flights/z")
    with pytest.raises(ConflictError, match=r"flights/0 and \d more"):
        require_clean(ctx, read_line(ctx, "flights"))


def test_a_foreign_change_that_is_undone_is_forgotten(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    foreign(ctx, "flights/new")
    foreign(ctx, "flights/new", None)
    require_clean(ctx, read_line(ctx, "flights"))


def test_a_forged_annotation_is_not_believed(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    planes = ingest_files(ctx, tmp_path, {"a": b"2"}, dataset="planes")
    said = read_line(ctx, "flights").annotation
    from dataclasses import replace

    forged = replace(said, version="9.0.0", commit=planes.ingest_commit).encode()
    foreign(ctx, "elsewhere/x", metadata=forged)
    with pytest.raises(IntegrityError) as caught:
        read_line(ctx, "flights")
    assert caught.value.kind == "bad-annotation"


def test_the_merge_of_an_ingest_commit_is_found(ctx, tmp_path):
    before = ctx.repository.branches.get("main").commit
    first = ingest_files(ctx, tmp_path, {"a": b"1"})
    ingest_files(ctx, tmp_path, {"a": b"2"})
    merge = merge_of(ctx, first.ingest_commit)
    assert merge is not None
    assert merge.id == first.commit
    assert Annotation.decode(merge.metadata).commit == first.ingest_commit
    assert merge_of(ctx, before) is None
