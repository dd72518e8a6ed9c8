"""Pull requests."""

from __future__ import annotations

import re
import time

import pytest

MISSING = "4onidq9ksdud8kmumed0"


def opened(repo, source: str = "dev", destination: str = "main", **more: str) -> str:
    body = {"title": "a title", "source_branch": source, "destination_branch": destination, **more}
    answer = repo.call("POST", "/pulls", json=body)
    assert answer.status == 201, answer.data
    assert list(answer.json) == ["id"]
    return answer.json["id"]


def read(repo, pull: str):
    answer = repo.call("GET", f"/pulls/{pull}")
    assert answer.status == 200, answer.data
    return answer.json


@pytest.fixture
def dev(repo):
    """The repository with a branch ``dev`` that is one commit ahead of ``main``."""
    repo.committed({"a": b"1"})
    assert repo.branch("dev").status == 201
    repo.committed({"b": b"2"}, branch="dev")
    return repo


def test_from_opening_to_merging(dev):
    pull = opened(dev, description="why")
    assert re.fullmatch(r"[0-9a-v]{20}", pull)
    before = read(dev, pull)
    created = before.pop("creation_date")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", created)
    assert before == {
        "author": "admin",
        "description": "why",
        "destination_branch": "main",
        "id": pull,
        "source_branch": "dev",
        "status": "open",
        "title": "a title",
    }
    merged = dev.call("PUT", f"/pulls/{pull}/merge")
    assert merged.status == 200
    after = read(dev, pull)
    assert after.pop("closed_date") >= created
    assert after == {
        **before,
        "creation_date": created,
        "status": "merged",
        "merged_commit_id": merged.json["reference"],
    }
    head = dev.call("GET", "/refs/main/commits", fields={"amount": 1}).json["results"][0]
    assert head["id"] == merged.json["reference"]
    assert head["message"] == "Merge 'dev' into 'main'"
    assert dev.paths() == ["a", "b"]
    assert dev.call("GET", "/branches/dev").status == 200
    again = dev.call("PUT", f"/pulls/{pull}/merge")
    assert (again.status, again.message) == (400, "bad pull request status")


def test_the_list(dev):
    first = [opened(dev) for _ in range(3)]
    time.sleep(1.1)
    newer = [opened(dev) for _ in range(2)]
    order = newer + first  # the newest second first, and within a second as they came

    def ids(**fields):
        answer = dev.call("GET", "/pulls", fields=fields)
        assert answer.status == 200
        return [each["id"] for each in answer.json["results"]]

    assert ids() == ids(status="all") == sorted(order)
    assert set(ids()[:2]) == set(newer)
    for pull, status in ((first[0], "merged"), (first[1], "closed")):
        assert dev.call("PATCH", f"/pulls/{pull}", json={"status": status}).status == 204
    assert set(ids(status="closed")) == set(first[:2])
    assert set(ids(status="open")) == {first[2], *newer}
    page = dev.call("GET", "/pulls", fields={"amount": 2}).json
    assert page["pagination"] == {
        "has_more": True,
        "max_per_page": 1000,
        "next_offset": sorted(order)[1],
        "results": 2,
    }
    assert ids(after=sorted(order)[1]) == sorted(order)[2:]
    assert ids(prefix="zz") == []
    assert ids(prefix=first[0]) == [first[0]]
    assert "description" not in page["results"][0]
    refused = dev.call("GET", "/pulls", fields={"status": "x"})
    assert refused.status == 400
    assert refused.message.startswith(
        'parameter "status" in query has an error: value is not one of the allowed values ["open","closed","all"]'
    )


def test_changing(dev):
    pull = opened(dev, description="d")
    path = f"/pulls/{pull}"
    assert dev.call("PATCH", path, json={}).status == 204
    assert dev.call("PATCH", path, json={"title": "", "description": "e", "author": "me"}).status == 204
    shown = read(dev, pull)
    assert (shown["title"], shown["description"], shown["author"], shown["status"]) == ("", "e", "admin", "open")
    assert "closed_date" not in shown
    assert dev.call("PATCH", path, json={"status": "closed"}).status == 204
    closed = read(dev, pull)
    assert closed["status"] == "closed"
    assert dev.call("PUT", f"{path}/merge").status == 400
    assert dev.call("PATCH", path, json={"status": "open"}).status == 204
    assert read(dev, pull) == {**closed, "status": "open"}
    for body in ({"status": "zz"}, {"title": 1}, []):
        assert dev.call("PATCH", path, json=body).status == 400
    assert dev.call("PATCH", path).status == 400


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"source_branch": "nope"}, 404, "branch not found"),
        ({"destination_branch": "nope"}, 404, "branch not found"),
        (
            {"source_branch": "main"},
            400,
            "source and destination branches are the same: same branch validation error",
        ),
        (
            {"source_branch": "q", "destination_branch": "q"},
            400,
            "source and destination branches are the same: same branch validation error",
        ),
        ({"source_branch": ""}, 500, "argument src: required value: validation error"),
        ({"destination_branch": ""}, 500, "argument dest: required value: validation error"),
        ({"source_branch": "main~1"}, 400, "argument src: branch id: invalid value: validation error"),
        (
            {"source_branch": "x y", "destination_branch": "x y"},
            400,
            "argument dest: branch id: invalid value: validation error",
        ),
    ],
)
def test_what_can_not_be_opened(dev, body, status, message):
    body = {"title": "t", "source_branch": "dev", "destination_branch": "main", **body}
    refused = dev.call("POST", "/pulls", json=body)
    assert (refused.status, refused.message) == (status, message)


def test_members_that_are_missing_or_wrong(dev):
    for body in ({}, {"title": "t"}, {"title": 1, "source_branch": "dev", "destination_branch": "main"}):
        assert dev.call("POST", "/pulls", json=body).status == 400


@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("PATCH", ""), ("PUT", "/merge")])
def test_what_is_not_there(dev, method, tail):
    body = {"title": "t"} if method == "PATCH" else None
    absent = dev.call(method, f"/pulls/{MISSING}{tail}", json=body)
    assert (absent.status, absent.message) == (404, "pull request not found")
    for wrong in ("nope", MISSING + "0", MISSING[:-1] + "-"):
        refused = dev.call(method, f"/pulls/{wrong}{tail}", json=body)
        message = "argument pullRequestID: pull request id: invalid value: validation error"
        assert (refused.status, refused.message) == (400, message)
    elsewhere = dev.engine.call(method, f"/repositories/absent/pulls/{MISSING}{tail}", json=body)
    assert (elsewhere.status, elsewhere.message) == (404, "repository not found")


def test_what_can_not_be_merged(dev):
    conflicting = opened(dev)
    dev.committed({"b": b"other"})
    refused = dev.call("PUT", f"/pulls/{conflicting}/merge")
    assert (refused.status, refused.message) == (409, "update branch main: conflict found")
    assert read(dev, conflicting)["status"] == "open"
    dev.branch("same")
    nothing = dev.call("PUT", f"/pulls/{opened(dev, 'same')}/merge")
    assert (nothing.status, nothing.message) == (400, "update branch main: no changes")
    dev.put("staged")
    dirty = dev.call("PUT", f"/pulls/{conflicting}/merge")
    assert (dirty.status, dirty.message) == (400, "uncommitted changes (dirty branch)")
    dev.call("PUT", "/branches/main", json={"type": "reset"})
    dev.call("DELETE", "/branches/dev")
    gone = dev.call("PUT", f"/pulls/{conflicting}/merge")
    assert (gone.status, gone.message) == (404, "update branch main: get commit by ref dev: not found")
