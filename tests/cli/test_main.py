import importlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

import lakefs_repro
from lakefs_repro.cli.main import COMMANDS, root

HEAVY = {"pydantic", "rich", "urllib3", "yaml", "pyarrow", "duckdb", "pandas", "lakefs_sdk", "semantic_version"}
ANSI = re.compile(r"\x1b")


def every_command():
    for name in COMMANDS:
        command = root.get_command(click.Context(root), name)
        if isinstance(command, click.Group):
            yield from ((name, sub) for sub in command.commands)
        else:
            yield (name,)


def test_help_lists_the_commands_in_the_order_of_a_first_project(cli):
    said = cli("--help")
    listed = re.findall(r"^  ([a-z]+)  ", said.out, re.MULTILINE)
    assert said.code == 0
    assert listed[:8] == ["init", "ingest", "list", "log", "show", "diff", "verify", "restore"]
    assert listed == list(COMMANDS)


def test_without_a_command_it_shows_the_help(cli):
    assert cli().out == cli("--help").out
    assert cli().code == 0


@pytest.mark.parametrize("path", list(every_command()), ids=" ".join)
def test_every_listed_command_exists_and_explains_itself(cli, path):
    said = cli(*path, "--help")
    assert said.code == 0
    assert f"Usage: lakefs-repro {' '.join(path)}" in said.out
    for option in ("--json", "--quiet", "--debug"):
        assert option in said.out


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_line_in_the_group_is_that_of_the_command(name):
    command = importlib.import_module(f"lakefs_repro.cli.{COMMANDS[name].module}").command
    assert command.get_short_help_str(200) == COMMANDS[name].help
    assert command.name == name


def test_version(cli):
    assert cli("--version").out == f"lakefs-repro {lakefs_repro.__version__}\n"


