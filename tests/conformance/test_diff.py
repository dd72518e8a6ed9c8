from __future__ import annotations

import pytest


@pytest.fixture
def forked(repo):
    repo.committed({"d/1": b"1", "d/2": b"2", "e": b"e"})
    repo.branch("work")
    repo.committed({"d/1": b"11", "g/x": b"g"})
    repo.committed({"d/1": b"111", "h/y": b"hh", "d/2": None}, branch="work")


def test_two_dot_turns_left_into_right(repo, forked):
    expected = [("changed", "d/1"), ("removed", "d/2"), ("removed", "g/x"), ("added", "h/y")]
    assert repo.diff("main", "work", type="two_dot") == expected
    assert repo.diff("main", "main", type="two_dot") == []


def test_three_dot_is_what_a_merge_would_do(repo, forked):
    expected = [("conflict", "d/1"), ("removed", "d/2"), ("added", "h/y")]
    assert repo.diff("main", "work", type="three_dot") == expected
    assert repo.diff("main", "work") == expected


def test_sizes_and_statistics(repo, forked):
    fields = {"type": "two_dot", "include_right_stats": "true"}
    results = repo.call("GET", "/refs/main/diff/work", fields=fields).json["results"]
    assert [each["size_bytes"] for each in results] == [3, 1, 1, 2]
    assert set(results[0]["right"]) == {"checksum", "content_type", "metadata", "mtime"}


def test_delimiter_prefix_and_pages(repo, forked):
    assert repo.diff("main", "work", type="two_dot", delimiter="/") == [
        ("prefix_changed", "d/"),
        ("prefix_changed", "g/"),
        ("prefix_changed", "h/"),
    ]
    assert repo.diff("main", "work", prefix="d/", after="d/1") == [("removed", "d/2")]
    page = repo.call("GET", "/refs/main/diff/work", fields={"prefix": "d/", "amount": 1}).json
    assert page["pagination"] == {"has_more": True, "max_per_page": 1000, "next_offset": "d/1", "results": 1}


def test_identical_change_on_both_sides_is_no_difference(repo):
    repo.committed({"a": b"1"})
    repo.branch("work")
    repo.committed({"a": b"2"}, branch="work")
    repo.committed({"a": b"2"})
    assert repo.diff("main", "work") == []
    assert repo.diff("main", "work", type="two_dot") == []


def test_staged_changes_count_behind_a_dollar_sign_only(repo):
    repo.committed({"a": b"1"})
    repo.put("b")
    assert repo.diff("main", "main$", type="two_dot") == [("added", "b")]
    assert repo.diff("main@", "main", type="two_dot") == []
    answer = repo.call("GET", "/refs/main/diff/main%24")
    assert answer.status == 400
    assert "reference to staging area with $ is not a commit" in answer.message


def test_staged_diff(repo):
    repo.committed({"a": b"1", "b": b"22"})
    repo.put("a", b"333")
    repo.delete("b")
    repo.put("c/d")
    results = repo.call("GET", "/branches/main/diff").json["results"]
    assert [(each["type"], each["path"], each["size_bytes"]) for each in results] == [
        ("changed", "a", 3),
        ("removed", "b", 0),
        ("added", "c/d", 1),
    ]
    folded = repo.call("GET", "/branches/main/diff", fields={"delimiter": "/"}).json["results"]
    assert folded[-1] == {"path": "c/", "path_type": "common_prefix", "type": "prefix_changed"}
    assert repo.call("GET", "/branches/nope/diff").status == 404


def test_unknown_refs(repo):
    right = repo.call("GET", "/refs/main/diff/nope")
    assert (right.status, right.message) == (404, "get commit by ref nope: not found")
    left = repo.call("GET", "/refs/nope/diff/main")
    assert (left.status, left.message) == (404, "get commit by branch nope: not found")
    two_dot = repo.call("GET", "/refs/main/diff/nope?type=two_dot")
    assert (two_dot.status, two_dot.message) == (404, "not found")
    assert repo.call("GET", "/refs/main/diff/main?type=bad").status == 400
