"""The heart of it, by the server's own word: a tag does not keep its data, a hidden branch does."""

from __future__ import annotations

import time

import pytest
from support.lakes import ingest_files, make_context

from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.oracle import ask_what_is_retained

DAY = 86_400


def endpoint_of(engine) -> Endpoint:
    return Endpoint(engine.endpoint, engine.access_key_id, engine.secret_access_key)


def aged_commit(engine, repository: str, branch: str, days: int) -> str:
    """A commit that says of itself that it is old, as only a client that is no friend would make it."""
    engine.call("POST", f"/repositories/{repository}/branches", json={"name": branch, "source": "main", "hidden": True})
    engine.call("POST", f"/repositories/{repository}/branches/{branch}/objects?path=x/{branch}", body=b"x",
                headers={"Content-Type": "application/octet-stream"})  # fmt: skip
    made = engine.call(
        "POST", f"/repositories/{repository}/branches/{branch}/commits",
        json={"message": "old", "date": int(time.time()) - days * DAY},
    )  # fmt: skip
    assert made.status == 201
    return made.json["id"]


def retained_or_skip(engine, repository: str) -> frozenset[str]:
    rules = {"default_retention_days": 1, "branches": []}
    engine.call("PUT", f"/repositories/{repository}/settings/gc_rules", json=rules)
    answer = ask_what_is_retained(endpoint_of(engine), repository)
    if answer.commits is None:
        pytest.skip(f"unproven on this server: {answer.why}")
    return answer.commits


def test_a_tag_keeps_nothing_and_a_hidden_branch_does(engine):
    repository = engine.new_repository()
    pinned = aged_commit(engine, repository, "pin-old", 30)
    tagged = aged_commit(engine, repository, "scratch", 30)
    engine.call("POST", f"/repositories/{repository}/tags", json={"id": "old-v1.0.0", "ref": tagged})
    engine.call("DELETE", f"/repositories/{repository}/branches/scratch")
    retained = retained_or_skip(engine, repository)
    assert pinned in retained
    assert tagged not in retained, "lakeFS keeps tagged commits now: say so in the documentation"


def test_every_version_of_ours_is_retained(engine, tmp_path):
    repository = engine.new_repository()
    ctx = make_context(engine, repository, tmp_path / "state")
    results = [ingest_files(ctx, tmp_path, {"a": b"%d" % n}) for n in range(3)]
    retained = retained_or_skip(engine, repository)
    assert {r.ingest_commit for r in results} <= retained


def test_a_repository_without_rules_is_unproven_not_safe(engine):
    answer = ask_what_is_retained(endpoint_of(engine), engine.new_repository())
    assert answer.commits is None
    assert answer.why
