from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lakefs_repro.embedded import process
from lakefs_repro.embedded.__main__ import main
from lakefs_repro.errors import UnavailableError


@pytest.fixture
def root(tmp_path):
    yield tmp_path / "root"
    process.stop(tmp_path / "root")


def test_start_is_idempotent_and_stop_too(root):
    assert process.status(root) is None
    first = process.start(root)
    assert process.start(root) == first == process.status(root)
    assert process.stop(root) is True
    left = {path.name for path in root.iterdir()}
    assert not left & {"server.json", "metadata.sqlite-wal"}
    assert process.stop(root) is False
    assert process.status(root) is None


def test_credentials_stay_and_the_secret_is_not_shown(root):
    first = process.start(root)
    process.stop(root)
    second = process.start(root)
    assert (first.access_key_id, first.secret_access_key) == (second.access_key_id, second.secret_access_key)
    assert (len(first.access_key_id), len(first.secret_access_key)) == (20, 40)
    assert first.secret_access_key not in repr(first)


def test_many_starters_start_one_server(root):
    root.mkdir()
    with ThreadPoolExecutor(6) as pool:
        infos = list(pool.map(lambda _: process.start(root), range(6)))
    assert len({info.pid for info in infos}) == 1


def test_killed_server_s_state_is_recognised_as_stale(root):
    first = process.start(root)
    os.kill(first.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while process.status(root) is not None:
        assert time.monotonic() < deadline
    assert (root / "server.json").exists()
    second = process.start(root)
    assert second.pid != first.pid


def test_everything_private_is_readable_by_its_owner_alone(root):
    process.start(root)
    for name in ("credentials.json", "server.json", "access.log", "lock"):
        assert stat.S_IMODE((root / name).stat().st_mode) == 0o600, name
    for name in ("", "blocks", "packs", "incoming", "tmp"):
        assert stat.S_IMODE((root / name).stat().st_mode) == 0o700, name


def test_it_listens_on_loopback_alone(root):
    info = process.start(root)
    port = int(info.endpoint.rpartition(":")[2])
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.2", port))


def test_other_addresses_need_a_flag(root, capsys):
    assert main(["--root", str(root), "--host", "0.0.0.0"]) == 2
    assert "--allow-remote" in capsys.readouterr().err


def test_second_server_on_the_same_folder_is_refused(root):
    process.start(root)
    command = [sys.executable, "-m", "lakefs_repro.embedded", "--root", str(root)]
    environment = {**os.environ, "PYTHONPATH": process._module_path()}
    second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)
    assert second.returncode == 2
    assert "another embedded engine is already running" in second.stderr
    assert "Traceback" not in second.stderr


def test_newer_format_is_refused_and_said(root):
    import sqlite3

    process.start(root)
    process.stop(root)
    connection = sqlite3.connect(root / "metadata.sqlite")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(UnavailableError) as caught:
        process.start(root)
    log = (root / "server.log").read_text()
    assert "on-disk format 999" in log
    assert "did not start" in caught.value.message


def test_modules_in_the_callers_folder_do_not_shadow(root, tmp_path, monkeypatch):
    (tmp_path / "uvicorn.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    assert process.start(root).pid


def test_state_says_where_and_who(root):
    info = process.start(root)
    state = json.loads((root / "server.json").read_text())
    assert (state["endpoint"], state["pid"]) == (info.endpoint, info.pid)
    assert info.endpoint.startswith("http://127.0.0.1:")
