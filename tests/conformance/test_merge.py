from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest


@pytest.fixture
def forked(repo):
    """``main`` and ``topic`` have both moved on from a common commit, on different paths."""
    base = repo.committed({"a": b"1", "b": b"1"})
    repo.branch("topic")
    topic = repo.committed({"w": b"w"}, branch="topic")
    main = repo.committed({"m": b"m"})
    return base, topic, main


def test_merge_makes_a_commit_with_two_parents(repo, forked):
    _, topic, main = forked
    answer = repo.merge("topic", message="mm", metadata={"k": "v"}, squash_merge=False)
    assert answer.status == 200
    commit = repo.call("GET", f"/commits/{answer.json['reference']}").json
    assert commit["parents"] == [main, topic]
    assert commit["message"] == "mm"
    assert commit["metadata"] == {".lakefs.merge.strategy": "default", "k": "v"}
    assert repo.paths() == ["a", "b", "m", "w"]


def test_squash_has_one_parent(repo, forked):
    _, _, main = forked
    reference = repo.merge("topic", squash_merge=True).json["reference"]
    commit = repo.call("GET", f"/commits/{reference}").json
    assert commit["parents"] == [main]
    assert commit["message"] == "Merge 'topic' into 'main'"
    assert commit["metadata"] == {".lakefs.merge.strategy": "default"}


def test_source_may_be_a_commit_and_later_commits_stay_out(repo, forked):
    _, topic, _ = forked
    repo.committed({"later": b"1"}, branch="topic")
    assert repo.merge(topic[:16]).status == 200
    assert "later" not in repo.paths()


def test_merging_again_changes_nothing(repo, forked):
    repo.merge("topic")
    for source in ("topic", "main", "main~1"):
        answer = repo.merge(source)
        assert (answer.status, answer.message) == (400, "update branch main: no changes")
    before = repo.call("GET", "/commits/main").json
    for option in ("allow_empty", "force"):
        assert repo.merge("topic", **{option: True}).status == 200
    after = repo.call("GET", "/commits/main").json
    assert after["meta_range_id"] == before["meta_range_id"]
    assert after["generation"] == before["generation"] + 2


def test_source_whose_commits_cancel_out_changes_nothing(repo):
    repo.committed({"a": b"1"})
    repo.branch("topic")
    repo.committed({"w": b"w"}, branch="topic")
    repo.committed({"w": None}, branch="topic")
    assert repo.merge("topic").status == 400


def test_an_emptied_tree_is_not_the_missing_tree_of_a_new_repository(repo):
    repo.branch("topic")
    repo.committed({"w": b"w"}, branch="topic")
    repo.committed({"w": None}, branch="topic")
    assert repo.merge("topic").status == 200
    assert repo.merge("topic").message == "update branch main: no changes"


def test_same_change_on_both_sides_merges(repo):
    repo.committed({"a": b"1", "gone": b"1"})
    repo.branch("topic")
    repo.committed({"same": b"1", "gone": None}, branch="topic")
    repo.committed({"same": b"1", "gone": None})
    assert repo.merge("topic").status == 200
    assert repo.paths() == ["a", "same"]


@pytest.mark.parametrize(
    ("main", "topic"),
    [
        ({"a": b"2"}, {"a": b"3"}),
        ({"new": b"2"}, {"new": b"3"}),
        ({"a": None}, {"a": b"3"}),
        ({"a": b"2"}, {"a": None}),
    ],
)
@pytest.mark.parametrize("strategy", ["", "source-wins", "dest-wins"])
def test_conflicts_and_strategies(repo, main, topic, strategy):
    repo.committed({"a": b"1", "z": b"1"})
    repo.branch("topic")
    repo.committed({**topic, "w": b"w"}, branch="topic")
    repo.committed({**main, "m": b"m"})
    head = repo.call("GET", "/branches/main").json["commit_id"]
    answer = repo.merge("topic", **({"strategy": strategy} if strategy else {}))
    if not strategy:
        assert (answer.status, answer.json) == (409, {"reference": ""})
        assert repo.call("GET", "/branches/main").json["commit_id"] == head
        return
    assert answer.status == 200
    assert repo.call("GET", "/commits/main").json["metadata"][".lakefs.merge.strategy"] == strategy
    winner = topic if strategy == "source-wins" else main
    ((path, data),) = winner.items()
    if data is None:
        assert path not in repo.paths()
    else:
        assert repo.get(path).data == data
    assert {"m", "w", "z"} <= set(repo.paths())


def test_bad_strategy(repo, forked):
    answer = repo.merge("topic", strategy="ours")
    assert (answer.status, answer.message) == (400, "argument strategy: invalid value: validation error")


