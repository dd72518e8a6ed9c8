import hashlib

from lakefs_repro.embedded.locate import locate


def test_all_is_there(flights):
    said = flights.run("verify", "flights@1.0.0")
    assert said.code == 0
    assert said.out.startswith("flights@1.0.0: verified\n")
    assert "every object read at its last byte" in said.out
    assert "kept by its pin" in said.out


def test_deep_reads_everything(flights):
    document = flights.run("verify", "flights", "--deep", "--json").json
    assert (document["ok"], document["deep"], document["read_bytes"]) == (True, True, document["bytes"])


def test_a_change_past_the_gate_is_named_and_is_exit_1(flights):
    repository = flights.server.repository(flights.repository)
    repository.branches.create("odd", "main")
    repository.objects.put("odd", "flights/extra.csv", b"x")
    repository.commits.create("odd", "around the gate")
    repository.commits.merge("odd", "main", "around the gate")
    said = flights.run("verify", "main")
    assert said.code in (1, 5)
    told = flights.run("verify", "main", "--json")
    assert "extra.csv" in said.out + said.err
    assert told.code == said.code


def test_damage_is_named_and_is_exit_1(fresh_engine, flights_on, cli):
    flights_on(fresh_engine)
    place = locate(fresh_engine.root, hashlib.sha256(b"day,carrier\n1,UA\n2,AA\n").hexdigest())
    with place.file.open("r+b") as file:
        file.seek(place.start)
        file.write(b"DAY")
    said = cli("verify", "flights", "--deep")
    assert said.code == 1, said
    assert "jan.csv" in said.out
    assert "hint: lakefs-repro doctor" in said.err
    document = cli("verify", "flights", "--deep", "--json").json
    assert document["ok"] is False
    assert document["problems"][0]["path"].endswith("jan.csv")


def test_a_version_without_a_pin_is_said_to_be_in_danger(flights):
    flights.server.repository(flights.repository).branches.delete("pin-flights-v1_0_0")
    said = flights.run("verify", "flights@1.0.0")
    assert said.code == 1
    assert "verified" in said.out
    assert "NOT kept" in said.out
    assert "doctor --repair" in said.err


def test_what_is_not_there(flights):
    assert flights.run("verify", "flights@9.0.0").code == 3
