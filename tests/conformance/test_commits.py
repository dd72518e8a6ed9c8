from __future__ import annotations

import pytest


def test_commit_says_what_it_was_told(repo):
    before = repo.call("GET", "/branches/main").json["commit_id"]
    repo.put("a")
    answer = repo.commit("first", metadata={"k": "v", "é": "ü"})
    assert answer.status == 201
    commit = answer.json
    assert set(commit) == {
        "committer",
        "creation_date",
        "generation",
        "id",
        "message",
        "meta_range_id",
        "metadata",
        "parents",
        "version",
    }
    assert (commit["message"], commit["metadata"], commit["parents"]) == ("first", {"k": "v", "é": "ü"}, [before])
    assert (commit["generation"], commit["version"], commit["committer"]) == (2, 1, "admin")
    assert repo.call("GET", f"/commits/{commit['id']}").json == commit
    assert repo.call("GET", "/branches/main").json["commit_id"] == commit["id"]


def test_nothing_to_commit(repo):
    answer = repo.commit()
    assert (answer.status, answer.message) == (400, "commit: no changes")
    assert repo.commit(allow_empty=True).status == 201


def test_identical_upload_is_no_change(repo):
    repo.committed({"a": b"1"})
    repo.put("a", b"1")
    assert repo.staged() == []
    assert repo.commit().status == 400


@pytest.mark.parametrize("headers", [{"Content-Type": "text/csv"}, {"x-lakefs-meta-k": "v"}])
def test_other_content_type_or_metadata_is_a_change(repo, headers):
    repo.committed({"a": b"1"})
    repo.put("a", b"1", headers=headers)
    assert repo.staged() == [("changed", "a")]
    assert repo.commit().status == 201


def test_upload_and_delete_of_a_new_path_is_no_change(repo):
    repo.put("a")
    repo.delete("a")
    assert repo.staged() == []
    assert repo.commit().status == 400


def test_delete_and_upload_of_the_same_is_no_change(repo):
    repo.committed({"a": b"1"})
    repo.delete("a")
    repo.put("a", b"1")
    assert repo.staged() == []


def test_date_can_be_set(repo):
    repo.put("a")
    assert repo.commit(date=1_600_000_000).json["creation_date"] == 1_600_000_000


def test_missing_branch_and_commit(repo):
    answer = repo.commit(branch="nope")
    assert answer.status == 404
    for ref in ("0" * 64, "zz"):
        answer = repo.call("GET", f"/commits/{ref}")
        assert (answer.status, answer.message) == (404, "commit not found")


def test_source_metarange_gives_exactly_that_tree(repo):
    repo.committed({"a": b"1"})
    old = repo.call("GET", "/commits/main").json["meta_range_id"]
    repo.committed({"a": b"2", "b": b"3"})
    answer = repo.commit("back", fields={"source_metarange": old}, metadata={"x": "y"})
    assert answer.status == 201
    assert (answer.json["meta_range_id"], answer.json["metadata"]) == (old, {"x": "y"})
    assert repo.paths() == ["a"]
    assert repo.get("a").data == b"1"
    assert repo.commit("same tree", fields={"source_metarange": old}).status == 201


def test_source_metarange_needs_a_clean_branch(repo):
    repo.committed({"a": b"1"})
    old = repo.call("GET", "/commits/main").json["meta_range_id"]
    repo.put("a", b"1")
    assert repo.commit("identical is clean", fields={"source_metarange": old}).status == 201
    repo.put("a", b"2")
    answer = repo.commit("dirty", fields={"source_metarange": old})
    assert answer.status == 400
    assert answer.message == "cannot use source MetaRange on a branch with uncommitted changes"
    empty = repo.commit("none", fields={"source_metarange": ""})
    assert (empty.status, empty.message) == (
        400,
        'parameter "source_metarange" in query has an error: empty value is not allowed',
    )


def test_unknown_metarange_is_accepted_and_then_unreadable(repo):
    repo.committed({"a": b"1"})
    assert repo.commit("odd", fields={"source_metarange": "deadbeef"}).status == 201
    answer = repo.get("a")
    assert (answer.status, answer.message) == (410, "No data")
    assert repo.call("PUT", "/branches/main/hard_reset?ref=main~1").status == 204
    assert repo.get("a").data == b"1"


def test_equal_trees_have_equal_metaranges_whatever_their_history(repo):
    repo.committed({"a": b"1", "b": b"2"})
    before = repo.call("GET", "/commits/main").json["meta_range_id"]
    repo.committed({"c": b"3"})
    repo.committed({"c": None})
    assert repo.call("GET", "/commits/main").json["meta_range_id"] == before
