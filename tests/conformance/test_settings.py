from __future__ import annotations

import time

import pytest

PROTECTION = "/settings/branch_protection"


@pytest.fixture
def protected(repo):
    """``main`` and ``pin-x`` are protected; a real lakeFS takes a while to notice."""
    repo.committed({"a": b"1"})
    repo.committed({"b": b"1"})
    repo.branch("pin-x")
    repo.branch("work")
    rules = [{"pattern": "main"}, {"pattern": "pin-*"}]
    assert repo.call("PUT", PROTECTION, json=rules).status == 204
    deadline = time.monotonic() + 90
    while repo.put("a", b"1").status == 201 and time.monotonic() < deadline:
        assert repo.engine.name != "embedded", "protection must count at once"
        time.sleep(1)
    return repo


def test_rules_are_read_back_with_an_etag(repo):
    empty = repo.call("GET", PROTECTION)
    assert (empty.status, empty.json) == (200, [])
    rules = [{"pattern": "a*"}, {"pattern": "b?"}]
    assert repo.call("PUT", PROTECTION, json=rules).status == 204
    first = repo.call("GET", PROTECTION)
    assert sorted(first.json, key=lambda rule: rule["pattern"]) == rules  # lakeFS gives them in any order
    wrong = repo.call("PUT", PROTECTION, json=[], headers={"If-Match": "wrong"})
    assert (wrong.status, wrong.message) == (412, "Precondition failed")
    etag = first.headers["ETag"]
    assert etag
    assert repo.call("PUT", PROTECTION, json=[{"pattern": "c"}], headers={"If-Match": etag}).status == 204
    assert repo.call("GET", PROTECTION).headers["ETag"] != etag


def test_malformed_rules(repo):
    for rules in ({}, [{}], [{"pattern": ""}], [{"pattern": 1}]):
        assert repo.call("PUT", PROTECTION, json=rules).status == 400


def test_protection_stops_writes_and_commits(protected):
    write = "cannot write to protected branch"
    for branch in ("main", "pin-x"):
        base = f"/branches/{branch}"
        answers = [
            protected.put("q", branch=branch),
            protected.delete("a", branch=branch),
            protected.call("PUT", base, json={"type": "reset"}),
            protected.call("POST", f"{base}/objects/copy?dest_path=c", json={"src_path": "a"}),
        ]
        assert [(answer.status, answer.message) for answer in answers] == [(403, write)] * 4
        many = protected.call("POST", f"{base}/objects/delete", json={"paths": ["a"]})
        assert many.json == {"errors": [{"message": write, "path": "a", "status_code": 403}]}
        commit = protected.commit(branch=branch, allow_empty=True, force=True)
        assert (commit.status, commit.message) == (403, "cannot commit to protected branch")
        hard = protected.call("PUT", f"{base}/hard_reset?ref=main~1")
        assert (hard.status, hard.message) == (403, "protected branch")


def test_protection_does_not_stop_merge_revert_or_deletion(protected):
    assert protected.put("w", branch="work").status == 201
    assert protected.commit(branch="work").status == 201
    assert protected.merge("work").status == 200
    assert protected.call("POST", "/branches/main/revert", json={"ref": "main~1", "parent_number": 0}).status == 204
    assert protected.call("DELETE", "/branches/pin-x").status == 204


def test_garbage_collection_rules(repo):
    path = "/settings/gc_rules"
    assert repo.call("GET", path).status == 404
    rules = {"branches": [{"branch_id": "none", "retention_days": 1}], "default_retention_days": 5}
    assert repo.call("PUT", path, json=rules).status == 204
    assert repo.call("GET", path).json == rules
    assert repo.call("DELETE", path).status == 204
    assert repo.call("DELETE", path).status == 204
    assert repo.call("GET", path).status == 404
    assert repo.call("PUT", path, json={"branches": []}).status == 400


def test_garbage_collection_rules_are_kept_as_lakefs_keeps_them(repo):
    path = "/settings/gc_rules"

    def kept(default, *branches):
        rules = [{"branch_id": name, "retention_days": days} for name, days in branches]
        sent = {"default_retention_days": default, "branches": rules}
        assert repo.call("PUT", path, json=sent).status == 204
        answer = repo.call("GET", path)
        return answer.json if answer.status == 200 else answer.status

    assert kept(7) == {"branches": None, "default_retention_days": 7}
    assert kept(0) == 404
    zero = {"branches": [{"branch_id": "b", "retention_days": 0}], "default_retention_days": 0}
    assert kept(0, ("b", 0)) == zero
    assert kept(2**31) == {"branches": None, "default_retention_days": -(2**31)}
    assert kept(1, ("b", 5), ("b", 9))["branches"] == [{"branch_id": "b", "retention_days": 9}]


def test_rules_of_protection_one_by_one(repo):
    path = "/branch_protection"

    def patterns():
        answer = repo.call("GET", path)
        assert "etag" in answer.headers
        return sorted(each["pattern"] for each in answer.json)  # lakeFS has them in any order

    assert patterns() == []
    for pattern in ("b", "a*", "a*"):
        assert repo.call("POST", path, json={"pattern": pattern}).status == 204
    assert patterns() == ["a*", "b"]
    assert len(repo.call("GET", "/settings/branch_protection").json) == 2
    for unknown in ("zz", ""):
        absent = repo.call("DELETE", path, json={"pattern": unknown})
        assert (absent.status, absent.data) == (404, b"")
    for pattern in ("a*", "b"):
        assert repo.call("DELETE", path, json={"pattern": pattern}).status == 204
    assert patterns() == []
    assert repo.call("POST", path, json={"pattern": ""}).status == 400
    for body in ({}, {"pattern": 1}, []):
        for method in ("POST", "DELETE"):
            assert repo.call(method, path, json=body).status == 400


def test_an_empty_etag_is_none_to_match(repo):
    path = "/settings/branch_protection"
    refused = repo.call("PUT", path, json=[{"pattern": "a"}], headers={"If-Match": ""})
    assert refused.status == 400
    assert (
        refused.data == b"Invalid format for parameter If-Match: parameter 'If-Match' is empty, can't bind its value\n"
    )
    assert repo.call("GET", path).json == []
