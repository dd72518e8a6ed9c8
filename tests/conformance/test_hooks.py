"""Hooks: which fire, what they are told, what their refusal does. Both engines call a real HTTP server."""

from __future__ import annotations

import time

import pytest

EVERYTHING = [
    "prepare-commit",
    "pre-commit",
    "post-commit",
    "pre-merge",
    "post-merge",
    "pre-create-tag",
    "post-create-tag",
    "pre-delete-tag",
    "post-delete-tag",
    "pre-create-branch",
    "post-create-branch",
    "pre-delete-branch",
    "post-delete-branch",
    "pre-revert",
    "post-revert",
    "pre-cherry-pick",
    "post-cherry-pick",
]


def hook(receiver, name="one", **settings):
    lines = [f"  - id: {name}", "    type: webhook", *(f"    {k}: {v}" for k, v in settings.pop("top", {}).items())]
    lines += ["    properties:", f"      url: {receiver.url}/{name}", *(f"      {k}: {v}" for k, v in settings.items())]
    return "\n".join(lines) + "\n"


def action(events, hooks, name="act"):
    return f"name: {name}\non:\n" + "".join(f"  {event}: {{}}\n" for event in events) + "hooks:\n" + hooks


def put_action(repo, text, *, file="a.yaml", branch="main"):
    assert repo.put(f"_lakefs_actions/{file}", text.encode(), branch=branch).status == 201


def install(repo, text):
    """Commit an action on ``main``; the events of that commit are the test's to forget."""
    put_action(repo, text)
    answer = repo.commit("actions")
    assert answer.status == 201, answer.data
    return answer.json["id"]


def runs(repo, count, **fields):
    """The runs, once there are ``count`` of them: those of post- events are written down a little later."""
    deadline = time.monotonic() + 10
    while True:
        found = repo.call("GET", "/actions/runs", fields=fields).json["results"]
        if len(found) >= count or time.monotonic() > deadline:
            assert len(found) == count, found
            return found
        time.sleep(0.02)


def hooks_of(repo, run):
    return repo.call("GET", f"/actions/runs/{run['run_id']}/hooks").json["results"]


def output(repo, run, hook_run="0000_0000"):
    return repo.call("GET", f"/actions/runs/{run['run_id']}/hooks/{hook_run}/output")


def without_time(event):
    assert event["event_time"].endswith("Z")
    return {name: value for name, value in event.items() if name not in {"event_time", "action_name", "hook_id"}}


def test_commit_tells_what_is_to_be_and_what_is(repo, receiver):
    put_action(repo, action(EVERYTHING, hook(receiver)))
    answer = repo.commit("first", metadata={"b": "2", "a": "1"})
    receiver.wait_for("post-commit")
    assert receiver.kinds == ["prepare-commit", "pre-commit", "post-commit"]
    before = {
        "repository_id": repo.name,
        "branch_id": "main",
        "source_ref": "main",
        "commit_message": "first",
        "committer": receiver.events[0]["committer"],
        "commit_metadata": {"a": "1", "b": "2"},
    }
    made = answer.json["id"]
    assert without_time(receiver.events[0]) == {"event_type": "prepare-commit", **before}
    assert without_time(receiver.events[1]) == {"event_type": "pre-commit", **before}
    assert without_time(receiver.events[2]) == {
        "event_type": "post-commit", **before, "source_ref": made, "commit_id": made,
    }  # fmt: skip
    assert (receiver.events[0]["action_name"], receiver.events[0]["hook_id"]) == ("act", "one")
    path, headers, _ = receiver.calls[0]
    assert path == "/one"
    assert headers["Content-Type"] == "application/json"


