"""The SHA-256 of objects that others wrote."""

from __future__ import annotations

import hashlib

import pytest
from support.lakes import ingest_files, make_context

from lakefs_repro.errors import IntegrityError
from lakefs_repro.snapshot.changes import new_objects
from lakefs_repro.snapshot.digests import known_or_read
from lakefs_repro.snapshot.line import read_line


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


def written_by_others(ctx, files: dict[str, bytes], *, branch: str = "spark", source: str = "main") -> str:
    """A branch that somebody else wrote these objects to, and committed: the commit's id."""
    repository = ctx.repository
    if branch not in {ref.name for ref in repository.branches.list()}:
        repository.branches.create(branch, source)
    for path, data in files.items():
        repository.objects.put(branch, path, data)
    return repository.commits.create(branch, "others at work").id


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_is_new_is_what_the_line_does_not_hold(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1", "b": b"2", "c": b"3"})
    ctx.repository.branches.create("spark", "main")
    ctx.repository.objects.delete("spark", ["flights/c"])
    files = {"flights/a": b"1", "flights/b": b"two", "flights/d": b"4", "elsewhere/e": b"5"}
    commit = written_by_others(ctx, files)
    found = new_objects(ctx, read_line(ctx, "flights"), commit)
    assert [(info.path, info.size) for info in found] == [("flights/b", 3), ("flights/d", 1)]
    assert all(info.address and info.checksum for info in found)


def test_before_the_first_ingest_everything_is_new(ctx):
    commit = written_by_others(ctx, {"flights/a": b"1", "flights/b/c": b"2"})
    assert [o.path for o in new_objects(ctx, read_line(ctx, "flights"), commit)] == ["flights/a", "flights/b/c"]


def test_many_are_picked_from_the_listing(ctx, monkeypatch):
    monkeypatch.setattr("lakefs_repro.snapshot.changes._STAT_RATHER_THAN_LIST", 2)
    commit = written_by_others(ctx, {f"flights/{n}": b"%d" % n for n in range(5)})
    assert [o.path for o in new_objects(ctx, read_line(ctx, "flights"), commit)] == [f"flights/{n}" for n in range(5)]


def test_objects_are_hashed_whatever_their_size(ctx):
    files = {"flights/empty": b"", "flights/small": b"x" * 1000, "flights/large": bytes(range(256)) * 8000}
    commit = written_by_others(ctx, files)
    found = known_or_read(ctx, "flights", commit, new_objects(ctx, read_line(ctx, "flights"), commit))
    assert {path: (d.sha256, d.size, d.by) for path, d in found.items()} == {
        path: (sha256(data), len(data), "client") for path, data in files.items()
    }


def test_an_object_of_another_size_than_promised_is_refused(ctx):
    commit = written_by_others(ctx, {"flights/a": b"12345"})
    info = new_objects(ctx, read_line(ctx, "flights"), commit)[0]
    wrong = type(info)(info.path, 6, info.checksum, info.address, info.modified)
    with pytest.raises(IntegrityError) as caught:
        known_or_read(ctx, "flights", commit, [wrong])
    assert caught.value.kind == "size-mismatch"
