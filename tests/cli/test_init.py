import subprocess
from pathlib import Path

import pytest

from lakefs_repro.api.config import load_config
from lakefs_repro.embedded import process as engine_process


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "My Flights (2013)"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield folder
    engine_process.stop(folder / ".lakefs-repro" / "engine")


@pytest.fixture
def reachable(engine, monkeypatch):
    """A server that LAKECTL_* names."""
    monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", engine.endpoint)
    monkeypatch.setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", engine.access_key_id)
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", engine.secret_access_key)
    return engine


def rules(engine, repository):
    answer = engine.call("GET", f"/repositories/{repository}/settings/branch_protection")
    return sorted(rule["pattern"] for rule in answer.json)


def test_embedded_asks_nothing_and_makes_everything_ready(folder, cli):
    said = cli("init", "--embedded", "--dataset", "flights", "--json")
    assert said.code == 0, said
    assert said.json["repository"] == "my-flights-2013"
    assert said.json["engine"] == "embedded"
    assert said.json["created"] is True
    assert sorted(said.json["protected"]) == ["main", "pin-*", "repro-ledger"]
    config = load_config(folder / "lakefs-repro.yaml")
    assert (config.project.engine, list(config.project.datasets)) == ("embedded", ["flights"])
    (folder / "a.csv").write_text("a\n1\n")
    assert cli("ingest", "a.csv").code == 0


def test_the_same_again_changes_nothing(folder, cli):
    cli("init", "--embedded")
    before = (folder / "lakefs-repro.yaml").read_text()
    said = cli("init", "--embedded")
    assert said.code == 0
    assert "is as it was" in said.out
    assert (folder / "lakefs-repro.yaml").read_text() == before


def test_a_configuration_that_says_something_else_is_kept(folder, cli):
    cli("init", "--embedded")
    said = cli("init", "--embedded", "--repository", "other", "--json")
    assert said.code == 5
    assert said.error["kind"] == "configuration-exists"
    assert "other" not in (folder / "lakefs-repro.yaml").read_text()
    assert cli("init", "--embedded", "--dataset", "new").code == 5
    assert cli("init", "--embedded", "--repository", "other", "--force").code == 0
    assert "repository: other" in (folder / "lakefs-repro.yaml").read_text()


def test_settings_of_people_survive_a_second_init(folder, cli):
    cli("init", "--embedded", "--dataset", "flights")
    file = folder / "lakefs-repro.yaml"
    file.write_text(file.read_text().replace("flights: {}", "flights:\n    exclude: ['*.tmp']  # ours"))
    assert cli("init", "--embedded").code == 0
    assert "# ours" in file.read_text()


def test_local_state_is_kept_out_of_git(folder, cli):
    subprocess.run(["git", "init", "-q", "."], check=True)
    cli("init", "--embedded")
    assert (folder / ".gitignore").read_text() == ".lakefs-repro/\n"
    cli("init", "--embedded")
    assert (folder / ".gitignore").read_text() == ".lakefs-repro/\n"


def test_a_gitignore_without_a_last_newline_is_not_spoiled(folder, cli):
    (folder / ".gitignore").write_text("*.pyc")
    cli("init", "--embedded")
    assert (folder / ".gitignore").read_text() == "*.pyc\n.lakefs-repro/\n"


def test_without_git_no_gitignore_appears(folder, cli):
    cli("init", "--embedded")
    assert not (folder / ".gitignore").exists()


def test_without_a_server_and_without_anybody_to_ask_it_says_what_to_type(folder, cli):
    said = cli("init")
    assert said.code == 2
    assert "--embedded" in said.err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "args", [["--repository", "No_Good"], ["--dataset", "No Good"], ["--endpoint", "http://x"]], ids=" ".join
)
def test_wrong_names_leave_nothing_behind(folder, cli, args):
    assert cli("init", "--embedded", *args).code == 2
    assert list(folder.iterdir()) == []