def test_what_is_reset_while_a_hook_is_asked_is_not_committed(repo, receiver):
    install(repo, action(["pre-commit"], hook(receiver)))
    head = repo.log()
    repo.put("bad")
    answers = []
    receiver.meanwhile = lambda _: answers.append(repo.call("PUT", "/branches/main", json={"type": "reset"}).status)
    refused = repo.commit()
    assert refused.status == 400
    assert refused.message.endswith("no changes")
    assert answers[0] == 204
    assert (repo.log(), repo.get("bad").status) == (head, 404)


def test_merge_tells_of_its_commit_which_can_be_read_already(repo, receiver):
    install(repo, action(["pre-merge", "post-merge"], hook(receiver)))
    repo.branch("dev")
    source = repo.committed({"d": b"1"}, branch="dev")
    seen = []
    receiver.meanwhile = lambda event: seen.append(repo.call("GET", f"/commits/{event['commit_id']}"))
    made = repo.merge("dev", message="mm", metadata={"k": "v"}).json["reference"]
    receiver.wait_for("post-merge")
    said = {
        "repository_id": repo.name,
        "branch_id": "main",
        "commit_id": made,
        "commit_message": "mm",
        "committer": receiver.events[0]["committer"],
        "commit_metadata": {".lakefs.merge.strategy": "default", "k": "v"},
        "merge_source": "dev",
    }
    assert without_time(receiver.events[0]) == {"event_type": "pre-merge", **said, "source_ref": source}
    assert without_time(receiver.events[1]) == {"event_type": "post-merge", **said, "source_ref": made}
    assert seen[0].status == 200
    assert seen[0].json["parents"][1] == source
    assert receiver.kinds == ["pre-merge", "post-merge"]


def test_branches_and_tags_tell_where_they_begin_and_end(repo, receiver):
    head = install(repo, action([e for e in EVERYTHING if "branch" in e or "tag" in e], hook(receiver)))
    repo.branch("dev")
    repo.tag("v1", "dev")
    assert repo.call("DELETE", "/tags/v1").status == 204
    assert repo.call("DELETE", "/branches/dev").status == 204
    receiver.wait_for("post-delete-branch")
    at = {"repository_id": repo.name, "source_ref": head}
    pre = [without_time(event) for event in receiver.events if event["event_type"].startswith("pre")]
    assert pre == [
        {"event_type": "pre-create-branch", **at, "branch_id": "dev", "source_ref": "main", "commit_id": head},
        {"event_type": "pre-create-tag", **at, "tag_id": "v1", "commit_id": head},
        {"event_type": "pre-delete-tag", **at, "tag_id": "v1", "commit_id": head},
        {"event_type": "pre-delete-branch", **at, "branch_id": "dev"},
    ]
    for kind in ("create-branch", "create-tag", "delete-tag", "delete-branch"):
        after, before = receiver.wait_for(f"post-{kind}"), receiver.wait_for(f"pre-{kind}")
        assert {**without_time(after), "event_type": ""} == {**without_time(before), "event_type": ""}


def test_revert_and_cherry_pick_tell_the_branch_before_and_the_commit_after(repo, receiver):
    install(repo, action([e for e in EVERYTHING if "revert" in e or "cherry" in e], hook(receiver)))
    repo.branch("dev")
    done = repo.committed({"d": b"1"}, branch="dev", message="work")
    made = repo.call("POST", "/branches/main/cherry-pick", json={"ref": done}).json["id"]
    event = receiver.wait_for("post-cherry-pick")
    assert (event["source_ref"], event["commit_id"], event["commit_message"]) == (made, made, "work")
    assert event["commit_metadata"]["cherry-pick-origin"] == done
    event = receiver.wait_for("pre-cherry-pick")
    assert (event["source_ref"], event["branch_id"], "commit_id" in event) == ("main", "main", False)
    assert repo.call("POST", "/branches/dev/revert", json={"ref": done, "parent_number": 0}).status == 204
    event = receiver.wait_for("post-revert")
    assert event["commit_message"] == f"Revert {done}"
    assert event["commit_id"] == repo.call("GET", "/branches/dev").json["commit_id"]


