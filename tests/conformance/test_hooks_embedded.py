"""Hooks on the embedded engine alone: what it does not run, and what lakeFS would take too long to show."""

from __future__ import annotations

import threading
import time

import pytest


def commit_with(repo, text, **more):
    assert repo.put("_lakefs_actions/a.yaml", text.encode()).status == 201
    return repo.commit("m", **more)


@pytest.mark.parametrize(
    ("kind", "properties"),
    [("airflow", "url: http://h\n      dag_id: d\n      username: u\n      password: p")],
)
def test_kind_that_is_not_run_is_never_passed_silently(embedded_repo, kind, properties):
    repo = embedded_repo
    text = f"name: act\non:\n  pre-commit: {{}}\nhooks:\n  - id: one\n    type: {kind}\n    properties:\n      {properties}\n"
    answer = commit_with(repo, text)
    assert answer.status == 501
    assert f"hooks of the type {kind} are not run by the embedded engine" in answer.message
    (run,) = repo.call("GET", "/actions/runs").json["results"]
    assert run["status"] == "failed"


def test_hook_that_commits_to_its_own_branch_ends(embedded_repo, receiver):
    """The commit that was asked about is worked out anew on the one that the hook made."""
    repo = embedded_repo
    times = []

    def once(event):
        if not times:
            times.append(1)
            repo.put("by-the-hook", b"1")
            assert repo.commit("inner").status == 201

    receiver.meanwhile = once
    text = f"name: act\non:\n  pre-commit: {{}}\nhooks:\n  - id: one\n    type: webhook\n    properties: {{url: {receiver.url}}}\n"
    answer = commit_with(repo, text)
    # The inner commit took what was staged along: nothing is left for the outer one.
    assert (answer.status, answer.json["message"]) == (400, "commit: no changes")
    assert repo.log()[0] == "inner"
    assert sorted(repo.paths()) == ["_lakefs_actions/a.yaml", "by-the-hook"]


def test_slow_hooks_of_many_do_not_hold_up_the_others(embedded_repo, receiver):
    """More waiting commits than there are threads that work: reading and writing go on."""
    repo = embedded_repo
    text = f"name: act\non:\n  pre-commit: {{}}\nhooks:\n  - id: one\n    type: webhook\n    properties: {{url: {receiver.url}}}\n"
    assert commit_with(repo, text).status == 201
    for number in range(30):
        assert repo.branch(f"b{number}").status == 201
        repo.put("x", b"%d" % number, branch=f"b{number}")
    gate = threading.Event()
    receiver.meanwhile = lambda event: gate.wait(50)
    answers = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(repo.commit("m", branch=f"b{n}").status)) for n in range(30)
    ]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while len(receiver.calls) < 31 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(receiver.calls) == 31
    begun = time.monotonic()
    assert repo.put("y", b"1").status == 201
    assert repo.paths() == ["_lakefs_actions/a.yaml", "y"]
    assert time.monotonic() - begun < 5
    gate.set()
    for thread in threads:
        thread.join()
    assert answers == [201] * 30


def test_the_engine_does_not_stop_for_a_hook_that_takes_its_time(fresh_engine, receiver):
    from conformance.conftest import RepositoryUnderTest

    from lakefs_repro.embedded import process

    repo = RepositoryUnderTest(fresh_engine, fresh_engine.new_repository())
    gate = threading.Event()
    receiver.meanwhile = lambda event: gate.wait(60)
    text = f"name: act\non:\n  post-commit: {{}}\nhooks:\n  - id: one\n    type: webhook\n    properties: {{url: {receiver.url}}}\n"
    assert commit_with(repo, text).status == 201
    receiver.wait_for("post-commit")
    begun = time.monotonic()
    assert process.stop(fresh_engine.root)
    gate.set()
    assert time.monotonic() - begun < 8


def open_files(engine):
    import json
    from pathlib import Path

    pid = json.loads((engine.root / "server.json").read_text())["pid"]
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def hooked(receiver, *events):
    on = "".join(f"  {event}: {{}}\n" for event in events)
    return f"name: act\non:\n{on}hooks:\n  - id: one\n    type: webhook\n    properties: {{url: {receiver.url}}}\n"


def test_hooks_leave_no_open_files_behind(fresh_engine, receiver):
    from conformance.conftest import RepositoryUnderTest

    repo = RepositoryUnderTest(fresh_engine, fresh_engine.new_repository())
    assert commit_with(repo, hooked(receiver, "pre-commit", "post-commit")).status == 201
    receiver.wait_for("post-commit")
    before = open_files(fresh_engine)
    for number in range(40):
        assert repo.put("x", b"%d" % number).status == 201
        assert repo.commit("again").status == 201
    deadline = time.monotonic() + 10
    while len(receiver.calls) < 82 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.2)
    assert open_files(fresh_engine) <= before + 8


def test_the_first_wave_after_a_start_does_not_wait_for_itself(fresh_engine, receiver):
    """More commits with hooks that call back than there are threads that answer, in repositories not seen before."""
    from conformance.conftest import RepositoryUnderTest

    repos = [RepositoryUnderTest(fresh_engine, fresh_engine.new_repository()) for _ in range(30)]
    by_name = {repo.name: repo for repo in repos}
    for repo in repos:
        assert repo.put("_lakefs_actions/a.yaml", hooked(receiver, "pre-commit").encode()).status == 201
    receiver.meanwhile = lambda event: by_name[event["repository_id"]].log()
    answers = []
    threads = [threading.Thread(target=lambda repo=repo: answers.append(repo.commit("m").status)) for repo in repos]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 30
    assert time.monotonic() - begun < 20


def test_action_that_was_linked_with_a_wrong_size_is_measured(embedded_repo):
    repo = embedded_repo
    path = "_lakefs_actions/a.yaml"
    address = repo.call("GET", "/branches/main/staging/backing", fields={"path": path}).json
    from pathlib import Path

    file = Path(address["physical_address"].removeprefix("local://"))
    file.write_bytes(b"# " + b"x" * 2_000_000)
    linked = repo.call(
        "PUT",
        "/branches/main/staging/backing",
        fields={"path": path},
        json={"staging": address, "checksum": "0" * 32, "size_bytes": 10},
    )
    assert linked.status == 200, linked.data
    answer = repo.commit("m")
    assert answer.status == 500
    assert "the file has 2000002 bytes" in answer.message
