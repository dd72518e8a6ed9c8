from __future__ import annotations

import pytest


@pytest.fixture
def history(repo):
    """init ← root ← m1 ← m2, with A1 and A2 on a line that m1 and m2 merge, each a second apart by their dates."""
    date = iter(range(1_000_000, 2_000_000, 1000))

    def write(branch, path, message):
        repo.put(path, message.encode(), branch=branch)
        return repo.commit(message, branch=branch, date=next(date)).json["id"]

    ids = {"root": write("main", "x", "root")}
    repo.branch("line")
    ids["A1"] = write("line", "p/x", "A1")
    ids["D1"] = write("main", "d", "D1")
    ids["m1"] = repo.merge("line", message="m1").json["reference"]
    ids["A2"] = write("line", "p/x", "A2")
    ids["m2"] = repo.merge("line", message="m2").json["reference"]
    return ids


def test_whole_log(repo, history):
    messages = repo.log()
    assert sorted(messages) == ["A1", "A2", "D1", "Repository created", "m1", "m2", "root"]
    assert messages[0] == "m2"
    assert repo.log(first_parent="true")[:2] == ["m2", "m1"]
    assert set(repo.log(first_parent="true")) == {"m2", "m1", "D1", "root", "Repository created"}


def test_commits_of_one_second_are_listed_latest_first(repo):
    for turn in range(6):
        repo.branch(f"side{turn}")
        first, second = ("main", f"side{turn}") if turn % 2 else (f"side{turn}", "main")
        repo.committed({f"{turn}/1": b"1"}, branch=first, message=f"{turn} first")
        repo.committed({f"{turn}/2": b"2"}, branch=second, message=f"{turn} second")
        repo.merge(f"side{turn}", message=f"{turn} merge")
    words = ("merge", "second", "first")
    expected = [f"{turn} {word}" for turn in reversed(range(6)) for word in words]
    assert repo.log() == [*expected, "Repository created"]


def test_commits_of_one_date_are_listed_by_id(repo):
    repo.branch("side")
    repo.put("a")
    one = repo.commit("one", date=1_700_000_000).json
    repo.put("b", branch="side")
    other = repo.commit("other", branch="side", date=1_700_000_000).json
    repo.merge("side", message="merge")
    greater, lesser = sorted((one, other), key=lambda commit: commit["id"], reverse=True)
    assert repo.log() == ["merge", greater["message"], "Repository created", lesser["message"]]


def test_objects_and_prefixes_list_only_commits_with_one_parent(repo, history):
    assert repo.log(objects="p/x") == ["A2", "A1"]
    assert repo.log(prefixes="p/") == ["A2", "A1"]
    assert repo.log(objects=["p/x", "d"]) == ["A2", "D1", "A1"]
    assert repo.log(objects="p/x", prefixes="d") == ["A2", "D1", "A1"]
    assert repo.log(objects="p/x", first_parent="true") == []
    assert repo.log(objects="d", first_parent="true") == ["D1"]
    assert repo.log(objects="p/") == []


def test_amount_after_and_limit(repo, history):
    page = repo.call("GET", "/refs/main/commits", fields={"amount": 2}).json
    offset = page["results"][-1]["id"]
    assert page["pagination"] == {"has_more": True, "max_per_page": 1000, "next_offset": offset, "results": 2}
    rest = repo.log(after=offset)
    assert len(rest) == 5
    limited = repo.call("GET", "/refs/main/commits", fields={"amount": 2, "limit": "true"}).json
    assert limited["pagination"]["has_more"] is False
    found = repo.call("GET", "/refs/main/commits", fields={"amount": 1, "objects": "p/x"}).json
    assert found["pagination"]["next_offset"] == history["A2"]


@pytest.mark.parametrize("name", ["stop_at", "since", "after"])
def test_an_empty_limit_is_none(repo, history, name):
    """lakectl sends them so."""
    assert len(repo.log(**{name: ""})) == 7


@pytest.mark.parametrize("name", ["objects", "prefixes", "first_parent", "limit", "amount"])
def test_other_parameters_are_given_with_a_value_or_not_at_all(repo, history, name):
    assert repo.call("GET", "/refs/main/commits", fields={name: ["", "x"] if name == "objects" else ""}).status == 400


def test_since_and_stop_at(repo, history):
    assert repo.log(stop_at=history["m1"])[-1] == "m1"
    assert "Repository created" not in repo.log(since="2020-01-01T00:00:00Z", ref="line")
    assert repo.log(since="2099-01-01T00:00:00Z") == []
    assert repo.call("GET", "/refs/main/commits?since=bad").status == 400


def test_unknown_refs(repo):
    for fields, message in [({}, "ref: not found"), ({"after": "nope"}, None), ({"stop_at": "nope"}, None)]:
        ref = "main" if fields else "nope"
        answer = repo.call("GET", f"/refs/{ref}/commits", fields=fields)
        assert answer.status == 404
        assert message is None or answer.message == message


def test_order_is_by_date_then_by_id(repo):
    repo.put("a")
    base = repo.commit("base", date=1000).json["id"]
    repo.branch("side", base)
    repo.put("b")
    repo.commit("b3000", date=3000)
    repo.put("s1", branch="side")
    repo.commit("s5000", branch="side", date=5000)
    repo.put("s2", branch="side")
    repo.commit("s2000", branch="side", date=2000)
    repo.merge("side", message="merge")
    assert repo.log()[:5] == ["merge", "b3000", "s2000", "s5000", "base"]


def test_a_commit_that_the_filters_leave_out_does_not_stop_the_log(repo):
    repo.committed({"a": b"1"}, message="first")
    stop = repo.committed({"b": b"1"}, message="second")
    repo.committed({"a": b"2"}, message="third")
    assert repo.log(objects="a", stop_at=stop) == ["third", "first"]
    assert repo.log(objects="b", stop_at=stop) == ["second"]
    assert repo.log(stop_at=stop, after=stop) == ["first", "Repository created"]
    both = repo.call("GET", "/refs/main/commits", fields={"stop_at": "none", "after": "nor-this"})
    assert (both.status, both.message) == (404, "stop_at: not found")
