import os
import stat
import subprocess
import sys

import pytest

from lakefs_repro.embedded import process as engine_process


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "engine"
    yield root
    engine_process.stop(root)


def test_start_status_stop(root, cli):
    started = cli("server", "start", "--root", str(root), "--json")
    assert started.code == 0, started
    assert started.json["running"] is True
    assert started.json["endpoint"].startswith("http://127.0.0.1:")
    assert cli("server", "start", "--root", str(root), "--json").json["pid"] == started.json["pid"]
    status = cli("server", "status", "--root", str(root))
    assert (status.code, status.out.splitlines()[0]) == (0, "The embedded engine runs.")
    stopped = cli("server", "stop", "--root", str(root))
    assert (stopped.code, stopped.out.splitlines()[0]) == (0, "The embedded engine was stopped.")
    assert "was not running" in cli("server", "stop", "--root", str(root)).out


def test_status_of_what_does_not_run_is_exit_1_and_creates_nothing(root, cli):
    said = cli("server", "status", "--root", str(root), "--json")
    assert (said.code, said.json["running"], said.json["endpoint"]) == (1, False, None)
    assert not root.exists()


def test_credentials_show_only_when_asked_for(root, cli):
    cli("server", "start", "--root", str(root))
    secret = engine_process.status(root).secret_access_key
    for args in (["start"], ["status"], ["status", "--json"]):
        said = cli("server", *args, "--root", str(root))
        assert secret not in said.out + said.err
    assert (
        cli("server", "status", "--root", str(root), "--show-credentials", "--json").json["secret_access_key"] == secret
    )
    for path in root.glob("*credentials*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_shell_can_run_the_exports(root, cli):
    cli("server", "start", "--root", str(root))
    said = cli("server", "status", "--root", str(root), "--show-credentials")
    script = f"{said.out}\n{sys.executable} -c \"import os; print(os.environ['LAKECTL_SERVER_ENDPOINT_URL'])\""
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}
    )
    assert done.stdout.strip() == engine_process.status(root).endpoint


def test_the_engine_of_the_configuration(project):
    said = project.run("server", "status")
    assert said.code == 0
    assert project.repository in said.out


def test_a_real_server_is_not_ours_to_start(tmp_path, monkeypatch, cli):
    (tmp_path / "lakefs-repro.yaml").write_text("engine: lakefs\nrepository: demand\n")
    monkeypatch.chdir(tmp_path)
    said = cli("server", "start", "--json")
    assert (said.code, said.error["kind"]) == (2, "not-embedded")
