"""A snapshot is there when every object answers; what is wrong is named, with its kind."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest
from support.forging import delete, flip_bit, forge, truncate
from support.lakes import ingest_files, make_context

from lakefs_repro.errors import InvalidError, UnavailableError
from lakefs_repro.lake.repository import Server
from lakefs_repro.lake.wire import Retry, Wire
from lakefs_repro.model.names import chunk_path
from lakefs_repro.model.report import MAX_PROBLEMS
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.snapshot.verify import verify
from lakefs_repro.testing.faults import FaultPlan, FaultProxy

LARGE = 1 << 20


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


@pytest.fixture
def own(fresh_engine, tmp_path):
    """A context on an engine that may be damaged."""
    return make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")


def found(report):
    return {(problem.path, problem.kind) for problem in report.problems}


@pytest.mark.parametrize("deep", [False, True])
def test_a_whole_snapshot(ctx, tmp_path, deep):
    files = {f"f{n}": os.urandom(n) for n in range(150)} | {"empty": b"", "large": os.urandom(LARGE)}
    ingest_files(ctx, tmp_path, files)
    ingest_files(ctx, tmp_path, {"other": b"1"}, dataset="planes")
    report = verify(ctx, resolve(ctx, "flights@1.0.0"), deep=deep)
    assert report.ok, report.problems
    assert (report.files, report.bytes, report.pin) == (152, sum(map(len, files.values())), "held")
    assert not deep or report.read_bytes == report.bytes
    assert json.loads(json.dumps(report.to_json()))["ok"] is True


@pytest.mark.parametrize("size", [1000, LARGE])
@pytest.mark.parametrize(("damage", "kinds"), [(truncate, {"gone", "truncated"}), (delete, {"gone"})])
def test_a_truncated_or_deleted_block_is_found_without_reading_everything(
    own, fresh_engine, tmp_path, size, damage, kinds
):
    content = os.urandom(size)
    ingest_files(own, tmp_path, {"good": os.urandom(LARGE), "sub/bad": content})
    damage(fresh_engine.root, content)
    report = verify(own, resolve(own, "flights@1.0.0"))
    assert not report.ok
    bad = [problem for problem in report.problems if problem.path == "flights/sub/bad"]
    assert [problem.kind in kinds for problem in bad] == [True]
    assert "flights/good" not in {problem.path for problem in report.problems}


def test_a_flipped_bit_is_found_by_reading_deep(own, fresh_engine, tmp_path):
    content = os.urandom(LARGE)
    ingest_files(own, tmp_path, {"good": os.urandom(LARGE), "bad": content})
    flip_bit(fresh_engine.root, content)
    snapshot = resolve(own, "flights@1.0.0")
    assert verify(own, snapshot).ok, "the last byte is as it was"
    report = verify(own, snapshot, deep=True)
    assert found(report) == {("flights/bad", "hash-mismatch")}
    assert report.counts == {"hash-mismatch": 1}


def test_a_damaged_manifest_chunk_is_found(own, fresh_engine, tmp_path):
    ingest_files(own, tmp_path, {f"f{n:04}": b"%d" % n for n in range(2000)})
    snapshot = resolve(own, "flights")
    chunk = own.repository.objects.get(snapshot.ingest_commit, chunk_path("flights", snapshot.digest))
    flip_bit(fresh_engine.root, chunk)
    report = verify(own, resolve(own, "flights"))
    assert {kind for _, kind in found(report)} == {"manifest"}
    assert snapshot.digest in report.problems[0].detail


def test_a_manifest_that_is_not_what_the_commit_says(ctx):
    forge(ctx, {"a": b"1"}, files=7)
    report = verify(ctx, resolve(ctx, "flights@1.0.0"))
    assert "the commit says 7" in next(p.detail for p in report.problems if p.kind == "manifest")


def test_objects_beside_the_manifest_are_found(ctx):
    """A forged ingest commit: objects added, removed and replaced after its manifest was made."""
    forge(ctx, {"a": b"1", "b": b"22", "c": b"333"})
    objects, line = ctx.repository.objects, resolve(ctx, "flights@1.0.0").ingest_commit
    ctx.repository.branches.create("again", line)
    objects.put("again", "flights/a", b"other size")
    objects.put("again", "flights/b/extra", b"?")
    objects.delete("again", ["flights/c"])
    said = {k: v for k, v in ctx.repository.commits.get(line).metadata.items() if k.startswith("repro.")}
    changed = ctx.repository.commits.create("again", "changed", said).id
    report = verify(ctx, resolve(ctx, changed))
    assert {("flights/a", "size-mismatch"), ("flights/b/extra", "extra"), ("flights/c", "missing")} <= found(report)


def test_a_merge_that_holds_something_else_is_found(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    first = resolve(ctx, "flights@1.0.0")
    ctx.repository.branches.create("evil", first.commit)
    ctx.repository.objects.put("evil", "flights/foreign", b"!")
    said = {k: v for k, v in ctx.repository.commits.get(first.commit).metadata.items() if k.startswith("repro.")}
    forged = ctx.repository.commits.create("evil", "evil", said).id
    ctx.repository.tags.delete("flights-v1.0.0")
    ctx.repository.tags.create("flights-v1.0.0", forged)
    report = verify(ctx, resolve(ctx, "flights@1.0.0"))
    assert found(report) == {("flights/foreign", "foreign-change")}


def test_a_part_is_held_to_the_part_alone(own, fresh_engine, tmp_path):
    content = os.urandom(LARGE)
    ingest_files(own, tmp_path, {"month=1/a": content, "month=2/b": b"2", "c": b"3"})
    delete(fresh_engine.root, content)
    assert found(verify(own, resolve(own, "flights@1.0.0#month=1"))) == {("flights/month=1/a", "gone")}
    part = verify(own, resolve(own, "flights@1.0.0#month=2"))
    assert (part.ok, part.files) == (True, 1)
    snapshot = resolve(own, "flights@1.0.0")
    assert verify(own, snapshot, include=("c", "*/b")).files == 2
    assert not verify(own, snapshot, include=("*/a",)).ok
    with pytest.raises(InvalidError):
        verify(own, snapshot, include=("none/*",))


def test_all_problems_are_counted_and_the_first_named(own, fresh_engine, tmp_path):
    """The file that holds all small objects is lost, the manifest with them: the listing still names the files."""
    files = {f"f{n:04}": os.urandom(200) for n in range(MAX_PROBLEMS + 50)}
    ingest_files(own, tmp_path, files)
    delete(fresh_engine.root, files["f0000"])
    report = verify(own, resolve(own, "flights"))
    assert report.counts["gone"] >= MAX_PROBLEMS + 50
    assert report.counts["manifest"] == 1
    assert len(report.problems) == MAX_PROBLEMS
    assert ("flights/f0001", "gone") in found(report)


def test_a_server_that_is_not_there_is_no_verdict(engine, ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1", "b": os.urandom(LARGE)})
    with FaultProxy(engine.endpoint, FaultPlan("")) as proxy:
        pass
    snapshot = resolve(ctx, "flights@1.0.0")
    with pytest.raises(UnavailableError):  # everything, from the configuration on
        make_context(engine, ctx.repository.name, tmp_path / "state", url=proxy.url)
    nowhere = Wire(replace(ctx.repository.wire.endpoint, url=proxy.url), retry=Retry(sleep=lambda _: None))
    away = replace(ctx, repository=Server(nowhere).repository(ctx.repository.name))
    with pytest.raises(UnavailableError):
        verify(away, replace(snapshot, context=away))


def test_a_probe_whose_reply_is_lost_is_asked_again(engine, ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"b": os.urandom(LARGE)})
    with FaultProxy(engine.endpoint, FaultPlan("drop 503 cut drop-reply", path="objects\\?path=flights")) as proxy:
        away = make_context(engine, ctx.repository.name, tmp_path / "state", url=proxy.url)
        assert verify(away, resolve(away, "flights@1.0.0")).ok
