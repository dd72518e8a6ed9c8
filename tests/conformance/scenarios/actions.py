"""Actions that call nobody who answers, or that can't be read, and the records of their runs."""

from __future__ import annotations

from conformance.transcript.calls import branch, commit, delete, get, merge, scenario, tag, upload

_RUN = "actions/runs/${run}"
_HOOK = "  - {id: call, type: webhook, properties: {url: 'http://127.0.0.1:1/'}}\n"


def _action(on: str, *, name: str = "check", hooks: str = _HOOK) -> str:
    return f"name: {name}\non: {on}\nhooks:\n{hooks}"


def _refused(number: int, text: str):
    """An action that can't be read stops the commit that would bring it. lakeFS remembers a branch's actions for a while."""
    name = f"b{number}"
    return [branch(name), upload("_lakefs_actions/x.yaml", text, branch=name), commit("refused", branch=name)]


SCENARIOS = [
    scenario(
        "actions-none",
        get("actions/runs"),
        get("actions/runs", query={"branch": "main"}),
        get("actions/runs", query={"commit": "nope"}),
        get("actions/runs", query={"branch": "main", "commit": "nope"}),
        get("actions/runs", query={"amount": 1001}),
        get("actions/runs", query={"amount": "x"}),
        get("actions/runs", query={"after": "nope"}),
        get("actions/runs/nope"),
        get("actions/runs/nope/hooks"),
        get("actions/runs/nope/hooks", query={"amount": 1001}),
        get("actions/runs/nope/hooks/x/output"),
        get("/repositories/${repo}-none/actions/runs"),
        get("/repositories/${repo}-none/actions/runs/x"),
        upload("_lakefs_actions/deeper/x.yaml", "no action"),
        commit("no action", date=1000),
        get("actions/runs"),
    ),
    scenario(
        "actions-unreadable",
        *[
            each
            for number, text in enumerate(
                (
                    "name: [",
                    "",
                    "[]",
                    "name: check\n",
                    _action("{pre-commit: {}}", hooks="  []\n"),
                    _action("{}"),
                    _action("{no-such-event: {}}"),
                    _action("{pre-commit: {}}", name="c"),
                    _action("{pre-commit: {}}", name=""),
                    _action("{pre-commit: {}}", hooks="  - {id: c, type: webhook, properties: {url: 'http://x/'}}\n"),
                    _action("{pre-commit: {}}", hooks="  - {id: call, type: nosuch}\n"),
                    _action("{pre-commit: {}}", hooks="  - {type: webhook, properties: {url: 'http://x/'}}\n"),
                    _action("{pre-commit: {}}", hooks=_HOOK + _HOOK),
                    _action("{pre-commit: {branches: [main]}}", hooks="  - {id: call, type: webhook}\n"),
                    _action("{pre-create-tag: {branches: [main]}}"),
                    _action("{pre-commit: {branches: ['[']}}"),
                    "unknown: 1\n" + _action("{pre-commit: {}}"),
                )
            )
            for each in _refused(number, text)
        ],
    ),
    scenario(
        "actions-failing",
        branch("topic"),
        branch("other"),
        upload(
            "_lakefs_actions/check.yaml",
            _action("{pre-commit: {branches: [topic]}, pre-merge: {branches: [topic]}}"),
            branch="topic",
        ),
        commit("refused", branch="topic"),
        get("actions/runs", save={"run": "results/0/run_id"}),
        get(_RUN),
        get(f"{_RUN}/hooks", save={"hook": "results/0/hook_run_id"}),
        get(f"{_RUN}/hooks/nope/output"),
        get("branches/topic/diff"),
        upload("b", branch="other"),
        commit("not asked", branch="other", date=2000),
        merge("other", message="not asked"),
        get("actions/runs", query={"branch": "main"}),
        get("actions/runs", query={"branch": "topic"}),
        get("actions/runs", query={"branch": "topic", "amount": 1, "after": "${run}"}),
    ),
    scenario(
        "actions-on-refs",
        upload("_lakefs_actions/tags.yaml", _action("{pre-create-tag: {}, pre-delete-tag: {}}")),
        upload(
            "_lakefs_actions/refs.yaml",
            _action("{pre-create-branch: {branches: ['no-*']}, pre-delete-branch: {}}", name="refs"),
        ),
        commit("actions", date=1000),
        tag("v1"),
        get("tags/v1"),
        branch("no-way"),
        get("branches/no-way"),
        branch("yes"),
        delete("branches/yes"),
        get("branches/yes"),
        get("actions/runs", query={"branch": "yes"}),
    ),
]
