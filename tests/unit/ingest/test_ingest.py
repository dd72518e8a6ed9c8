"""Versions, results and requests; tests/faults holds kills, lost replies and races."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.lakes import Watch, data_at, ingest_files, leftovers, make_context, tags, write_files

from lakefs_repro.errors import InvalidError, NotFoundError
from lakefs_repro.ingest.ingest import STEPS, ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.model.annotation import Annotation, Input


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


def test_the_first_version_is_1_0_0_and_the_next_a_minor(ctx, tmp_path):
    versions = [ingest_files(ctx, tmp_path, {"a": b"%d" % n}).version for n in range(3)]
    assert versions == ["1.0.0", "1.1.0", "1.2.0"]


@pytest.mark.parametrize(("bump", "version"), [("major", "2.0.0"), ("minor", "1.1.0"), ("patch", "1.0.1")])
def test_a_bump_raises_its_part(ctx, tmp_path, bump, version):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    assert ingest_files(ctx, tmp_path, {"a": b"2"}, bump=bump).version == version


def test_a_version_can_be_named_once_and_upwards(ctx, tmp_path):
    assert ingest_files(ctx, tmp_path, {"a": b"1"}, version="3.1.4+build.5").version == "3.1.4+build.5"
    for wrong in ("3.1.4", "3.1.3", "1.0.0", "3.1.4-rc.1"):
        with pytest.raises(InvalidError) as caught:
            ingest_files(ctx, tmp_path, {"a": b"2"}, version=wrong)
        assert caught.value.kind == "version-not-higher"
    assert leftovers(ctx) == []
    assert tags(ctx) == ["flights-v3.1.4+build.5"]


def test_contradictions_and_bad_names_are_refused_before_anything_is_read(ctx, tmp_path):
    with pytest.raises(InvalidError) as caught:
        ingest(ctx, IngestRequest("flights", (tmp_path / "missing",), version="1.0.0", bump="minor"))
    assert caught.value.kind == "version-and-bump"
    for name in ("Flights", "", "a/b", "x-v1", "../x"):
        with pytest.raises(InvalidError):
            ingest(ctx, IngestRequest(name, (tmp_path,)))
    with pytest.raises(NotFoundError):
        ingest(ctx, IngestRequest("flights", (tmp_path / "missing",)))


def test_a_result_counts_what_was_done(ctx, tmp_path):
    first = ingest_files(ctx, tmp_path, {"a": b"1", "b": b"22", "c": b"333"})
    assert (first.outcome, first.files, first.bytes, first.added, first.uploaded, first.uploaded_bytes, first.previous) == (
        "created", 3, 6, 3, 3, 6, "",
    )  # fmt: skip
    second = ingest_files(ctx, tmp_path, {"a": b"1", "b": b"other", "d": b""})
    assert (second.added, second.changed, second.removed, second.uploaded, second.previous) == (1, 1, 1, 2, "1.0.0")
    assert (second.engine, second.repository) == (ctx.engine, ctx.repository.name)
    assert second.to_json()["digest"] == second.digest


def test_the_steps_come_in_the_order_that_is_promised(ctx, tmp_path):
    watch = Watch()
    ingest_files(replace(ctx, progress=watch), tmp_path, {"a": b"1"})
    assert tuple(watch.steps) == STEPS


def test_lineage_is_on_the_ingest_commit_and_on_the_merge(ctx, tmp_path):
    inputs = (Input(ref="raw@^1", dataset="raw", version="1.2.0", commit="c" * 64, digest="d" * 64),)
    said = {"inputs": inputs, "query": "SELECT 'ü'", "job": "https://ci/1", "code": "f" * 40, "code_dirty": True}
    result = ingest_files(ctx, tmp_path, {"a": b"1"}, message="Monday", **said)
    for commit in (result.ingest_commit, result.commit):
        found = ctx.repository.commits.get(commit)
        annotation = Annotation.decode(found.metadata)
        assert {name: getattr(annotation, name) for name in said} == said
        assert (annotation.digest, annotation.files, found.message) == (result.digest, 1, "Monday")


def test_the_digest_is_that_of_the_files_alone(ctx, tmp_path):
    files = {"a": b"1", "é": b"2"}
    one = ingest_files(ctx, tmp_path, files, message="x", job="y")
    two = ingest_files(ctx, tmp_path, files, dataset="planes")
    assert one.digest == two.digest
    other = ingest_files(ctx, tmp_path, {"a": b"1", "e\u0301": b"2"}, dataset="cars")
    assert other.digest != one.digest


def test_a_dry_run_shows_what_would_come(ctx, tmp_path):
    planned = ingest_files(ctx, tmp_path, {"a": b"1"}, dry_run=True)
    assert (planned.outcome, planned.version, planned.added, planned.uploaded) == ("planned", "1.0.0", 1, 0)
    assert tags(ctx) == []
    assert [b.name for b in ctx.repository.branches.list()] == ["main"]
    ingest_files(ctx, tmp_path, {"a": b"1"})
    assert ingest_files(ctx, tmp_path, {"a": b"1"}, dry_run=True).outcome == "unchanged"


def test_the_same_command_is_recognised_and_another_is_not(tmp_path):
    request = IngestRequest("flights", (tmp_path,))
    assert request.fingerprint == IngestRequest("flights", (tmp_path,), message="other words").fingerprint
    for change in ({"mode": "append"}, {"version": "2.0.0"}, {"bump": "major"}, {"under": "x"}, {"exclude": ("x",)}):
        assert replace(request, **change).fingerprint != request.fingerprint


def test_odd_names_come_through_to_the_version(ctx, tmp_path):
    files = {"new\nline": b"1", "back\\slash": b"2", "d e/ü?&#%41": b"3"}
    result = ingest_files(ctx, tmp_path, files)
    assert data_at(ctx, f"flights-v{result.version}") == files


def test_a_part_can_go_under_a_folder_of_the_dataset(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"x": b"1"}, under="month=1")
    source = write_files(tmp_path / "next", {"x": b"2"})
    ingest(ctx, IngestRequest("flights", (source,), mode="append", under="month=2"))
    assert data_at(ctx, "main") == {"month=1/x": b"1", "month=2/x": b"2"}