@pytest.mark.parametrize(
    "args",
    [["--version"], ["--help"], ["ingest", "--help"], ["show", "--help"], ["init", "--help"], ["advise", "--help"]],
)
def test_help_and_version_load_nothing_heavy(args):
    code = (
        "import sys\nfrom lakefs_repro.cli.main import root\n"
        f"try:\n    root.main({args})\nexcept SystemExit:\n    pass\n"
        f"print(sorted({{m.split('.')[0] for m in sys.modules}} & {HEAVY}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_version_is_quick(process, tmp_path):
    def seconds():
        begun = time.monotonic()
        assert process("--version", cwd=tmp_path).code == 0
        return time.monotonic() - begun

    assert min(seconds() for _ in range(5)) < 1.0  # 0.07 s on an idle machine


@pytest.mark.parametrize(
    "args", [["nope"], ["list", "--nope"], ["show"], ["ingest", "x", "--bump", "huge"], ["server"]], ids=" ".join
)
def test_a_wrong_command_line_is_told_in_a_paragraph(cli, args):
    said = cli(*args)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert "hint: lakefs-repro" in said.err
    told = cli(*args, "--json")
    assert told.code == 2
    assert told.error["kind"] == "usage"
    assert set(told.error) == {"kind", "message", "hint"}


def test_without_a_configuration_it_says_so_and_starts_nothing(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for args in (["list"], ["log", "a"], ["show", "a"], ["verify", "a"], ["restore", "a", "--to", "b"],
                 ["ingest", "."], ["doctor"], ["server", "start"], ["server", "status"]):  # fmt: skip
        said = cli(*args)
        assert said.code == 2, args
        assert "lakefs-repro init" in said.err
        assert cli(*args, "--json").error["kind"] == "no-configuration"
    assert list(tmp_path.iterdir()) == []


def test_a_missing_configuration_file_that_was_named_is_a_matter_of_configuration(cli, monkeypatch):
    monkeypatch.setenv("LAKEFS_REPRO_CONFIG", "/nowhere/lakefs-repro.yaml")
    assert cli("list").code == 2


@pytest.mark.parametrize("args", [["--json", "list"], ["list", "--json"]])
def test_manners_hold_before_and_after_the_command(project, args):
    assert project.run(*args).json["versions"] == []


def test_quiet_leaves_results_and_errors(flights):
    said = flights.run("list", "--quiet")
    assert "flights@1.1.0" in said.out
    assert said.err == ""
    assert flights.run("--quiet", "show", "flights@9").err.startswith("error: ")


def test_there_is_no_ansi_off_terminal(flights, process):
    for args in (["list"], ["log", "flights"], ["show", "flights", "--files"], ["verify", "flights"], ["nope"]):
        said = process(*args, cwd=flights.folder, FORCE_COLOR="1", TERM="xterm-256color")
        assert not ANSI.search(said.out + said.err), args


def test_on_a_terminal_tables_have_lines_and_weight(flights, terminal):
    said = terminal("list", cwd=flights.folder)
    assert said.code == 0
    assert ANSI.search(said.out)
    assert "━" in said.out or "─" in said.out


def test_no_color_keeps_escapes_away_on_a_terminal_too(flights, terminal):
    said = terminal("list", "--quiet", cwd=flights.folder, NO_COLOR="1")
    assert "flights@1.1.0" in said.out
    assert not ANSI.search(said.out)


def test_what_others_wrote_can_not_move_the_terminal(project):
    project.ingest("-m", "red \x1b[31m alert\x07", jan="a\n1\n")
    said = project.run("log", "flights")
    assert "\x1b" not in said.out
    assert r"\x1b[31m" in said.out


def test_a_defect_is_a_paragraph_and_with_debug_a_traceback(project, monkeypatch):
    def broken(*_args, **_more):
        raise KeyError("https://store/x?X-Amz-Signature=secret")

    monkeypatch.setattr("lakefs_repro.api.lake.Lake.versions", broken)
    said = project.run("list")
    assert said.code == 70
    assert "defect" in said.err
    assert "--debug" in said.err
    assert "Traceback" not in said.err
    assert "secret" not in said.err
    assert "Traceback" in project.run("list", "--debug").err
    assert project.run("list", "--json").error["kind"] == "internal"


def test_ctrl_c_says_in_what_state_things_are(project, monkeypatch):
    def interrupted(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("lakefs_repro.api.lake.Lake.run_ingest", interrupted)
    project.write({"data/a.csv": "a\n1\n"})
    said = project.run("ingest", "data")
    assert said.code == 130
    assert "Interrupted. main holds the whole new version or none of it" in said.err
    assert "the same command goes on" in said.err
    assert project.run("ingest", "data", "--json").error["kind"] == "interrupted"


def test_a_full_disk_is_no_defect(project, monkeypatch):
    def full(*_args, **_more):
        raise OSError(28, "No space left on device", "/data/x")

    monkeypatch.setattr("lakefs_repro.api.lake.Lake.versions", full)
    said = project.run("list", "--json")
    assert said.code == 74
    assert said.error["kind"] == "local-failure"
    assert said.error["message"].startswith("/data/x: No space left on device")


def test_a_reader_that_goes_away_is_no_error(flights):
    shown = subprocess.Popen(
        [sys.executable, "-m", "lakefs_repro", "show", "flights", "--sha256sum", "--quiet"],
        cwd=flights.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(lakefs_repro.__file__).parents[1])},
    )  # fmt: skip
    shown.stdout.close()
    assert shown.stderr.read() == b""
    shown.stderr.close()
    assert shown.wait(timeout=30) == 141


def test_an_unreachable_server_is_exit_4(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("LAKECTL_SERVER_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", "key"),
        ("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "very-secret"),
        ("LAKEFS_REPRO_REPOSITORY", "demand"),
    ):
        monkeypatch.setenv(name, value)
    said = cli("list", "--json")
    assert (said.code, said.error["kind"]) == (4, "unreachable")
    assert "very-secret" not in said.out + said.err


def test_wrong_credentials_are_exit_4(cli, tmp_path, monkeypatch, engine):
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("LAKECTL_SERVER_ENDPOINT_URL", engine.endpoint),
        ("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", engine.access_key_id),
        ("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "very-secret"),
        ("LAKEFS_REPRO_REPOSITORY", "demand"),
    ):
        monkeypatch.setenv(name, value)
    said = cli("list")
    assert said.code == 4
    assert "very-secret" not in said.out + said.err
    assert "hint:" in said.err


@pytest.mark.parametrize(
    "args",
    [["list"], ["log", "flights"], ["show", "flights"], ["verify", "flights"], ["restore", "flights", "--to", "out"],
     ["restore", "flights@1.0.0", "--branch", "main", "--dry-run"], ["ingest", "data", "--dry-run"],
     ["doctor"], ["server", "status"]],
    ids=" ".join,
)  # fmt: skip
def test_every_result_names_engine_and_repository_in_one_json_document(flights, args):
    said = flights.run(*args, "--json")
    document = json.loads(said.out)
    assert said.code == 0, said
    assert list(document)[:2] == ["engine", "repository"]
    assert (document["engine"], document["repository"]) == ("embedded", flights.repository)
    text = flights.run(*args)
    assert text.code == 0
    assert flights.repository in text.out
    assert "embedded engine" in text.out
