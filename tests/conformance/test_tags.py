from __future__ import annotations

import pytest


def test_tag_lives_until_deleted(repo):
    head = repo.committed({"a": b"1"})
    made = repo.tag("v1.0")
    assert (made.status, made.json) == (201, {"commit_id": head, "id": "v1.0"})
    assert repo.call("GET", "/tags/v1.0").json == made.json
    again = repo.tag("v1.0")
    assert (again.status, again.message) == (409, "tag already exists: not unique")
    assert repo.call("DELETE", "/tags/v1.0").status == 204
    for method in ("GET", "DELETE"):
        answer = repo.call(method, "/tags/v1.0")
        assert (answer.status, answer.message) == (404, "tag not found")


@pytest.mark.parametrize(
    "name", ["a b", "a:b", "a^b", "a?", "a*", "a[", "a\\", "a..b", "a.", "a.lock", "a/b", "a@{b", "@"]
)
def test_bad_tag_name(repo, name):
    answer = repo.tag(name)
    assert (answer.status, answer.message) == (400, "argument tagID: tag id: invalid value: validation error")


@pytest.mark.parametrize("name", ["1.0.0", "a+b", "a@b", "a~b", ".a", "-a", "é", "a{", "x" * 300, "flights-v1_0_0"])
def test_good_tag_name(repo, name):
    assert repo.tag(name).status == 201


def test_tag_of_an_expression_and_of_nothing(repo):
    first = repo.committed({"a": b"1"})
    repo.committed({"a": b"2"})
    assert repo.tag("old", "main~1").json["commit_id"] == first
    assert repo.tag("short", first[:9]).json["commit_id"] == first
    unknown = repo.tag("none", "nope")
    assert (unknown.status, unknown.message) == (404, "not found")
    named = repo.tag("main")
    assert (named.status, named.message) == (409, "branch name main: conflict found")


def test_listing(repo):
    for name in ("v1", "v2", "w1"):
        repo.tag(name)
    page = repo.call("GET", "/tags", fields={"prefix": "v", "amount": 1}).json
    assert [each["id"] for each in page["results"]] == ["v1"]
    assert page["pagination"]["next_offset"] == "v1"
    rest = repo.call("GET", "/tags", fields={"prefix": "v", "after": "v1"}).json
    assert [each["id"] for each in rest["results"]] == ["v2"]
