"""The rules of a plan, one at a time; tests/property/test_plan.py holds its laws."""

from __future__ import annotations

import pytest

from lakefs_repro.errors import ConflictError, InvalidError, RejectedError
from lakefs_repro.ingest.plan import check_paths, make_plan
from lakefs_repro.model.entry import Entry
from lakefs_repro.transfer.hashing import hash_bytes


def source(files: dict[str, bytes]) -> dict[str, Entry]:
    return {p: Entry(p, len(d), hash_bytes(d).sha256) for p, d in files.items()}


def plan(old, new, **options):
    options.setdefault("mode", "replace")
    if old is None:
        return make_plan(source(new), root=None, read=None, **options)
    before = make_plan(source(old), mode="replace", root=None, read=None)
    return make_plan(source(new), root=before.manifest.root, read=before.new_chunks.__getitem__, **options)


def sent(made):
    return [entry.path for entry in made.new]


def test_the_first_time_everything_is_sent():
    made = plan(None, {"a": b"1", "b": b"22"})
    assert (sent(made), made.remove, made.added, made.changed, made.new_bytes) == (["a", "b"], (), 2, 0, 3)
    assert not made.same


def test_nothing_new_is_nothing_to_do():
    made = plan({"a": b"1"}, {"a": b"1"})
    assert made.same
    assert (made.new_chunks, made.old_chunks) == ({}, ())


def test_replacing_sends_what_differs_and_removes_what_is_gone():
    made = plan({"a": b"1", "b": b"2", "c": b"3"}, {"a": b"1", "b": b"other", "d": b"4"})
    assert (sent(made), made.remove, made.added, made.changed) == (["b", "d"], ("c",), 1, 1)


def test_appending_keeps_what_is_not_in_the_source():
    made = plan({"a": b"1", "b": b"2"}, {"b": b"2", "c": b"3"}, mode="append")
    assert (sent(made), made.remove, made.manifest.entries) == (["c"], (), 3)


def test_appending_other_bytes_to_a_path_is_a_conflict():
    with pytest.raises(ConflictError) as caught:
        plan({"a": b"1", "b": b"2"}, {"b": b"other"}, mode="append")
    assert caught.value.kind == "append-would-change"
    assert caught.value.message.startswith("b ")


@pytest.mark.parametrize(("kept", "refused"), [(10, False), (6, False), (5, False), (4, True), (1, True)])
def test_losing_more_than_half_is_refused(kept, refused):
    old = {f"{n}": b"x" for n in range(10)}
    new = {f"{n}": b"x" for n in range(kept)}
    if not refused:
        assert len(plan(old, new).remove) == 10 - kept
        return
    with pytest.raises(RejectedError) as caught:
        plan(old, new)
    assert caught.value.kind == "shrinks-too-much"
    assert f"{10 - kept} of the 10" in caught.value.message
    assert len(plan(old, new, allow_shrink=True).remove) == 10 - kept


def test_new_files_don_t_outweigh_lost_ones():
    old = {f"old{n}": b"x" for n in range(4)}
    with pytest.raises(RejectedError):
        plan(old, {"old0": b"x", **{f"new{n}": b"x" for n in range(100)}})


@pytest.mark.parametrize("paths", [["a", "a/b"], ["a/b/c", "a/b"], ["x", "a/b", "a/b/c/d"]])
def test_a_file_that_is_a_folder_too_is_refused(paths):
    with pytest.raises(InvalidError) as caught:
        check_paths(paths)
    assert caught.value.kind == "file-and-folder"


def test_names_that_only_look_like_folders_are_fine():
    check_paths(["a", "a-b/c", "a.b", "ab/c", "b/a"])
