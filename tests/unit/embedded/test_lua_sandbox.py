"""What a script can't do: run on, take all memory, reach Python, the machine or the engine's secrets."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from support.luahooks import action, commit_with

from lakefs_repro.embedded.hooks.lua import scripts
from lakefs_repro.embedded.hooks.lua.scripts import Script

pytest.importorskip("lupa")


def run(script, *, seconds=20, ask=lambda *_: (200, b"{}")):
    return Script(script, "", {}).run({"repository_id": "r", "source_ref": "main"}, "admin", ask, seconds=seconds)


ENDLESS = {
    "a loop": "while true do end",
    "a loop in pcall": "while true do pcall(function() while true do end end) end",
    "an error handler": "xpcall(error, function() while true do end end)",
    "a tail call": "local function f() return f() end f()",
    "a pattern of Lua's": 'string.find(("a"):rep(40000), (".-"):rep(30) .. "b")',
    "a regular expression": 'require("regexp").match("(a+)+$", ("a"):rep(64) .. "b")',
    "a finalizer": "setmetatable({}, {__gc = function() while true do end end}) collectgarbage()",
    "a sleep": 'require("time").sleep(1e18)',
}


@pytest.mark.parametrize("what", ENDLESS)
def test_endless_script_is_stopped(what):
    begun = time.monotonic()
    printed, why = run('print("begun") ' + ENDLESS[what], seconds=1)
    assert (printed, why) == ("begun\n", "runtime error: the script took longer than 1 seconds, and was stopped")
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize(
    "script",
    [
        'local t = {} while true do t[#t + 1] = ("x"):rep(1e6) .. #t end',
        'local s = "x" while true do s = s .. s end',
        '("x"):rep(1e9)',
        'collectgarbage("stop") while true do local x = {} end',
    ],
)
def test_memory_is_limited(script):
    assert run(script)[1].startswith("runtime error: not enough memory")


def test_output_is_limited():
    printed, why = run('while true do print(("x"):rep(1000)) end')
    assert len(printed) == 1024 * 1024
    assert why == "runtime error: a script prints at most 1048576 bytes"


@pytest.mark.parametrize(
    "script",
    [
        "print(python, os, io, debug, coroutine, dofile, loadfile, string.dump, package.loadlib, package.searchers)",
        "print(getmetatable(print), getmetatable(require), getmetatable(require('strings').split))",
        "for name, value in pairs(_G) do if type(value) == 'userdata' then print(name) end end",
        "for _, f in pairs(require('lakefs')) do if type(f) ~= 'function' then print(f) end end",
        (
            'for _, name in pairs({"os", "io", "python", "debug", "/etc/passwd", "../x", "lupa"}) do '
            "if pcall(require, name) then print(name) end end"
        ),
        "print((load('\\27Lua')))",
        "local ok, made = pcall(load, '\\27Lua', 'x', 'b') print(made)",
    ],
)
def test_nothing_of_python_or_the_machine_is_there(script):
    printed, why = run(script)
    assert why == ""
    assert set(printed.split()) <= {"nil"}


def test_functions_are_no_values():
    why = run('require("encoding/json").marshal({require("strings").split})')[1]
    assert 'runtime error: [string "lua"]:1: can\'t read a function as a value' in why


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('local t = {} t.t = t require("encoding/json").marshal(t)', "a table is nested too deeply"),
        ('require("encoding/json").unmarshal(("["):rep(100000))', "the JSON is nested too deeply"),
        ("local function f() f() end f()", "stack overflow"),
        ("print(#table.pack(table.unpack({}, 1, 1e8)))", "too many results to unpack"),
    ],
)
def test_deep_and_wide_values_are_errors(script, said):
    assert said in run(script)[1]


def test_what_a_script_changes_helps_nobody():
    script = """
string.format, table.concat, tostring, error, type, pairs = nil
getmetatable("").__index = function() return 1 end
_G.action = nil
print(("x").anything)
x = nil + 1"""
    printed, why = run(script)
    assert printed == "1\n"
    assert why.startswith(
        'runtime error: [string "lua"]:6: attempt to perform arithmetic on a nil value\nstack traceback:'
    )


@pytest.mark.parametrize(
    "package", ["aws", "azure", "gcloud", "databricks", "formats", "crypto/aes", "lakefs/catalogexport/hive"]
)
def test_packages_that_are_not_offered_fail_the_hook(package):
    why = run(f'require("{package}")')[1]
    assert f"module '{package}' is not offered by the embedded engine of lakefs-repro" in why


def test_requests_are_the_ones_of_the_package():
    asked = []

    def ask(method, target, body):
        asked.append((method, target, body))
        return 200, b"{}"

    script = """
local l = require("lakefs")
l.get_object("../x", "a/b?c", "p q/\\255")
l.list_objects("r", "m", "a", "p", "/", 7)
l.diff_branch("r", "b", "a", 7)
l.create_tag("r", "m", 't"')"""
    assert run(script, ask=ask) == ("", "")
    assert asked == [
        ("GET", "/repositories/..%2Fx/refs/a%2Fb%3Fc/objects?path=p+q%2F%FF", b""),
        ("GET", "/repositories/r/refs/m/objects/ls?after=a&prefix=p&delimiter=%2F&amount=7", b""),
        ("GET", "/repositories/r/branches/b/diff?after=a&amount=7", b""),
        ("POST", "/repositories/r/tags", b'{"id": "t\\"", "ref": "m"}'),
    ]


def test_the_script_has_not_the_engines_environment(monkeypatch):
    monkeypatch.setenv("LAKEFSACTION_SECRET", "secret")
    assert "secret" not in str(scripts._environment())


def test_a_process_that_dies_is_a_refusal(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert run("print(1)") == ("", "the script's process ended before the script did")


def test_scripts_that_cause_scripts_end(embedded_repo_with_tags):
    repo = embedded_repo_with_tags
    assert repo.tag("t").status == 412
    assert repo.call("GET", "/tags").json["results"] == []
    runs = repo.call("GET", "/actions/runs").json["results"]
    assert len([run for run in runs if run["event_type"] == "pre-create-tag"]) == 5


@pytest.fixture
def embedded_repo_with_tags(embedded_engine):
    from conformance.conftest import RepositoryUnderTest

    repo = RepositoryUnderTest(embedded_engine, embedded_engine.new_repository())
    script = """local code, said = require("lakefs").create_tag(action.repository_id, "main", action.tag_id .. "x")
if code ~= 201 then error(said.message) end"""
    assert commit_with(repo, action(script, event="pre-create-tag")).status == 201
    return repo


def test_the_engine_never_loads_lua():
    """Nor what only scripts need: the engine starts quickly, and Lua stays in its own process."""
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import sys, lakefs_repro.embedded.serve, lakefs_repro.embedded.hooks.runner as r\n"
                "r.scripts.offered()\n"
                "print([n for n in sys.modules if n.split('.')[0] in ('lupa', 'pyarrow', 'yaml') or n.endswith('lua.child')])"
            ),
        ],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    assert said.stdout == "[]\n"


def test_without_lupa_the_hook_is_not_passed_over(tmp_path, monkeypatch):
    from lakefs_repro.embedded.hooks.actions import HookSpec
    from lakefs_repro.embedded.hooks.runner import Runner

    monkeypatch.setattr(scripts, "offered", lambda: False)
    task = Runner(None, None, None)._task(HookSpec("one", "lua", "", {"script": "x = 1"}))
    problem, _, status = task(None)
    assert status == 501
    assert "pip install 'lakefs-repro[lua]'" in problem