def test_a_new_repository_on_a_server(folder, cli, reachable):
    name = f"cli-{abs(hash(str(folder)))}"
    said = cli("init", "--repository", name, "--namespace", f"{reachable.namespace_prefix}{name}", "--json")
    assert said.code == 0, said
    assert (said.json["engine"], said.json["created"]) == ("lakefs", True)
    assert rules(reachable, name) == ["main", "pin-*", "repro-ledger"]
    branches = reachable.call("GET", f"/repositories/{name}/branches", fields={"show_hidden": "true"}).json["results"]
    assert {branch["id"] for branch in branches} == {"main", "repro-ledger"}
    text = (folder / "lakefs-repro.yaml").read_text()
    assert reachable.secret_access_key not in text
    assert reachable.endpoint not in text  # it came from the environment, which may differ elsewhere


def test_a_repository_that_is_there_is_used_as_it_is(folder, cli, reachable):
    name = reachable.new_repository()
    said = cli("init", "--repository", name, "--endpoint", reachable.endpoint, "--json")
    assert (said.code, said.json["created"]) == (0, False)
    assert rules(reachable, name) == ["pin-*", "repro-ledger"]
    assert load_config(folder / "lakefs-repro.yaml").project.endpoint == reachable.endpoint
    assert cli("list").code == 0


def test_others_protection_stays(folder, cli, reachable):
    name = reachable.new_repository()
    path = f"/repositories/{name}/settings/branch_protection"
    assert reachable.call("PUT", path, json=[{"pattern": "release-*"}]).status == 204
    assert cli("init", "--repository", name).code == 0
    assert rules(reachable, name) == ["pin-*", "release-*", "repro-ledger"]


def test_no_create_refuses_what_is_not_there(folder, cli, reachable):
    said = cli("init", "--repository", "nowhere-to-be-found", "--no-create", "--json")
    assert (said.code, said.error["kind"]) == (3, "repository-not-found")
    assert list(folder.iterdir()) == []


def test_a_namespace_in_use_is_a_conflict(folder, cli, reachable):
    name = reachable.new_repository()
    taken = reachable.call("GET", f"/repositories/{name}").json["storage_namespace"]
    said = cli("init", "--repository", f"{name}-2", "--namespace", taken, "--json")
    assert (said.code, said.error["kind"]) == (5, "namespace-in-use")


def test_a_server_without_credentials_is_a_matter_of_configuration(folder, cli):
    said = cli("init", "--endpoint", "http://127.0.0.1:1", "--json")
    assert (said.code, said.error["kind"]) == (2, "no-configuration")


def test_on_a_terminal_it_asks(folder, terminal):
    said = terminal("init", cwd=folder, typed=["embedded", "demand", "flights, weather"])
    assert said.code == 0, said.out
    project = load_config(folder / "lakefs-repro.yaml").project
    assert (project.engine, project.repository) == ("embedded", "demand")
    assert list(project.datasets) == ["flights", "weather"]


def test_on_a_terminal_it_asks_before_it_creates_on_a_server(folder, terminal, reachable):
    login = {
        "LAKECTL_SERVER_ENDPOINT_URL": reachable.endpoint,
        "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": reachable.access_key_id,
        "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": reachable.secret_access_key,
    }
    name = f"cli-{abs(hash(str(folder) + 'asked'))}"
    refused = terminal("init", cwd=folder, typed=["lakefs", "", name, "", "n"], **login)
    assert refused.code == 3, refused.out
    assert list(folder.iterdir()) == []
    namespace = f"{reachable.namespace_prefix}{name}"
    said = terminal("init", cwd=folder, typed=["lakefs", "", name, "flights", "y", namespace], **login)
    assert said.code == 0, said.out
    assert "secret" not in said.out.lower()
    assert load_config(folder / "lakefs-repro.yaml").project.repository == name


def test_ctrl_d_at_a_question_leaves_nothing(folder, terminal):
    said = terminal("init", cwd=folder, typed=["\x04"])
    assert said.code == 130
    assert list(folder.iterdir()) == []


def test_a_repository_with_another_default_branch(folder, cli, reachable):
    name = f"cli-{abs(hash(str(folder) + 'trunk'))}"
    body = {"name": name, "storage_namespace": f"{reachable.namespace_prefix}{name}", "default_branch": "trunk"}
    assert reachable.call("POST", "/repositories", json=body).status == 201
    assert cli("init", "--repository", name, "--dataset", "flights").code == 0
    assert load_config(folder / "lakefs-repro.yaml").project.branch == "trunk"
    Path("a.csv").write_text("a\n1\n")
    assert cli("ingest", "a.csv").code == 0