REFUSED = {
    "pre-merge": (lambda repo, done: repo.merge("dev"), "update branch main: "),
    "pre-create-tag": (lambda repo, done: repo.tag("v1"), ""),
    "pre-create-branch": (lambda repo, done: repo.branch("new"), ""),
    "pre-delete-branch": (lambda repo, done: repo.call("DELETE", "/branches/dev"), ""),
    "pre-revert": (
        lambda repo, done: repo.call("POST", "/branches/dev/revert", json={"ref": done, "parent_number": 0}),
        "update branch: ",
    ),
    "pre-cherry-pick": (
        lambda repo, done: repo.call("POST", "/branches/main/cherry-pick", json={"ref": done}),
        "update branch: ",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_who_says_no_stops_it(repo, receiver, kind):
    install(repo, action([kind], hook(receiver)))
    repo.branch("dev")
    done = repo.committed({"d": b"1"}, branch="dev")
    before = [repo.call("GET", path).json["results"] for path in ("/branches", "/tags")]
    receiver.status = 500
    call, prefix = REFUSED[kind]
    answer = call(repo, done)
    assert answer.status == 412
    run = next(run for run in repo.call("GET", "/actions/runs").json["results"] if run["status"] == "failed")
    assert answer.message == (
        f"{prefix}{kind} hook aborted, run id '{run['run_id']}': 1 error occurred:\n\t* hook run id '0000_0000' failed"
        " on action 'act' hook 'one': action failed: webhook request failed (status code: 500)\n\n"
    )
    assert (run["status"], run["event_type"]) == ("failed", kind)
    assert [repo.call("GET", path).json["results"] for path in ("/branches", "/tags")] == before


def test_refused_commit_leaves_what_is_staged(repo, receiver):
    put_action(repo, action(["pre-commit"], hook(receiver)))
    receiver.status = 400
    answer = repo.commit("m")
    assert answer.status == 412
    assert answer.message.startswith("pre-commit hook aborted, run id '")
    assert repo.staged() == [("added", "_lakefs_actions/a.yaml")]
    receiver.status = 200
    assert repo.commit("m").status == 201


def test_hook_that_failed_stops_those_behind_it_and_not_the_other_actions(repo, receiver):
    put_action(repo, action(["pre-commit"], hook(receiver, "one") + hook(receiver, "two"), "first"), file="a.yaml")
    put_action(repo, action(["pre-commit"], hook(receiver, "three"), "second"), file="b.yaml")
    receiver.status = 400
    message = repo.commit("m").message
    assert "2 errors occurred:" in message
    assert "hook run id '0000_0000' failed on action 'first' hook 'one'" in message
    assert "hook run id '0001_0000' failed on action 'second' hook 'three'" in message
    assert sorted(path for path, _, _ in receiver.calls) == ["/one", "/three"]
    (run,) = runs(repo, 1)
    told = {each["hook_run_id"]: each for each in hooks_of(repo, run)}
    assert {name: each["status"] for name, each in told.items()} == {
        "0000_0000": "failed", "0000_0001": "skipped", "0001_0000": "failed",
    }  # fmt: skip
    assert told["0000_0001"]["start_time"] == "0001-01-01T00:00:00Z"
    assert "end_time" not in told["0000_0001"]
    assert output(repo, run, "0000_0001").data == b""


def test_post_hook_that_fails_changes_nothing(repo, receiver):
    receiver.status = 500
    put_action(repo, action(["post-commit"], hook(receiver)))
    made = repo.commit("m")
    assert made.status == 201
    (run,) = runs(repo, 1)
    assert (run["status"], run["commit_id"], run["branch"]) == ("failed", made.json["id"], "main")


def test_conditions(repo, receiver):
    conditions = ["failure()", "!success()", "success() && !failure()", "true and not false", "(true)", "1 == 1",
                  "success() == true", "false || success()", 'branch == "main"', ""]  # fmt: skip
    # lakeFS evaluates these as written here, whatever one may think of the second and the seventh.
    put_action(
        repo,
        action(
            ["pre-commit"], "".join(hook(receiver, f"h{n}", top={"if": f"'{c}'"}) for n, c in enumerate(conditions))
        ),
    )
    assert repo.commit("m").status == 201
    (run,) = runs(repo, 1)
    states = [each["status"] for each in hooks_of(repo, run)]
    ran = [state == "completed" for state in states]
    assert ran == [False, False, True, True, True, True, True, True, False, True]


@pytest.mark.parametrize("condition", ["1", "x()", "success(", '"text"'])
def test_condition_that_is_none_is_an_error(repo, receiver, condition):
    put_action(repo, action(["pre-commit"], hook(receiver, top={"if": f"'{condition}'"})))
    answer = repo.commit("m")
    assert answer.status == 500
    assert "hook run id '0000_0000' failed on action 'act' hook 'one': " in answer.message
    assert receiver.calls == []


def test_branches_are_chosen_by_pattern(repo, receiver):
    hits = {"ma?n": True, "[l-n]ain": True, "[^x]ain": True, "[!x]ain": False, "m\\ain": True, "{main,dev}": False,
            "MAIN": False, "**": True, "m*n": True, "mai": False}  # fmt: skip
    for number, pattern in enumerate(hits):
        on = f"name: act{number}\non:\n  pre-commit:\n    branches: ['{pattern}']\nhooks:\n"
        put_action(repo, on + hook(receiver, f"h{number}"), file=f"{number}.yaml")
    assert repo.commit("m").status == 201
    assert sorted(path for path, _, _ in receiver.calls) == sorted(
        f"/h{number}" for number, hit in enumerate(hits.values()) if hit
    )


def test_what_was_sent_and_answered_is_kept(repo, receiver):
    settings = "      query_params:\n        b: ['1', two]\n        a: x y\n      headers:\n        X-B: bb\n"
    put_action(repo, action(["pre-commit"], hook(receiver).replace("/one", "/one?z=1") + settings))
    assert repo.commit("m").status == 201
    path, headers, _ = receiver.calls[0]
    assert path == "/one?a=x+y&b=1&b=two&z=1"
    assert headers["X-B"] == "bb"
    (run,) = runs(repo, 1)
    answer = output(repo, run)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename=0000_0000.log"
    text = answer.data.decode()
    assert text.startswith(f"Request:\nPOST {receiver.url}/one?z=1\nQuery Params:\n")
    for line in ("b: two\n", "a: x y\n", "Headers:\n", "X-B: bb\n", "Request Body:\n{", "Response:\n", " 200 OK\r\n"):
        assert line in text
    assert text.endswith('\r\n\r\n{"said": "so"}')


def test_secrets_come_from_variables_that_are_meant_for_it(repo, receiver):
    put_action(
        repo, action(["pre-commit"], hook(receiver) + "      headers:\n        X-H: 'a{{ ENV.HOME }}b {{ X }}'\n")
    )
    assert repo.commit("m").status == 201
    assert receiver.calls[0][1]["X-H"] == "ab {{ X }}"


def test_secret_that_is_missing_is_an_error(repo, receiver):
    put_action(
        repo, action(["pre-commit"], hook(receiver) + "      headers:\n        X-H: '{{ ENV.LAKEFSACTION_NO }}'\n")
    )
    answer = repo.commit("m")
    assert answer.status == 500
    assert "extracting headers: reading header: LAKEFSACTION_NO not found: missing env var" in answer.message
    assert receiver.calls == []


def test_hook_that_does_not_answer_in_time_has_failed(repo, receiver):
    receiver.meanwhile = lambda event: time.sleep(2)
    put_action(repo, action(["pre-commit"], hook(receiver, timeout="300ms")))
    answer = repo.commit("m")
    assert answer.status == 412
    assert "context deadline exceeded" in answer.message


def test_hook_that_is_not_there_has_failed(repo, receiver):
    put_action(repo, action(["pre-commit"], hook(receiver).replace(receiver.url, "http://127.0.0.1:1")))
    answer = repo.commit("m")
    assert answer.status == 412
    assert "connection refused" in answer.message


def test_redirection_that_leads_nowhere_is_no_consent(repo, receiver):
    receiver.status = 302
    put_action(repo, action(["pre-commit"], hook(receiver)))
    assert repo.commit("m").status == 412


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (307, "POST")])
def test_redirection_is_followed(repo, receiver, status, method):
    seen = []

    def answer(handler):
        seen.append((handler.command, handler.path))
        handler.send_response(status if handler.path == "/one" else 200)
        handler.send_header("Location", "/two")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    receiver.answer = answer
    put_action(repo, action(["pre-commit"], hook(receiver)))
    assert repo.commit("m").status == 201
    assert seen == [("POST", "/one"), (method, "/two")]
    if method == "POST":
        assert receiver.events[0] == receiver.events[1]