def test_dirty_destination(repo, forked):
    repo.put("staged")
    for options in ({}, {"force": True}):
        answer = repo.merge("topic", **options)
        assert (answer.status, answer.message) == (400, "uncommitted changes (dirty branch)")
    repo.call("PUT", "/branches/main", json={"type": "reset"})
    repo.put("a", b"1")
    repo.delete("not-there")
    assert repo.merge("topic").status == 200


def test_staged_changes_of_the_source_are_left_out(repo, forked):
    repo.put("staged", branch="topic")
    assert repo.merge("topic").status == 200
    assert "staged" not in repo.paths()


def test_unknown_sides(repo, forked):
    _, topic, _ = forked
    source = repo.merge("nope")
    assert (source.status, source.message) == (404, "update branch main: get commit by ref nope: not found")
    for destination in ("nope", topic):
        answer = repo.merge("topic", destination)
        assert (answer.status, answer.message) == (404, "branch not found")


def test_body_may_be_absent(repo, forked):
    assert repo.call("POST", "/refs/topic/merge/main").status == 200


def test_merge_base(repo, forked):
    base, topic, main = forked
    answer = repo.call("GET", "/refs/topic/merge/main").json
    assert answer["base_commit_id"] == base
    assert {answer["source_commit_id"], answer["destination_commit_id"]} == {topic, main}
    repo.merge("topic")
    assert repo.call("GET", "/refs/topic/merge/main").json["base_commit_id"] == topic


def test_merges_at_once_all_land(repo):
    base = repo.committed({"base": b"1"})
    for number in range(8):
        repo.branch(f"b{number}", base)
        repo.committed({f"f{number}": b"x"}, branch=f"b{number}")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: repo.merge(f"b{number}"), range(8)))
    assert [answer.status for answer in answers] == [200] * 8
    assert repo.paths() == ["base", *(f"f{number}" for number in range(8))]


@pytest.mark.parametrize(
    ("source", "destination", "status", "message"),
    [
        ("one", "other", 404, "get commit by ref other: not found"),
        ("one", "main", 404, "get commit by branch one: not found"),
        ("main", "a b", 400, "argument destination: ref: invalid value: validation error"),
        ("a b", "a b", 400, "argument destination: ref: invalid value: validation error"),
    ],
)
def test_merge_bases_that_are_not_there(repo, source, destination, status, message):
    answer = repo.call("GET", f"/refs/{quote(source)}/merge/{quote(destination)}")
    assert (answer.status, answer.message) == (status, message)


@pytest.mark.parametrize("way", ["merge", "cherry-pick", "revert", "source_metarange"])
def test_staged_copies_of_what_is_there_do_not_undo_what_comes_in(repo, way):
    repo.committed({"a": b"1", "b": b"1"})
    repo.branch("topic")
    deleted = repo.committed({"a": None}, branch="topic")
    repo.put("a", b"1")
    assert repo.staged() == []
    if way == "merge":
        assert repo.merge("topic").status == 200
    elif way == "cherry-pick":
        assert repo.call("POST", "/branches/main/cherry-pick", json={"ref": deleted}).status == 201
    elif way == "revert":
        body = {"ref": "main", "parent_number": 0}
        assert repo.call("POST", "/branches/main/revert", json=body).status == 204
    else:
        tree = repo.call("GET", f"/commits/{deleted}").json["meta_range_id"]
        assert repo.commit(fields={"source_metarange": tree}).status == 201
    assert "a" not in repo.paths()
    assert repo.staged() == []


def test_a_path_that_both_added_conflicts_though_one_copied_its_neighbour(embedded_repo):
    """A lakeFS of 1.84 does not see this conflict, and overwrites what is on the destination."""
    repo = embedded_repo
    repo.committed({"m": b"same"})
    repo.branch("topic")
    repo.committed({"a": b"same"})
    repo.committed({"a": b"other"}, branch="topic")
    assert repo.diff("main", "topic") == [("conflict", "a")]
    assert repo.merge("topic").status == 409
    assert repo.get("a").data == b"same"


def test_the_merge_base_is_the_first_that_both_sides_meet_not_the_nearest(repo):
    """``one`` and ``two`` both merged the second commit, but the first is the first parent of both merges."""
    first = repo.committed({"a": b"1"})
    repo.branch("one")
    repo.branch("two")
    repo.committed({"b": b"2"})
    for branch in ("one", "two"):
        assert repo.merge("main", branch).status == 200
    assert repo.call("GET", "/refs/two/merge/one").json["base_commit_id"] == first
    assert repo.merge("two", "one").status == 200  # with the nearest there would be no changes
