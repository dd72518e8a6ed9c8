"""Restoring to a folder: whole or not at all, and never over what is somebody's own."""

from __future__ import annotations

import errno
import json
import os
import stat
from dataclasses import replace

import pytest
from support.forging import delete, flip_bit, forge, truncate
from support.lakes import ingest_files, make_context, write_files

from lakefs_repro.errors import AlreadyExistsError, ConflictError, IntegrityError, InvalidError
from lakefs_repro.restore import apply
from lakefs_repro.restore.folder import restore_to
from lakefs_repro.restore.rollback import roll_back
from lakefs_repro.restore.targets import Target
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.transfer import download

ONE = {"month=1/a.bin": b"one", "month=2/b.bin": os.urandom(700_000), "read me\n": b"", "é": b"x"}
TWO = {"month=1/a.bin": b"one", "month=2/b.bin": b"changed", "month=3/c.bin": b"3"}


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


@pytest.fixture
def two(ctx, tmp_path):
    """``flights`` in two versions."""
    ingest_files(ctx, tmp_path, ONE)
    ingest_files(ctx, tmp_path, TWO)
    return ctx


@pytest.fixture
def out(tmp_path):
    """A place for the target, which must hold nothing else in the end."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place" / "out"


def restore(ctx, ref, target, **options):
    return restore_to(ctx, resolve(ctx, ref), target, state=ctx.state, **options)


def read(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def alone(target):
    return [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_fresh_folder(two, out):
    mask = os.umask(0o022)
    try:
        report = restore(two, "flights@1.0.0", out / "deep" / "er")
    finally:
        os.umask(mask)
    assert read(out / "deep" / "er") == ONE
    assert (report.action, report.files, report.downloaded) == ("created", 4, 4)
    assert report.downloaded_bytes == report.bytes == sum(map(len, ONE.values()))
    assert alone(out / "deep" / "er")
    made = out / "deep" / "er" / "month=1"
    assert stat.S_IMODE(made.stat().st_mode) == 0o755
    assert stat.S_IMODE((made / "a.bin").stat().st_mode) == 0o644
    assert json.loads(json.dumps(report.to_json()))["target"] == str(out / "deep" / "er")


def test_an_empty_folder(two, out):
    out.mkdir()
    restore(two, "flights@1.0.0", out)
    assert read(out) == ONE
    assert alone(out)


def test_the_same_again_touches_nothing(two, out):
    restore(two, "flights@1.0.0", out)
    before = {p: p.stat().st_mtime_ns for p in [out, *out.rglob("*")]}
    report = restore(two, "flights@1.0.0", out)
    assert (report.action, report.downloaded, report.reused) == ("unchanged", 0, 4)
    assert {p: p.stat().st_mtime_ns for p in [out, *out.rglob("*")]} == before
    assert alone(out)


@pytest.mark.parametrize("exchanging", [True, False])
def test_another_version_takes_its_place_and_keeps_what_is_equal(two, out, monkeypatch, exchanging):
    if not exchanging:
        monkeypatch.setattr(apply, "exchange", lambda *_: False)
    restore(two, "flights@1.0.0", out)
    report = restore(two, "flights@1.1.0", out)
    assert read(out) == TWO
    assert (report.action, report.reused, report.downloaded, report.removed) == ("replaced", 1, 2, 2)
    restore(two, "flights@1.0.0", out)
    assert read(out) == ONE
    assert alone(out)


def test_a_rollback_gives_the_older_bytes(two, out):
    roll_back(two, "flights", resolve(two, "flights@1.0.0").ingest_commit)
    assert restore(two, "flights@latest", out).version == "1.1.1"
    assert read(out) == ONE


def test_parts(two, out):
    assert restore(two, "flights@1.0.0#month=1", out).files == 1
    assert set(read(out)) == {"month=1/a.bin"}
    report = restore(two, "flights@1.0.0", out, include=("month=2/*", "é"))
    assert set(read(out)) == {"month=2/b.bin", "é"}
    assert report.removed == 1
    with pytest.raises(InvalidError) as caught:
        restore(two, "flights@1.0.0", out, include=("nothing",))
    assert caught.value.kind == "nothing-included"
    assert set(read(out)) == {"month=2/b.bin", "é"}


def test_a_dry_run_writes_nothing(two, out):
    report = restore(two, "flights@1.0.0", out, dry_run=True)
    assert (report.action, report.files, report.downloaded) == ("planned", 4, 4)
    assert list(out.parent.iterdir()) == []
    restore(two, "flights@1.0.0", out)
    report = restore(two, "flights@1.1.0", out, dry_run=True)
    assert (report.downloaded, report.reused, report.removed) == (2, 1, 2)
    assert read(out) == ONE


def test_files_that_no_restore_wrote_are_never_overwritten(two, out):
    write_files(out, {"month=1/a.bin": b"mine", "thesis.tex": b"years of work"})
    with pytest.raises(AlreadyExistsError, match=r"thesis\.tex") as caught:
        restore(two, "flights@1.0.0", out)
    assert caught.value.kind == "target-not-ours"
    assert read(out) == {"month=1/a.bin": b"mine", "thesis.tex": b"years of work"}
    assert alone(out)


def test_a_file_changed_after_a_restore_is_never_overwritten(two, out):
    restore(two, "flights@1.0.0", out)
    (out / "é").write_bytes(b"edited")
    with pytest.raises(AlreadyExistsError, match=r"é \(changed since"):
        restore(two, "flights@1.1.0", out)
    assert read(out) == {**ONE, "é": b"edited"}


def test_without_the_record_only_the_same_content_is_taken_over(two, out):
    restore(two, "flights@1.0.0", out)
    for note in (two.state / "restores").iterdir():
        note.unlink()
    with pytest.raises(AlreadyExistsError):
        restore(two, "flights@1.1.0", out)
    (out / "month=1" / "a.bin").unlink()
    report = restore(two, "flights@1.0.0", out)
    assert (report.action, report.downloaded, report.reused) == ("replaced", 1, 3)
    assert read(out) == ONE


def test_links_in_the_target_are_neither_followed_nor_replaced(two, out, tmp_path):
    restore(two, "flights@1.0.0", out)
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "b.bin").write_bytes(b"elsewhere")
    (out / "month=2" / "b.bin").unlink()
    (out / "month=2").rmdir()
    (out / "month=2").symlink_to(secret)
    with pytest.raises(AlreadyExistsError, match="month=2"):
        restore(two, "flights@1.1.0", out)
    assert (secret / "b.bin").read_bytes() == b"elsewhere"


def test_a_link_planted_in_the_staging_folder_is_not_followed(two, out, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    snapshot = resolve(two, "flights@1.0.0")
    staging = Target.at(out).staging(snapshot.digest[:12])
    (staging / "tree").mkdir(parents=True)
    (staging / "tree" / "month=1").symlink_to(outside)
    (staging / "tree" / "stray").write_bytes(b"not of this snapshot")
    restore(two, "flights@1.0.0", out)
    assert read(out) == ONE
    assert list(outside.iterdir()) == []


def test_two_at_once(two, out):
    with Target.at(out).locked(), pytest.raises(ConflictError) as caught:
        restore(two, "flights@1.0.0", out)
    assert caught.value.kind == "restore-under-way"


@pytest.mark.parametrize("exchanging", [True, False])
def test_a_file_written_while_the_folders_are_exchanged_survives(two, out, monkeypatch, exchanging):
    restore(two, "flights@1.0.0", out)
    swap, check = apply.exchange, apply._require_unchanged

    def exchange(one, other):
        return exchanging and swap(one, other)

    def unchanged(folder, target, before):
        check(folder, target, before)
        if folder == target:
            (out / "late").write_bytes(b"just now")

    monkeypatch.setattr(apply, "exchange", exchange)
    monkeypatch.setattr(apply, "_require_unchanged", unchanged)
    with pytest.raises(ConflictError, match="late") as caught:
        restore(two, "flights@1.1.0", out)
    assert caught.value.kind == "target-changed"
    assert read(out) == {**ONE, "late": b"just now"}


def test_something_put_there_while_a_fresh_restore_ran_survives(two, out, monkeypatch):
    monkeypatch.setattr(apply, "sync", lambda _: write_files(out, {"theirs": b"!"}))
    with pytest.raises(AlreadyExistsError):
        restore(two, "flights@1.0.0", out)
    assert read(out) == {"theirs": b"!"}


def test_a_full_disk_leaves_nothing_and_goes_on_later(two, out, monkeypatch):
    write = download._write_all

    def full(file, data):
        if len(data) > 1000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "disk")
        write(file, data)

    monkeypatch.setattr(download, "_write_all", full)
    with pytest.raises(InvalidError) as caught:
        restore(two, "flights@1.0.0", out)
    assert caught.value.kind == "not-enough-space"
    assert not out.exists()
    monkeypatch.setattr(download, "_write_all", write)
    report = restore(two, "flights@1.0.0", out)
    assert read(out) == ONE
    assert report.resumed == 4 - report.downloaded
    assert alone(out)


@pytest.mark.parametrize("size", [1000, 1 << 20])
@pytest.mark.parametrize("damage", [flip_bit, truncate, delete])
def test_damage_in_the_store_is_named_and_nothing_appears(fresh_engine, tmp_path, out, damage, size):
    ctx = make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")
    content = os.urandom(size)
    ingest_files(ctx, tmp_path, {"good": b"good", "large": os.urandom(1 << 20), "sub/bad": content})
    snapshot = resolve(ctx, "flights@1.0.0")
    list(snapshot.files)  # the manifest is remembered: small objects share a file with it
    damage(fresh_engine.root, content)
    with pytest.raises(IntegrityError) as caught:
        restore_to(ctx, snapshot, out, state=ctx.state)
    assert "flights/sub/bad" in caught.value.message or (size == 1000 and damage is not flip_bit)
    assert not out.exists()
    assert content not in read(out.parent).values()


@pytest.mark.parametrize("path", ["../x", "/etc/lakefs-repro-x", "a\0b", "sub/../../x", "a//b"])
def test_hostile_paths_are_refused_and_nothing_is_written(engine, tmp_path, out, path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    forge(ctx, {"good": b"1", path: b"evil"})
    with pytest.raises(InvalidError) as caught:
        restore(ctx, "flights@1.0.0", out)
    assert caught.value.kind == "unsafe-path"
    assert repr(path) in caught.value.message
    assert list(out.parent.iterdir()) == []
    assert not (tmp_path / "x").exists()
    with pytest.raises(InvalidError):
        restore(ctx, "flights@1.0.0", out, dry_run=True)
    restore(ctx, "flights@1.0.0", out, include=("good",))
    assert read(out) == {"good": b"1"}


def test_an_object_put_beside_the_manifest_is_not_restored(ctx, tmp_path, out):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    ctx.repository.objects.put("main", "flights/../../x", b"evil")
    ctx.repository.commits.create("main", "around the gate")
    restore(ctx, "flights@1.0.0", out)
    assert read(out) == {"a": b"1"}
    with pytest.raises(ConflictError):
        restore(ctx, "flights@main", out)


def test_an_empty_part_of_a_version_is_refused_but_an_empty_dataset_is_not(ctx, out):
    forge(ctx, {})
    report = restore(ctx, "flights@1.0.0", out)
    assert (report.files, out.is_dir(), list(out.iterdir())) == (0, True, [])


def test_the_standard_road_gives_the_same(two, out):
    plain = replace(two, server=replace(two.server, extensions={}))
    restore(plain, "flights@1.0.0", out)
    assert read(out) == ONE
