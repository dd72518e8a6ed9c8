def test_to_a_folder(flights):
    said = flights.run("restore", "flights@1.0.0", "--to", "out")
    assert said.code == 0, said
    assert "flights@1.0.0 restored to" in said.out
    assert "every SHA-256 verified" in said.out
    assert sorted(p.name for p in (flights.folder / "out").iterdir()) == ["jan.csv"]
    assert "holds flights@1.0.0 already" in flights.run("restore", "flights@1.0.0", "--to", "out").out


def test_json(flights):
    document = flights.run("restore", "flights", "--to", "out", "--include", "f*.csv", "--json").json
    assert (document["action"], document["files"], document["downloaded"]) == ("created", 1, 1)
    assert [p.name for p in (flights.folder / "out").iterdir()] == ["feb.csv"]


def test_a_dry_run_writes_nothing(flights):
    said = flights.run("restore", "flights", "--to", "out", "--dry-run")
    assert said.code == 0
    assert "would be restored" in said.out
    assert "to download" in said.out
    assert not (flights.folder / "out").exists()


def test_another_version_over_it(flights):
    flights.run("restore", "flights@1.1.0", "--to", "out")
    said = flights.run("restore", "flights@1.0.0", "--to", "out")
    assert "in place of" in said.out
    assert [p.name for p in (flights.folder / "out").iterdir()] == ["jan.csv"]


def test_what_it_did_not_write_is_not_overwritten(flights):
    flights.write({"out/thesis.txt": "years"})
    said = flights.run("restore", "flights", "--to", "out", "--json")
    assert (said.code, said.error["kind"]) == (5, "target-not-ours")
    assert (flights.folder / "out" / "thesis.txt").read_text() == "years"


def test_to_main_is_a_new_version(flights):
    planned = flights.run("restore", "flights@1.0.0", "--branch", "main", "--dry-run")
    assert "flights@1.1.1 would be created" in planned.out
    said = flights.run("restore", "flights@1.0.0", "--branch", "main", "-m", "February was wrong")
    assert said.code == 0, said
    assert "flights@1.1.1 created: the content of flights@1.0.0, nothing copied" in said.out
    versions = flights.run("list", "--json").json["versions"]
    assert [v["version"] for v in versions] == ["1.0.0", "1.1.0", "1.1.1"]
    assert versions[0]["digest"] == versions[2]["digest"]
    assert versions[2]["message"] == "February was wrong"
    again = flights.run("restore", "flights@1.0.0", "--branch", "main", "--json")
    assert again.json["outcome"] == "unchanged"


def test_where_to_has_to_be_said_once(flights):
    for args in ([], ["--to", "out", "--branch", "main"]):
        assert flights.run("restore", "flights", *args, "--json").error["kind"] == "where-to"
    for args in (["--to", "out", "-m", "x"], ["--branch", "main", "--include", "*"]):
        said = flights.run("restore", "flights", *args, "--json")
        assert (said.code, said.error["kind"]) == (2, "contradicting-options")
    assert flights.run("restore", "flights", "--branch", "dev", "--json").error["kind"] == "not-the-main-branch"


def test_a_part_can_not_become_the_dataset(project):
    project.write({"data/month=1/a.csv": "x\n1\n", "data/month=2/a.csv": "x\n2\n"})
    project.run("ingest", "data")
    assert project.run("restore", "flights#month=1", "--branch", "main").code == 2
    assert project.run("restore", "flights#month=1", "--to", "out").code == 0


def test_what_is_not_there(flights):
    assert flights.run("restore", "flights@7.0.0", "--to", "out").code == 3
    assert not (flights.folder / "out").exists()
