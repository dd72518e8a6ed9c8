"""``doctor --engine``: the folder of the embedded engine, from the command line."""

from __future__ import annotations

import pytest

from lakefs_repro.embedded import process
from lakefs_repro.embedded.locate import locate


@pytest.fixture
def flights(fresh_engine, flights_on):
    """Two versions, the second without a file of the first, on an engine of this test's own."""
    return flights_on(fresh_engine)


def test_a_sound_folder_is_said_to_be_sound_while_its_engine_runs(flights, fresh_engine, cli):
    said = cli("doctor", "--engine", "--deep", "--root", str(fresh_engine.root))
    assert said.code == 0, said
    assert "The embedded engine's folder: sound" in said.out
    assert "every block read and hashed" in said.out
    document = cli("doctor", "--engine", "--json", "--root", str(fresh_engine.root)).json
    assert (document["ok"], document["deep"], document["troubles"]) == (True, False, [])
    assert document["blocks"] > 5


def test_damage_is_exit_1_and_nothing_is_removed_then(flights, fresh_engine, cli):
    import hashlib

    place = locate(fresh_engine.root, hashlib.sha256(b"day,carrier\n1,UA\n2,AA\n").hexdigest())
    with place.file.open("r+b") as file:
        file.seek(place.start)
        file.write(b"DAY")
    assert cli("doctor", "--engine", "--root", str(fresh_engine.root)).code == 0
    said = cli("doctor", "--engine", "--deep", "--repair", "--yes", "--root", str(fresh_engine.root))
    assert said.code == 1
    assert "holds other bytes than it was given" in said.out
    assert "verify --deep" in said.err


def test_waste_goes_once_the_engine_is_stopped_and_it_is_agreed_to(fresh_engine, flights, cli):
    repository = fresh_engine.new_repository()
    for body in (b"first", b"second"):
        fields = {"path": "x"}
        headers = {"Content-Type": "application/octet-stream"}
        path = f"/repositories/{repository}/branches/main/objects"
        assert fresh_engine.call("POST", path, fields=fields, body=body, headers=headers).status == 201
    root = str(fresh_engine.root)
    said = cli("doctor", "--engine", "--root", root)
    assert (said.code, "doctor --engine --repair" in said.err) == (0, True)
    refused = cli("doctor", "--engine", "--repair", "--json", "--root", root)
    assert (refused.code, refused.error["kind"]) == (2, "not-agreed")
    running = cli("doctor", "--engine", "--repair", "--yes", "--json", "--root", root)
    assert (running.code, running.error["kind"]) == (5, "engine-root-in-use")
    process.stop(fresh_engine.root)
    done = cli("doctor", "--engine", "--repair", "--yes", "--json", "--root", root)
    assert done.code == 0, done
    assert done.json["tidied"]["blocks"] >= 1
    assert done.json["waste"]["blocks"] == 0
    again = cli("doctor", "--engine", "--deep", "--repair", "--yes", "--root", root)
    assert (again.code, "unused" in again.out) == (0, True)


def test_what_clients_claim_is_told_and_does_not_stand_in_the_way(fresh_engine, cli):
    branch = f"/repositories/{fresh_engine.new_repository()}/branches/main"

    def link(path, address):
        body = {"staging": {"physical_address": address}, "checksum": "abc", "size_bytes": 5}
        linked = fresh_engine.call("PUT", f"{branch}/staging/backing", fields={"path": path}, json=body)
        assert linked.status == 200, linked

    issued = fresh_engine.call("GET", f"{branch}/staging/backing", fields={"path": "unwritten"}).json
    link("unwritten", issued["physical_address"])
    headers = {"Content-Type": "application/octet-stream"}
    stored = [
        fresh_engine.call("POST", f"{branch}/objects", fields={"path": "b"}, body=body, headers=headers).json
        for body in (b"staged over", b"ten bytes.")
    ]
    link("wrong size", f"local://elsewhere/{stored[-1]['physical_address'].rpartition('/')[2]}")
    assert fresh_engine.call("POST", f"{branch}/commits", json={"message": "all"}).status == 201
    unknown = fresh_engine.call("POST", f"{branch}/commits", fields={"source_metarange": "ab"}, json={"message": "x"})
    assert unknown.status == 201
    process.stop(fresh_engine.root)
    options = ("doctor", "--engine", "--repair", "--yes", "--root", str(fresh_engine.root))
    done = cli(*options, "--json")
    assert (done.code, done.json["ok"], done.json["problems"], done.json["warnings"]) == (0, True, 0, 3), done
    assert {remark["check"] for remark in done.json["remarks"]} == {"trees", "blocks", "linked"}
    assert done.json["tidied"]["blocks"] == 1
    said = cli(*options)
    assert (said.code, "folder: sound" in said.out, "never there" in said.out) == (0, True, True), said


def test_options_that_do_not_go_together(cli, fresh_engine):
    for options in (["--deep"], ["--root", "x"], ["--engine", "--dataset", "d"], ["--engine", "--yes"]):
        assert cli("doctor", *options).code == 2, options


def test_a_folder_without_an_engine(cli, tmp_path):
    said = cli("doctor", "--engine", "--json", "--root", str(tmp_path / "none"))
    assert (said.code, said.error["kind"]) == (3, "engine-folder-not-found")
