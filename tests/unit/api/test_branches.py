"""Branches from Python: opened, written to, finished, adopted."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.lakes import data_at, make_context, tags

from lakefs_repro.api.config import Config, ProjectConfig
from lakefs_repro.api.lake import Lake
from lakefs_repro.errors import RejectedError


@pytest.fixture
def lake(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    project = ProjectConfig(engine="lakefs", repository=ctx.repository.name)
    return Lake(ctx, Config(project=project, folder=Path(tmp_path)))


def test_a_branch_is_opened_written_to_and_finished(lake):
    branch = lake.open_branch("flights", name="nightly")
    roads = lake.roads_in(branch)
    assert roads.uri("lakefs") == f"lakefs://{roads.repository}/write-flights-nightly/flights/"
    assert bool(roads.gateway) == (lake.context.engine != "embedded")
    assert [b.branch for b in lake.open_branches("flights")] == ["write-flights-nightly"]
    lake.context.repository.objects.put(branch.branch, "flights/a.bin", b"1")
    with pytest.raises(RejectedError):
        lake.finish_branch(branch.branch)
    done = lake.finish_branch(branch.branch, commit_staged=True, message="night", version="2.0.0")
    assert (done.deleted, done.result.version, done.result.uploaded) == (True, "2.0.0", 0)
    assert done.result.taken_from == "write-flights-nightly"
    assert lake.open_branches() == ()
    assert next(lake.log("flights")).message == "night"


def test_what_lies_in_main_is_adopted(lake):
    repository = lake.context.repository
    repository.objects.put("main", "flights/a.bin", b"1")
    repository.commits.create("main", "before this toolkit")
    result = lake.adopt("flights", message="as it was")
    assert (result.outcome, result.version, result.hashed) == ("created", "1.0.0", 1)
    assert lake.adopt("flights").outcome == "unchanged"
    assert data_at(lake.context, "flights-v1.0.0") == {"a.bin": b"1"}
    assert tags(lake.context) == ["flights-v1.0.0"]


def test_no_secret_is_in_the_options(lake):
    roads = lake.roads_in(lake.open_branch("flights"), gateway="https://s3.lakefs.example.com/")
    said = repr((roads, roads.spark, roads.deltalake, roads.duckdb, roads.fsspec, roads.uris))
    assert lake.context.repository.wire.endpoint.secret_access_key not in said
    assert roads.deltalake["AWS_ENDPOINT_URL"] == "https://s3.lakefs.example.com"
    assert "AWS_ALLOW_HTTP" not in roads.deltalake
