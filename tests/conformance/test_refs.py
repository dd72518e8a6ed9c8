from __future__ import annotations

from urllib.parse import quote

import pytest


@pytest.fixture
def merged(repo):
    """main = merge of work (w) into a line a ← b."""
    ids = {"a": repo.committed({"a": b"1"}, message="a")}
    repo.branch("work")
    ids["w"] = repo.committed({"w": b"1"}, branch="work", message="w")
    ids["b"] = repo.committed({"b": b"1"}, message="b")
    ids["m"] = repo.merge("work", message="m").json["reference"]
    repo.tag("v1", ids["b"])
    return ids


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("main", "m"),
        ("main~0", "m"),
        ("main^0", "m"),
        ("main~", "b"),
        ("main^", "b"),
        ("main~2", "a"),
        ("main^^", "a"),
        ("main~1~1", "a"),
        ("main^2", "w"),
        ("main^2~1", "a"),
        ("main@", "m"),
        ("v1", "b"),
        ("v1~1", "a"),
    ],
)
def test_expression(repo, merged, expression, message):
    path = f"/commits/{quote(expression, safe='')}"
    assert repo.call("GET", path).json["message"] == message


def test_commit_id_prefix(repo, merged):
    assert repo.call("GET", f"/commits/{merged['w'][:10]}").json["message"] == "w"
    assert repo.call("GET", f"/commits/{merged['w'][:10]}~1").json["message"] == "a"
    assert repo.call("GET", f"/commits/{merged['w'][:10].upper()}x").status == 404


@pytest.mark.parametrize("expression", ["nope", "main~99", "MAIN", "work2", "nope~1"])
def test_expression_of_nothing(repo, merged, expression):
    answer = repo.call("GET", f"/refs/{quote(expression, safe='')}/objects/ls")
    assert (answer.status, answer.message) == (404, "not found")


@pytest.mark.parametrize("expression", ["main^3", "v1@", "v1$", "main@~1", "main$~1", "main~1@", "@", "~1", "main~x"])
def test_expression_that_can_not_be(repo, merged, expression):
    answer = repo.call("GET", f"/refs/{quote(expression, safe='')}/objects/ls")
    assert answer.status == 400
    assert "ref: invalid value: validation error" in answer.message
    log = repo.call("GET", f"/refs/{quote(expression, safe='')}/commits")
    assert log.status == 400


def test_branch_shows_staged_and_committed_apart(repo, merged):
    repo.put("staged")
    assert "staged" in repo.paths("main")
    assert "staged" in repo.paths("main$")
    assert "staged" not in repo.paths("main@")
    log = repo.call("GET", "/refs/main%24/commits")
    assert (log.status, log.message) == (400, "ref: ref: invalid value: validation error: should point to a commit")


def test_branch_wins_over_a_tag_s_commit_and_tag_over_id_prefix(repo, merged):
    prefix = merged["w"][:8]
    assert repo.tag(prefix, "main").status == 201
    assert repo.call("GET", f"/commits/{prefix}").json["message"] == "m"
