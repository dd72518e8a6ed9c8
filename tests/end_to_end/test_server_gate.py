"""A gate of the server's own, in front of ``main``: a webhook that reads what is to be merged, and decides."""

from __future__ import annotations

import pytest
from support.lakes import data_at, ingest_files, leftovers, make_context, pins, tags

from lakefs_repro.errors import RejectedError

ACTION = """name: gate
on:
  pre-merge:
    branches: [main]
hooks:
  - id: rows
    type: webhook
    properties:
      url: {url}
"""


def test_a_gate_of_the_server_sees_every_ingest_and_can_refuse_it(engine, tmp_path, receiver):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    objects, commits = ctx.repository.objects, ctx.repository.commits
    objects.put("main", "_lakefs_actions/gate.yaml", ACTION.format(url=receiver.url).encode())
    commits.create("main", "a gate")

    def decide(event):
        said = commits.get(event["commit_id"]).metadata
        assert said["repro.dataset"] == event["commit_metadata"]["repro.dataset"] == "flights"
        rows = objects.get(event["source_ref"], "flights/a")
        receiver.status = 200 if rows == b"good" else 422

    receiver.meanwhile = decide
    first = ingest_files(ctx, tmp_path, {"a": b"good"})
    assert receiver.kinds == ["pre-merge"]
    with pytest.raises(RejectedError, match="rows"):
        ingest_files(ctx, tmp_path, {"a": b"bad"})
    assert receiver.kinds == ["pre-merge", "pre-merge"]
    assert data_at(ctx, "main") == {"a": b"good"}
    assert (tags(ctx), pins(ctx)) == (["flights-v1.0.0"], ["pin-flights-v1_0_0"])
    assert leftovers(ctx) == []
    again = ingest_files(ctx, tmp_path, {"a": b"good"})
    assert (again.outcome, again.version) == ("unchanged", first.version)