def test_redirection_without_end_is_an_error(repo, receiver):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", "/again")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    receiver.answer = answer
    put_action(repo, action(["pre-commit"], hook(receiver)))
    message = repo.commit("m").message
    assert "stopped after 10 redirects" in message
    assert len(receiver.calls) == 10


def test_keys_in_the_address_are_sent_and_not_told(repo, receiver):
    put_action(repo, action(["pre-commit"], hook(receiver).replace("http://", "http://user:s3cret@")))
    assert repo.commit("m").status == 201
    assert receiver.calls[0][1]["Authorization"] == "Basic dXNlcjpzM2NyZXQ="
    receiver.shutdown()
    receiver.server_close()
    message = repo.commit("again").message
    assert "http://user:***@127.0.0.1" in message
    assert "s3cret" not in message


@pytest.mark.parametrize("forever", [False, True])
def test_answer_that_does_not_end_is_not_waited_for(repo, receiver, forever):
    """It has consented; the rest of what it says is cut off when the time is over."""

    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(10**6 if forever else 40):
            handler.wfile.write(b"x" * (64 * 1024 if forever else 1))
            handler.wfile.flush()
            if not forever:
                time.sleep(0.2)

    receiver.answer = answer
    put_action(repo, action(["pre-commit"], hook(receiver, timeout="1s")))
    begun = time.monotonic()
    assert repo.commit("m").status == 201
    assert time.monotonic() - begun < 5


