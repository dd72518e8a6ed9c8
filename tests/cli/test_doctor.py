import pytest


def test_all_is_well(flights):
    said = flights.run("doctor")
    assert said.code == 0, said
    assert "0 problems" in said.out
    assert "protection" in said.out


@pytest.fixture
def unpinned(flights):
    flights.server.repository(flights.repository).branches.delete("pin-flights-v1_0_0")
    return flights


def test_a_problem_is_exit_1_and_its_repair_is_offered(unpinned):
    said = unpinned.run("doctor", "--dataset", "flights")
    assert said.code == 1
    assert "PROBLEM" in said.out
    assert "repair offered: make pin-flights-v1_0_0" in said.out
    assert "doctor --repair" in said.err
    document = unpinned.run("doctor", "--json").json
    assert (document["ok"], document["problems"]) == (False, 1)
    assert [f["repair"]["action"] for f in document["findings"] if f["repair"]] == ["create-pin"]


def test_where_nobody_can_agree_nothing_is_repaired(unpinned):
    said = unpinned.run("doctor", "--repair")
    assert said.code == 2
    assert "plan: make pin-flights-v1_0_0" in said.err
    assert "--yes" in said.err
    assert unpinned.run("doctor").code == 1


def test_repair(unpinned):
    said = unpinned.run("doctor", "--repair", "--yes")
    assert said.code == 0, said
    assert "repaired: " in said.out
    assert unpinned.run("doctor", "--repair", "--yes", "--json").json["repairs"] == []
    assert {v["pin"] for v in unpinned.run("list", "--json").json["versions"]} == {"held"}


def test_on_a_terminal_it_asks_first(unpinned, terminal):
    refused = terminal("doctor", "--repair", cwd=unpinned.folder, typed=["n"])
    assert refused.code == 2
    assert unpinned.run("doctor").code == 1
    assert terminal("doctor", "--repair", cwd=unpinned.folder, typed=["y"]).code == 0
    assert unpinned.run("doctor").code == 0


def test_yes_alone_is_a_slip(flights):
    assert flights.run("doctor", "--yes").code == 2


def test_a_server_that_does_not_answer_is_a_finding(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("LAKECTL_SERVER_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", "key"),
        ("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "secret"),
        ("LAKEFS_REPRO_REPOSITORY", "demand"),
    ):
        monkeypatch.setenv(name, value)
    said = cli("doctor", "--json")
    assert said.code == 1
    assert [(f["check"], f["state"]) for f in said.json["findings"]] == [("endpoint", "problem")]


def test_an_unknown_dataset_is_a_problem(flights):
    assert flights.run("doctor", "--dataset", "trains").code == 1
