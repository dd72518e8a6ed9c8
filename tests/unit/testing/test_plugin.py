"""The pytest plugin, as somebody else's project uses it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = "lakefs_repro.testing.plugin"
OPTIONS = ("-p", PLUGIN, "-p", "no:cacheprovider", "--strict-markers")


@pytest.fixture
def run(pytester):
    """Run somebody's tests in a process of its own, with the plugin."""

    def run(code: str, *options: str):
        pytester.makepyfile(code)
        return pytester.runpytest_subprocess(*OPTIONS, *options)

    return run


def test_each_test_gets_a_fresh_server_and_a_repository_on_it(run):
    run("""
        seen = set()

        def test_one(lakefs_server, lakefs_repository):
            assert lakefs_repository.server is lakefs_server
            seen.add(lakefs_server.endpoint)
            names = [each["id"] for each in lakefs_server.call("GET", "/repositories")["results"]]
            assert names == [lakefs_repository.name]

        def test_other(lakefs_server):
            assert lakefs_server.endpoint not in seen
            assert lakefs_server.call("GET", "/repositories")["results"] == []
    """).assert_outcomes(passed=2)


def test_a_session_may_share_one_server_and_repositories_stay_fresh(run, pytester):
    pytester.makeini("[pytest]\nlakefs_server_scope = session\n")
    run("""
        seen, names = set(), set()

        def test_one(lakefs_server, lakefs_repository):
            seen.add(lakefs_server.pid)
            names.add(lakefs_repository.name)

        def test_other(lakefs_server, lakefs_repository):
            assert seen == {lakefs_server.pid}
            assert lakefs_repository.name not in names
    """).assert_outcomes(passed=2)


def test_an_unknown_scope_is_refused(run, pytester):
    pytester.makeini("[pytest]\nlakefs_server_scope = galaxy\n")
    done = run("def test_nothing(): pass")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*lakefs_server_scope is 'galaxy', and must be one of function,*"])


def test_the_environment_is_set_for_one_test_and_only_where_it_is_asked_for(run, monkeypatch):
    monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", "http://production")
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SESSION_TOKEN", "real")
    monkeypatch.setenv("NO_PROXY", "example.org")
    run("""
        import os

        def test_a_server_alone_changes_nothing(lakefs_server):
            assert os.environ["LAKECTL_SERVER_ENDPOINT_URL"] == "http://production"

        def test_the_environment_names_the_server(lakefs_env, lakefs_repository):
            assert os.environ["LAKECTL_SERVER_ENDPOINT_URL"] == lakefs_env.endpoint == lakefs_repository.server.endpoint
            assert os.environ["LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY"] == lakefs_env.secret_access_key
            assert "LAKECTL_CREDENTIALS_SESSION_TOKEN" not in os.environ
            assert os.environ["NO_PROXY"] == "example.org,127.0.0.1"

        def test_afterwards_it_is_as_before():
            assert os.environ["LAKECTL_SERVER_ENDPOINT_URL"] == "http://production"
            assert os.environ["LAKECTL_CREDENTIALS_SESSION_TOKEN"] == "real"
    """).assert_outcomes(passed=3)


def test_clients_that_remember_a_server_find_the_next_test_s(run, monkeypatch):
    monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", "http://production")
    monkeypatch.setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", "KEY")
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "SECRET")
    run("""
        import pytest

        @pytest.mark.parametrize("turn", range(3))
        def test_fresh(lakefs_env, lakefs_repository, turn):
            import lakefs
            import lakefs_spec

            assert [each.id for each in lakefs.repositories()] == [lakefs_repository.name]
            lakefs.repository(str(lakefs_repository)).branch("main").object("a").upload(b"x")
            files = lakefs_spec.LakeFSFileSystem()
            assert [each["name"] for each in files.ls(f"{lakefs_repository}/main/")] == [f"{lakefs_repository}/main/a"]

        def test_otherwise_they_find_their_own():
            import lakefs
            import lakefs_spec

            assert lakefs.repository("any")._client.config.host == "http://production/api/v1"
            assert lakefs_spec.LakeFSFileSystem().client.config.host == "http://production/api/v1"

        def test_and_keep_it(lakefs_env):
            pass

        def test_still():
            import lakefs

            assert lakefs.repository("any")._client.config.host == "http://production/api/v1"
    """).assert_outcomes(passed=6)


def test_a_marker_gives_one_test_s_server_options(run):
    run("""
        import pytest

        @pytest.mark.lakefs(presign=False, credentials=("KEY", "SECRET"))
        def test_marked(lakefs_server):
            assert lakefs_server.access_key_id == "KEY"
            assert not lakefs_server.call("GET", "/config/storage")["pre_sign_support"]

        def test_plain(lakefs_server):
            assert lakefs_server.access_key_id != "KEY"
    """).assert_outcomes(passed=2)


def test_a_marker_on_a_shared_server_is_refused(run, pytester):
    pytester.makeini("[pytest]\nlakefs_server_scope = module\n")
    done = run("""
        import pytest

        @pytest.mark.lakefs(presign=False)
        def test_marked(lakefs_server):
            pass
    """)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "needs lakefs_server_scope = function, and it is module" in done.stderr.str() + done.stdout.str()


def test_workers_of_xdist_do_not_meet(run):
    run(
        """
        import pytest

        @pytest.mark.parametrize("turn", range(6))
        def test_alone(lakefs_server, turn):
            assert lakefs_server.call("GET", "/repositories")["results"] == []
            lakefs_server.new_repository("same")
    """,
        "-n2",
    ).assert_outcomes(passed=6)


def test_a_failing_test_leaves_no_server(run, pytester):
    done = run("""
        def test_fails(lakefs_server):
            print("PID", lakefs_server.pid, lakefs_server.root)
            raise RuntimeError
    """)
    done.assert_outcomes(failed=1)
    pid, root = re.search(r"PID (\d+) (\S+)", done.stdout.str()).groups()
    assert not Path(f"/proc/{pid}").exists()
    assert not Path(root).exists()


def test_a_project_that_does_not_use_it_pays_nothing():
    code = (
        f"import sys, pytest; before = set(sys.modules); import {PLUGIN}; "
        "print(sorted(m for m in set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(["lakefs_repro", "lakefs_repro.testing", PLUGIN])


def test_pytest_finds_it_by_itself_once_it_is_installed():
    table = (ROOT / "pyproject.toml").read_text().partition("[project.entry-points.pytest11]")[2].partition("\n[")[0]
    assert f'"{PLUGIN}" = "{PLUGIN}"' in table
