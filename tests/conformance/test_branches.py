from __future__ import annotations

import pytest

BAD_NAME = (
    "argument branch: branch id: invalid value: validation error: branch id must consist of letters, digits, "
    "underscores and dashes, and cannot start with a dash"
)


def test_created_branch_answers_the_commit_id_as_plain_text(repo):
    head = repo.committed({"a": b"1"})
    answer = repo.branch("topic")
    assert answer.status == 201
    assert answer.data.decode() == head
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert repo.call("GET", "/branches/topic").json == {"commit_id": head, "id": "topic"}


@pytest.mark.parametrize("name", ["a.b", "-a", "a/b", "a b", "é", "a~1"])
def test_bad_branch_name(repo, name):
    answer = repo.branch(name)
    assert (answer.status, answer.message) == (400, BAD_NAME)


@pytest.mark.parametrize("name", ["a", "_a", "A-b_c", "0", "x" * 300])
def test_good_branch_name(repo, name):
    assert repo.branch(name).status == 201


def test_taken_names(repo):
    head = repo.committed({"a": b"1"})
    repo.tag("v1")
    assert (repo.branch("main").status, repo.branch("main").message) == (409, "branch already exists: not unique")
    assert (repo.branch("v1").status, repo.branch("v1").message) == (409, "tag ID v1: conflict found")
    answer = repo.branch(head)
    assert (answer.status, answer.message) == (409, f"commit ID {head}: conflict found")


def test_unknown_source(repo):
    answer = repo.branch("topic", "nope")
    assert (answer.status, answer.message) == (404, "source reference 'nope': not found")


def test_hidden_branches_show_only_when_asked_for(repo):
    repo.branch("hid", hidden=True)
    repo.branch("vis")

    def names(**fields):
        return [each["id"] for each in repo.call("GET", "/branches", fields=fields).json["results"]]

    assert names() == ["main", "vis"]
    assert names(prefix="hi") == []
    assert names(show_hidden="true") == ["hid", "main", "vis"]
    assert names(amount=1) == ["main"]
    assert names(amount=1, show_hidden="true") == ["hid"]
    assert repo.call("GET", "/branches/hid").status == 200
    repo.committed({"a": b"1"}, branch="hid")
    assert names() == ["main", "vis"]


def test_listing_pages(repo):
    for name in ("ing-a", "ing-b", "ing-c"):
        repo.branch(name)
    page = repo.call("GET", "/branches", fields={"prefix": "ing-", "amount": 2}).json
    assert [each["id"] for each in page["results"]] == ["ing-a", "ing-b"]
    assert page["pagination"] == {"has_more": True, "max_per_page": 1000, "next_offset": "ing-b", "results": 2}
    rest = repo.call("GET", "/branches", fields={"prefix": "ing-", "after": "ing-b"}).json
    assert [each["id"] for each in rest["results"]] == ["ing-c"]


def test_deleting_branches(repo):
    repo.branch("topic")
    repo.put("staged", branch="topic")
    assert repo.call("DELETE", "/branches/topic").status == 204
    again = repo.call("DELETE", "/branches/topic")
    assert (again.status, again.message) == (404, "branch not found")
    default = repo.call("DELETE", "/branches/main")
    assert (default.status, default.message) == (403, "cannot delete repository default branch")
    repo.branch("topic")
    assert repo.staged("topic") == []


def test_reset_forgets_what_is_staged(repo):
    repo.committed({"d/1": b"1", "d/2": b"2", "e": b"e"})
    for path in ("d/1", "d/3", "e", "f"):
        repo.put(path, b"new")
    repo.delete("d/2")
    assert repo.call("PUT", "/branches/main", json={"type": "object", "path": "e"}).status == 204
    assert repo.staged() == [("changed", "d/1"), ("removed", "d/2"), ("added", "d/3"), ("added", "f")]
    assert repo.call("PUT", "/branches/main", json={"type": "common_prefix", "path": "d/"}).status == 204
    assert repo.staged() == [("added", "f")]
    assert repo.call("PUT", "/branches/main", json={"type": "reset"}).status == 204
    assert repo.staged() == []
    assert repo.call("PUT", "/branches/nope", json={"type": "reset"}).status == 404
    assert repo.call("PUT", "/branches/main", json={"type": "bad"}).status == 400


def test_hard_reset_moves_the_head_and_keeps_what_is_staged(repo):
    first = repo.committed({"a": b"1"})
    repo.committed({"a": b"2"})
    repo.put("b")
    assert repo.call("PUT", f"/branches/main/hard_reset?ref={first[:12]}").status == 204
    assert repo.call("GET", "/branches/main").json["commit_id"] == first
    assert repo.staged() == [("added", "b")]
    unknown = repo.call("PUT", "/branches/main/hard_reset?ref=nope")
    assert (unknown.status, unknown.message) == (404, "hard-reset main to nope: not found")


def test_revert_takes_a_commit_back(repo):
    repo.committed({"a": b"1"})
    second = repo.committed({"b": b"2"})
    repo.committed({"c": b"3"})
    assert repo.call("POST", "/branches/main/revert", json={"ref": second, "parent_number": 0}).status == 204
    assert repo.paths() == ["a", "c"]
    assert repo.log(amount=1) == [f"Revert {second}"]
    again = repo.call("POST", "/branches/main/revert", json={"ref": second, "parent_number": 0})
    assert (again.status, again.message) == (400, "update branch: no changes")


def test_a_revert_says_what_was_asked_for(repo):
    repo.committed({"a": b"1"})
    repo.committed({"b": b"1"})
    assert repo.call("POST", "/branches/main/revert", json={"ref": "main~1", "parent_number": 0}).status == 204
    assert repo.log(amount=1) == ["Revert main~1"]


def test_revert_of_a_merge_needs_a_parent_and_of_a_changed_path_conflicts(repo):
    repo.committed({"a": b"1"})
    repo.branch("topic")
    topic = repo.committed({"b": b"1"}, branch="topic")
    merge = repo.merge("topic").json["reference"]
    answer = repo.call("POST", "/branches/main/revert", json={"ref": merge, "parent_number": 0})
    assert (answer.status, answer.message) == (409, "must specify 1-based parent number for reverting merge commit")
    unknown = repo.call("POST", "/branches/main/revert", json={"ref": merge, "parent_number": 5})
    assert unknown.status == 400
    repo.committed({"b": b"2"})
    conflict = repo.call("POST", "/branches/main/revert", json={"ref": topic, "parent_number": 0})
    assert (conflict.status, conflict.message) == (409, "update branch: conflict found")
    repo.put("dirty")
    dirty = repo.call("POST", "/branches/main/revert", json={"ref": topic, "parent_number": 0})
    assert (dirty.status, dirty.message) == (400, "uncommitted changes (dirty branch)")


def test_cherry_pick_repeats_a_commit_and_says_where_from(repo):
    first = repo.committed({"a": b"1"})
    second = repo.committed({"b": b"2"}, message="add b")
    repo.branch("topic", first)
    picked = repo.call("POST", "/branches/topic/cherry-pick", json={"ref": second})
    assert picked.status == 201
    assert picked.json["message"] == "add b"
    assert picked.json["parents"] == [first]
    assert picked.json["metadata"] == {"cherry-pick-committer": "admin", "cherry-pick-origin": second}
    assert repo.paths("topic") == ["a", "b"]
    missing = repo.call("POST", "/branches/topic/cherry-pick", json={"ref": "nope"})
    assert (missing.status, missing.message) == (404, "get commit from ref nope: not found")
