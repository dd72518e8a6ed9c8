"""``python -m lakefs_repro.embedded`` at a terminal and in scripts."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from lakefs_repro.embedded.__main__ import main

COMMAND = [sys.executable, "-m", "lakefs_repro.embedded"]


@contextmanager
def started(*options: str, **settings):
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True, **settings) as server:
        try:
            yield server
        finally:
            server.terminate()  # killed, it would leave its folder behind


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_quietly(tmp_path, number):
    root = tmp_path / "root"
    with started("--root", str(root), stderr=subprocess.PIPE) as server:
        assert server.stdout.readline().startswith("lakeFS-compatible engine on http://127.0.0.1:")
        assert server.stdout.readline() == f"keys: {root / 'credentials.json'}\n"
        server.send_signal(number)
        assert server.wait(timeout=20) == 0
        assert server.stderr.read() == ""
    assert not (root / "server.json").exists()
    assert (root / "metadata.sqlite").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_ephemeral_folder_goes_with_it(number):
    with started("--ephemeral", "--json") as server:
        said = json.loads(server.stdout.readline())
        root = Path(said["root"])
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
        server.send_signal(number)
        assert server.wait(timeout=20) == 0
    assert not root.exists()


def test_it_ends_with_its_standard_input():
    with started("--ephemeral", "--json", "--exit-with-stdin", stdin=subprocess.PIPE) as server:
        root = Path(json.loads(server.stdout.readline())["root"])
        server.stdin.close()
        assert server.wait(timeout=20) == 0
    assert not root.exists()


def test_json_is_all_that_a_script_needs():
    with started("--ephemeral", "--json") as server:
        said = json.loads(server.stdout.readline())
        assert sorted(said) == ["access_key_id", "endpoint", "pid", "root", "secret_access_key"]
        headers = urllib3.make_headers(basic_auth=f"{said['access_key_id']}:{said['secret_access_key']}")
        answer = urllib3.PoolManager().request("GET", f"{said['endpoint']}/api/v1/user", headers=headers)
        assert (answer.status, said["pid"]) == (200, server.pid)


def test_a_new_folder_takes_keys_from_lakefs_own_variables_and_an_old_one_keeps_its_keys(tmp_path):
    root = str(tmp_path / "root")
    for key in ("FIRST", "SECOND"):
        installation = {"LAKEFS_INSTALLATION_ACCESS_KEY_ID": key, "LAKEFS_INSTALLATION_SECRET_ACCESS_KEY": "secret"}
        with started("--root", root, "--json", env={**os.environ, **installation}) as server:
            said = json.loads(server.stdout.readline())
            assert (said["access_key_id"], said["secret_access_key"]) == ("FIRST", "secret")


def test_half_of_the_keys_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAKEFS_INSTALLATION_ACCESS_KEY_ID", "KEY")
    assert main(["--root", str(tmp_path / "root")]) == 2
    assert "go together" in capsys.readouterr().err
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(
    "options",
    [[], ["--root", "x", "--ephemeral"], ["--ephemeral", "--port", "65536"], ["--ephemeral", "--port", "x"]],
)
def test_bad_options_are_refused(options, capsys):
    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_a_taken_port_is_said(capfd):
    with started("--ephemeral", "--json") as server:
        port = json.loads(server.stdout.readline())["endpoint"].rpartition(":")[2]
        second = subprocess.run([*COMMAND, "--ephemeral", "--port", port], capture_output=True, text=True, timeout=30)
    assert second.returncode == 2
    assert second.stderr == f"can't listen on 127.0.0.1:{port}: Address already in use.\n"