ON = "on:\n  pre-commit: {}\n"
HOOK = "hooks:\n  - id: one\n    type: webhook\n    properties:\n      url: http://127.0.0.1:1\n"
MALFORMED = {
    "": "'name' is required: invalid action",
    "- a": "cannot unmarshal !!seq into actions.Action",
    f"name: a\n{ON}{HOOK}": "'name' is invalid: invalid action",
    f"name: abc\n{HOOK}": "'on' is required: invalid action",
    f"name: abc\non:\n  pre-foo: {{}}\n{HOOK}": "event 'pre-foo' is not supported: invalid action",
    f"name: abc\n{ON}{HOOK}".replace("id: one", "id: o"): "hook[0] missing ID: invalid action",
    f"name: abc\n{ON}{HOOK}".replace("id: one", "id: 'o ne'"): "hook[0] missing ID: invalid action",
    f"name: abc\n{ON}{HOOK}" + HOOK.removeprefix("hooks:\n"): "hook[1] duplicate ID 'one': invalid action",
    f"name: abc\n{ON}{HOOK}".replace("webhook", "foo"): "hook[0] type 'one' unknown: invalid action",
    f"name: abc\n{ON}{HOOK}".replace("url:", "x:"): (
        "hook[0] type 'webhook': 'url' must be supplied in properties: invalid action"
    ),
    f"name: abc\n{ON}hooks:\n  - id: one\n    type: webhook\n": (
        "hook[0] type 'webhook': missing hook properties: invalid action"
    ),
    f"name: abc\non:\n  pre-create-tag:\n    branches: [main]\n{HOOK}": (
        "'branches' is not supported in tag event types. invalid event parameter"
    ),
}


