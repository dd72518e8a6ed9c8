def test_versions_with_what_keeps_them(flights):
    said = flights.run("list")
    lines = said.out.splitlines()
    assert lines[0].split() == ["VERSION", "CREATED", "FILES", "SIZE", "ROWS", "DIGEST", "KEPT"]
    assert lines[1].startswith("flights@1.0.0")
    assert lines[1].endswith("yes")
    assert lines[2].startswith("flights@1.1.0")


def test_json_holds_everything(flights):
    versions = flights.run("list", "flights", "--json").json["versions"]
    assert [(v["version"], v["files"], v["rows"], v["pin"], v["message"]) for v in versions] == [
        ("1.0.0", 1, 2, "held", "January"),
        ("1.1.0", 2, 3, "held", "February"),
    ]


def test_a_lost_pin_and_a_moved_tag_are_said(flights):
    repository = flights.server.repository(flights.repository)
    repository.branches.delete("pin-flights-v1_0_0")
    head = repository.tags.get("flights-v1.0.0").commit
    repository.tags.create("flights-v7.0.0", head)
    out = flights.run("list").out
    assert "no: no pin" in out
    assert "bad-annotation" in out


def test_nothing_yet(project):
    said = project.run("list")
    assert (said.code, said.out.splitlines()[0]) == (0, "There are no versions yet.")
    assert "lakefs-repro ingest" in said.err
    assert project.run("list", "flights").code == 0  # the configuration names it


def test_a_dataset_that_nobody_knows_is_not_found(flights):
    said = flights.run("list", "trains", "--json")
    assert (said.code, said.error["kind"]) == (3, "dataset-not-found")
