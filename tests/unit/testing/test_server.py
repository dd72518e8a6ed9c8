"""A server for a test: quickly there, alone, and gone with whoever wanted it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from lakefs_repro.errors import InvalidError, UnavailableError
from lakefs_repro.testing import RunningLakefs, ServedRequest, running_lakefs

HOLDER = """
import sys, time
from lakefs_repro.testing import running_lakefs
with running_lakefs() as server:
    server.new_repository("held")
    print(server.pid, server.root, flush=True)
    time.sleep(60)
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def await_true(question, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not question() and time.monotonic() < deadline:
        time.sleep(0.02)
    return question()


def test_it_is_there_at_once_and_leaves_nothing():
    taken = []
    for _ in range(3):
        began = time.monotonic()
        with running_lakefs() as server:
            taken.append(time.monotonic() - began)
            assert server.call("GET", "/repositories")["results"] == []
            assert server.root.is_dir()
        assert not is_alive(server.pid)
        assert not server.root.exists()
    assert min(taken) < 0.5  # 0.16 s on two quiet cores; the best of three, for a machine with other things to do


def test_servers_share_nothing():
    with running_lakefs() as one, running_lakefs() as other:
        assert one.endpoint != other.endpoint
        assert one.secret_access_key != other.secret_access_key
        one.new_repository("same")
        assert other.call("GET", "/repositories")["results"] == []
        other.new_repository("same")


def test_the_secret_is_not_shown():
    with running_lakefs() as server:
        assert server.secret_access_key not in repr(server)


def test_it_stops_when_the_process_that_wanted_it_is_killed():
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True) as holder:
        pid, root = holder.stdout.readline().split()
        assert is_alive(int(pid))
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert await_true(lambda: not Path(root).exists())
    assert await_true(lambda: not is_alive(int(pid)))


def test_an_interrupt_of_the_tests_leaves_it_running_until_they_are_done():
    with running_lakefs() as server:
        assert os.getsid(server.pid) == server.pid


def test_repositories_have_names_addresses_and_branches():
    with running_lakefs() as server:
        random, named = server.new_repository(), server.new_repository("named", default_branch="trunk")
        assert str(named) == "named"
        assert named.uri("a/b.csv") == "lakefs://named/trunk/a/b.csv"
        assert random.uri(ref="v1") == f"lakefs://{random.name}/v1/"
        branches = server.call("GET", "/repositories/named/branches")["results"]
        assert [branch["id"] for branch in branches] == ["trunk"]
        with pytest.raises(urllib.error.HTTPError, match="409"):
            server.new_repository("named")


def test_any_lakefs_will_do_by_its_address(engine):
    server = RunningLakefs(
        engine.endpoint, engine.access_key_id, engine.secret_access_key, namespace_prefix=engine.namespace_prefix
    )
    repository = server.new_repository()
    assert server.call("GET", f"/repositories/{repository}")["storage_namespace"].endswith(repository.name)
    with pytest.raises(InvalidError, match="not started by this process"):
        server.requests()


def test_what_it_was_asked_can_be_read():
    with running_lakefs() as server:
        server.new_repository("asked")
        server.call("POST", "/repositories/asked/tags", {"id": "v1", "ref": "main"})
        asked = server.requests()
    assert [each[:3] for each in asked] == [
        ("POST", "/api/v1/repositories", 201),
        ("POST", "/api/v1/repositories/asked/tags", 201),
    ]
    assert isinstance(asked[0], ServedRequest)


def test_options_reach_it(tmp_path):
    with running_lakefs(presign=False, credentials=("KEY", "SECRET"), allow_import=[tmp_path]) as server:
        assert (server.access_key_id, server.secret_access_key) == ("KEY", "SECRET")
        storage = server.call("GET", "/config/storage")
        assert (storage["pre_sign_support"], storage["import_support"]) == (False, True)
    with running_lakefs(environment={"LAKEFSACTION_SECRET": "told"}) as server:
        storage = server.call("GET", "/config/storage")
        assert (storage["pre_sign_support"], storage["import_support"]) == (True, False)
        assert b"LAKEFSACTION_SECRET=told" in Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
    assert "LAKEFSACTION_SECRET" not in os.environ


def test_keys_of_another_installation_do_not_get_in(monkeypatch):
    monkeypatch.setenv("LAKEFS_INSTALLATION_ACCESS_KEY_ID", "OTHER")
    monkeypatch.setenv("LAKEFS_INSTALLATION_SECRET_ACCESS_KEY", "SECRET")
    with running_lakefs() as server:
        assert server.access_key_id != "OTHER"


def test_half_of_the_keys_is_refused():
    with pytest.raises(InvalidError), running_lakefs(credentials=("KEY", "")):
        pass


def test_a_server_that_can_not_start_says_why():
    with running_lakefs() as server:
        port = int(server.endpoint.rpartition(":")[2])
        with pytest.raises(UnavailableError, match=rf"can't listen on 127.0.0.1:{port}"), running_lakefs(port=port):
            pass


def test_modules_in_the_callers_folder_do_not_shadow(tmp_path, monkeypatch):
    (tmp_path / "uvicorn.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.chdir(tmp_path)
    with running_lakefs() as server:
        assert server.call("GET", "/healthcheck") is None


def test_the_python_clients_take_its_login():
    import lakefs_sdk
    from lakefs_sdk.client import LakeFSClient

    with running_lakefs() as server:
        repository = server.new_repository()
        client = LakeFSClient(lakefs_sdk.Configuration(**server.login))
        assert client.repositories_api.get_repository(repository.name).id == repository.name


def test_the_answers_are_json_and_the_standard_library_reads_them():
    with running_lakefs() as server:
        with pytest.raises(urllib.error.HTTPError) as caught:
            server.call("GET", "/repositories/none")
        assert json.load(caught.value) == {"message": "repository not found"}


@pytest.mark.parametrize("wait", [0.0, 0.05, 0.1, 0.15])
def test_an_interruption_of_the_start_leaves_no_folder(tmp_path, monkeypatch, wait):
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def interrupted(*_):
        time.sleep(wait)
        raise KeyboardInterrupt

    monkeypatch.setattr("lakefs_repro.testing.server._await_start", interrupted)
    with pytest.raises(KeyboardInterrupt), running_lakefs():
        pass
    assert list(tmp_path.glob("lakefs-ephemeral-*")) == []