@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_action_stops_everything(repo, text):
    put_action(repo, text)
    answer = repo.commit("m")
    assert answer.status == 500
    assert answer.message.startswith("prepare-commit hook aborted, run id '")
    assert "1 error occurred:\n\t* parsing file _lakefs_actions/a.yaml: " in answer.message
    assert MALFORMED[text] in answer.message
    assert runs(repo, 0) == []


UNUSABLE = {
    "url: 1": "webhook url must be string: webhook wrong format",
    "timeout: abc": 'webhook request duration: time: invalid duration "abc"',
    "query_params: abc": "extracting query params: unsupported query params: webhook wrong format",
    "query_params: {a: 1}": (
        "extracting query params: query params single value should be of type string: webhook wrong format"
    ),
    "headers: abc": "extracting headers: unsupported headers: webhook wrong format",
    "headers: {X-A: 1}": "extracting headers: headers array should contains only strings: webhook wrong format",
}


@pytest.mark.parametrize("line", UNUSABLE)
def test_properties_of_no_use_are_an_error(repo, line):
    text = f"name: abc\n{ON}{HOOK}"
    put_action(repo, text.replace("url: http://127.0.0.1:1", line) if "url" in line else f"{text}      {line}\n")
    answer = repo.commit("m")
    assert answer.status == 500
    assert answer.message.endswith(f"': {UNUSABLE[line]}")


def test_pattern_that_is_none_is_an_error(repo):
    put_action(repo, f"name: abc\non:\n  pre-commit:\n    branches: ['x[']\n{HOOK}")
    answer = repo.commit("m")
    assert (answer.status, answer.message.endswith("': syntax error in pattern")) == (500, True)


def test_two_actions_of_one_name_are_an_error(repo, receiver):
    for file in ("a.yaml", "b.yaml"):
        put_action(repo, action(["pre-commit"], hook(receiver)), file=file)
    answer = repo.commit("m")
    assert answer.status == 500
    assert answer.message.endswith("': action name 'act' already loaded: invalid action")


def test_folder_among_the_actions_is_an_error(repo, receiver):
    put_action(repo, action(["pre-commit"], hook(receiver)), file="sub/a.yaml")
    answer = repo.commit("m")
    assert answer.status == 404
    assert (
        "* loading file _lakefs_actions/sub/: get action file metadata _lakefs_actions/sub/: not found"
        in answer.message
    )


def test_every_file_is_an_action_whatever_its_name(repo, receiver):
    for number, file in enumerate(("a.yml", "b", "c.txt")):
        put_action(repo, action(["pre-commit"], hook(receiver, f"h{number}"), f"act{number}"), file=file)
    assert repo.commit("m").status == 201
    assert len(receiver.calls) == 3


def test_actions_come_from_the_source_of_a_merge(repo, receiver):
    """The way around the gate that lakeFS leaves open: a branch without the file merges freely."""
    repo.branch("dev")
    repo.committed({"d": b"1"}, branch="dev")
    install(repo, action(["pre-merge", "post-merge"], hook(receiver)))
    assert repo.merge("dev").status == 200
    receiver.wait_for("post-merge")
    assert receiver.kinds == ["post-merge"], "the merge commit holds the file, its source does not"


def test_nothing_runs_where_nothing_can_be_done(repo, receiver):
    install(repo, action(["pre-merge", "pre-create-tag", "pre-create-branch", "pre-delete-branch"], hook(receiver)))
    receiver.status = 500
    assert repo.tag("main").status == 409
    assert repo.branch("main").status == 409
    assert repo.branch("x y").status == 400
    assert repo.call("DELETE", "/branches/main").status == 403
    assert repo.call("DELETE", "/branches/none").status == 404
    assert repo.call("DELETE", "/tags/none").status == 404
    assert repo.merge("main").status == 400
    assert receiver.calls == []


