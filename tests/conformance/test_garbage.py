"""What a garbage collection asks for first: which commits it would keep, and what is staged.

A real lakeFS on a local block store writes the list of commits, and answers 400 with the run behind the refusal; there the
list is read from its place.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakefs_repro.embedded.store.retention import Dated, Rules, retained

DAY = 86_400
RULES = "/settings/gc_rules"
COMMITS, UNCOMMITTED = "/gc/prepare_commits", "/gc/prepare_uncommited"


def set_rules(repo, default: int, **branches: int) -> None:
    rules = [{"branch_id": name, "retention_days": days} for name, days in branches.items()]
    answer = repo.call("PUT", RULES, json={"default_retention_days": default, "branches": rules})
    assert answer.status == 204


def listed(repo) -> list[dict[str, str]]:
    answer = repo.call("POST", COMMITS)
    if answer.status == 400 and b"presigned URL: operation not supported" in answer.data:
        run = json.loads(answer.data.splitlines()[1])
        text = Path(run["gc_commits_location"].removeprefix("local://")).read_text()
    else:
        assert answer.status == 201, answer.data
        table = repo.engine.pool.request("GET", answer.json["gc_commits_presigned_url"])
        assert table.status == 200
        text = table.data.decode()
    assert text.startswith("commit_id,expired,metarange_id\n")
    return list(csv.DictReader(io.StringIO(text)))


def aged(repo, days: float, *, branch: str = "main") -> str:
    # On lakeFS, equal commits of one second are one commit: each gets a message of its own.
    answer = repo.commit(secrets.token_hex(8), branch=branch, date=int(time.time() - days * DAY), allow_empty=True)
    assert answer.status == 201, answer.data
    return answer.json["id"]


def test_the_commits_that_would_be_kept(repo):
    set_rules(repo, 7)
    repo.put("a")
    ids = [aged(repo, days) for days in (30, 20, 10, 8, 6, 3)]
    rows = listed(repo)
    assert {row["commit_id"] for row in rows} == set(ids[3:])
    assert {row["expired"] for row in rows} == {"false"}
    shown = repo.call("GET", "/refs/main/commits").json["results"]
    trees = {each["id"]: each["meta_range_id"] for each in shown}
    assert all(trees[row["commit_id"]] == row["metarange_id"] for row in rows)


def test_a_hidden_branch_keeps_its_head_and_a_tag_keeps_nothing(repo):
    set_rules(repo, 1)
    for name in ("pin", "gone"):
        assert repo.branch(name, hidden=True).status == 201
    pinned, lost = aged(repo, 30, branch="pin"), aged(repo, 30, branch="gone")
    assert repo.tag("v1", lost).status == 201
    assert repo.call("DELETE", "/branches/gone").status == 204
    kept = {row["commit_id"] for row in listed(repo)}
    assert pinned in kept
    assert lost not in kept


_steps = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(0, 9), st.sampled_from([-2, 0, 1, 2, 3, 5, 6, 8, 10, 20, 40])),
        st.tuples(st.just("branch"), st.integers(0, 99), st.sampled_from("abnxyz")),
        st.tuples(st.just("merge"), st.integers(0, 9), st.integers(0, 9)),
        st.tuples(st.just("delete"), st.integers(0, 9), st.just(0)),
    ),
    min_size=3,
    max_size=14,
)
_days = st.sampled_from([-1, 0, 1, 2, 4, 7, 9, 30])


class History:
    """A random history in a repository, and what is known of it here."""

    def __init__(self, repo) -> None:
        self.repo = repo
        first = repo.call("GET", "/branches/main").json["commit_id"]
        self.commits: dict[str, Dated] = {}
        self.heads = {"main": first}
        self._note("main", first)

    def _note(self, branch: str, commit: str) -> None:
        shown = self.repo.call("GET", f"/commits/{commit}").json
        self.commits[commit] = Dated((shown["parents"] or [""])[0], shown["creation_date"])
        self.heads[branch] = commit

    def _branch(self, choice: int) -> str:
        return sorted(self.heads)[choice % len(self.heads)]

    def take(self, step) -> None:
        kind, choice, more = step
        getattr(self, f"_{kind}_step")(choice, more)

    def _commit_step(self, choice: int, days: int) -> None:
        branch = self._branch(choice)
        self._note(branch, aged(self.repo, days + 0.001, branch=branch))

    def _branch_step(self, choice: int, letter: str) -> None:
        name = f"{letter}{len(self.heads)}-{len(self.commits)}"
        source = sorted(self.commits)[choice % len(self.commits)]
        if self.repo.branch(name, source).status == 201:
            self.heads[name] = source

    def _merge_step(self, choice: int, other: int) -> None:
        source, destination = self._branch(choice), self._branch(other)
        answer = self.repo.merge(source, destination, allow_empty=True, message=secrets.token_hex(8))
        if answer.status == 200:
            self._note(destination, answer.json["reference"])

    def _delete_step(self, choice: int, _: int) -> None:
        branch = self._branch(choice)
        if branch != "main":
            assert self.repo.call("DELETE", f"/branches/{branch}").status == 204
            del self.heads[branch]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=_steps, default=_days, data=st.data())
def test_random_histories_follow_the_same_rule(engine, repository_on, steps, default, data):
    history = History(repository_on(engine))
    for step in steps:
        history.take(step)
    rules = data.draw(st.dictionaries(st.sampled_from(sorted(history.heads)), _days, min_size=default == 0))
    set_rules(history.repo, default, **rules)
    kept = {row["commit_id"] for row in listed(history.repo)}
    assert kept == retained(history.commits, history.heads, Rules(default, rules), time.time())


def test_the_list_of_commits_made_in_the_background(repo):
    set_rules(repo, 7)
    started = repo.call("POST", f"{COMMITS}/async")
    assert started.status == 202
    status = ended(repo, started.json["id"])
    assert status["task_id"] == started.json["id"]
    members = {"gc_addresses_location", "gc_commits_location", "run_id"}
    if repo.engine.name == "embedded" or not repo.engine.namespace_prefix.startswith("local:"):
        members.add("gc_commits_presigned_url")
    assert set(status["result"]) == members


def ended(repo, task: str):
    for _ in range(100):
        answer = repo.call("GET", f"{COMMITS}/status", fields={"id": task})
        assert answer.status == 200
        if answer.json["completed"]:
            return answer.json
        time.sleep(0.05)
    pytest.fail("the task does not end")


def test_without_rules_nothing_is_listed(repo):
    answer = repo.call("POST", COMMITS)
    assert (answer.status, answer.message) == (404, "get gc rules: not found")
    started = repo.call("POST", f"{COMMITS}/async")
    assert started.status == 202
    status = ended(repo, started.json["id"])
    assert status["error"] == {"message": "get gc rules: not found"}
    assert "result" not in status


def test_status_of_what_was_never_started(repo, repository_on):
    unknown = repo.call("GET", f"{COMMITS}/status", fields={"id": "x"})
    assert (unknown.status, unknown.message) == (404, "not found")
    missing = repo.call("GET", f"{COMMITS}/status")
    assert (missing.status, missing.message) == (
        400,
        'parameter "id" in query has an error: value is required but missing',
    )
    task = repo.call("POST", f"{COMMITS}/async").json["id"]
    other = repository_on(repo.engine)
    assert other.call("GET", f"{COMMITS}/status", fields={"id": task}).status == 404


@pytest.mark.parametrize("path", [COMMITS, f"{COMMITS}/async", UNCOMMITTED])
def test_preparing_writes(engine, path):
    name = engine.new_repository() + "-ro"
    body = {"name": name, "storage_namespace": f"{engine.namespace_prefix}{name}", "read_only": True}
    assert engine.call("POST", "/repositories", json=body).status == 201
    refused = engine.call("POST", f"/repositories/{name}{path}")
    assert (refused.status, refused.message) == (403, "read-only repository")
    absent = engine.call("POST", f"/repositories/absent{path}")
    assert (absent.status, absent.message) == (404, "repository not found")


def test_nothing_staged_gives_no_list(repo):
    repo.committed({"a": b"1"})
    answer = repo.call("POST", UNCOMMITTED)
    assert answer.status == 201
    assert answer.json["gc_uncommitted_location"] == ""
    assert "continuation_token" not in answer.json


def test_a_token_that_is_none(repo):
    repo.put("a")
    refused = repo.call("POST", UNCOMMITTED, json={"continuation_token": "xx"})
    assert (refused.status, refused.message) == (400, "invalid continuation token")
    assert repo.call("POST", UNCOMMITTED, json=[]).status == 400


def test_what_is_staged_is_listed(embedded_repo):
    repo = embedded_repo
    repo.committed({"committed": b"0", "removed": b"1"})
    repo.branch("other")
    repo.put("a", b"2")
    repo.put("b", b"3", branch="other")
    repo.delete("removed")
    stats = [repo.stat("a").json, repo.stat("b", ref="other").json]
    answer = repo.call("POST", UNCOMMITTED)
    assert answer.status == 201
    folder = Path(answer.json["gc_uncommitted_location"].removeprefix("local://"))
    assert folder.is_relative_to(repo.engine.root / "gc")
    rows = [row for file in folder.iterdir() for row in pq.read_table(file).to_pylist()]
    expected = [
        {"physical_address": each["physical_address"].partition(f"{repo.name}/")[2], "creation_date": each["mtime"]}
        for each in stats
    ]
    assert sorted(rows, key=str) == sorted(expected, key=str)


def test_a_list_is_read_by_its_url_alone(embedded_repo):
    repo = embedded_repo
    set_rules(repo, 7)
    url = repo.call("POST", COMMITS).json["gc_commits_presigned_url"]
    forged = repo.engine.pool.request("GET", url.replace("commits.csv", "..%2F..%2Fcredentials.json"))
    assert forged.status == 403
    assert b"SignatureDoesNotMatch" in forged.data
