def test_newest_first_with_what_changed(flights):
    out = flights.run("log", "flights").out
    assert out.index("flights@1.1.0") < out.index("flights@1.0.0")
    for part in ("January", "February", "1 added, 0 changed, 0 removed"):
        assert part in out


def test_json(flights):
    document = flights.run("log", "flights", "--json").json
    assert document["dataset"] == "flights"
    assert [(e["version"], e["added"], e["released"]) for e in document["entries"]] == [
        ("1.1.0", 1, True),
        ("1.0.0", 1, True),
    ]


def test_rollbacks_are_told(flights):
    assert flights.run("restore", "flights@1.0.0", "--branch", "main").code == 0
    assert "flights@1.1.1, content of 1.0.0 again" in flights.run("log", "flights").out


def test_the_newest_only(flights):
    assert [e["version"] for e in flights.run("log", "flights", "-n", "1", "--json").json["entries"]] == ["1.1.0"]
    assert flights.run("log", "flights", "-n", "0").code == 2


def test_an_unknown_dataset_leaves_stdout_empty(flights):
    said = flights.run("log", "trains")
    assert (said.code, said.out) == (3, "")
    assert flights.run("log", "trains", "--json").error["kind"] == "dataset-not-found"