def test_commit_of_nothing_is_asked_about_all_the_same(repo, receiver):
    install(repo, action(["pre-commit"], hook(receiver)))
    receiver.calls.clear()
    assert repo.commit("nothing").status == 400
    assert receiver.kinds == ["pre-commit"]


def test_hard_reset_asks_nobody(repo, receiver):
    install(repo, action(EVERYTHING, hook(receiver)))
    receiver.wait_for("post-commit")
    receiver.calls.clear()
    assert repo.call("PUT", "/branches/main/hard_reset", fields={"ref": "main~1"}).status == 204
    assert receiver.calls == []


def test_runs_are_listed_by_branch_by_commit_and_by_page(repo, receiver):
    put_action(repo, action(["prepare-commit", "pre-commit", "post-commit", "post-create-branch"], hook(receiver)))
    made = repo.commit("m").json["id"]
    repo.branch("dev")
    found = runs(repo, 4)
    assert {each["event_type"]: (each["branch"], each["commit_id"]) for each in found} == {
        "prepare-commit": ("main", ""), "pre-commit": ("main", made), "post-commit": ("main", made),
        "post-create-branch": ("dev", made),
    }  # fmt: skip
    assert len(runs(repo, 3, branch="main")) == 3
    assert len(runs(repo, 3, commit=made)) == 3
    assert len(runs(repo, 3, commit=made[:9])) == 3
    assert runs(repo, 0, branch="none") == []
    page = repo.call("GET", "/actions/runs", fields={"amount": 2}).json
    assert (page["pagination"]["has_more"], page["pagination"]["next_offset"]) == (True, page["results"][1]["run_id"])
    rest = repo.call("GET", "/actions/runs", fields={"after": page["pagination"]["next_offset"]}).json["results"]
    assert page["results"] + rest == found
    one = found[0]
    assert repo.call("GET", f"/actions/runs/{one['run_id']}").json == one
    assert set(one) == {"branch", "commit_id", "end_time", "event_type", "run_id", "start_time", "status"}


def test_runs_that_are_not_there(repo):
    assert repo.call("GET", "/actions/runs", fields={"branch": "b", "commit": "c"}).status == 400
    answer = repo.call("GET", "/actions/runs/none")
    assert (answer.status, answer.message) == (404, "not found: not found")
    assert repo.call("GET", "/actions/runs/none/hooks").json["results"] == []
    assert repo.call("GET", "/actions/runs/none/hooks/0000_0000/output").status == 404


def test_hook_may_read_and_write_meanwhile(repo, receiver):
    """A validation reads what is staged, and leaves its report on another branch."""
    put_action(repo, action(["pre-commit"], hook(receiver)))
    repo.branch("reports", "main")  # lakeFS remembers for some seconds which actions there were
    repo.put("data", b"rows")
    answers = []

    def validate(event):
        answers.append(repo.get("data", ref=event["source_ref"]).data)
        answers.append(repo.put("report", b"fine", branch="reports").status)
        answers.append(repo.commit("report", branch="reports").status)

    receiver.meanwhile = validate
    assert repo.commit("m").status == 201
    assert answers == [b"rows", 201, 201]


def test_what_comes_while_a_hook_is_asked_is_not_committed(repo, receiver):
    """What was not looked at stays staged."""
    put_action(repo, action(["pre-commit"], hook(receiver)))
    repo.put("seen", b"1")
    receiver.meanwhile = lambda event: repo.put("unseen", b"2")
    made = repo.commit("m")
    assert made.status == 201
    assert repo.paths(made.json["id"]) == ["_lakefs_actions/a.yaml", "seen"]
    assert repo.staged() == [("added", "unseen")]
