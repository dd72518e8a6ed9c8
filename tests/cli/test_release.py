import pytest

import lakefs_repro
from lakefs_repro.errors import AlreadyExistsError, InvalidError


@pytest.fixture
def two(flights):
    flights.write({"planes/p.csv": "tailnum\nN1\n"})
    assert flights.run("ingest", "planes", "--dataset", "planes").code == 0
    return flights


def release(project, *more):
    return project.run("release", "2024-q3", "--use", "flights@1.0.0", "--use", "planes", *more)


def test_made_shown_listed_verified_and_restored(two, tmp_path):
    made = release(two, "-m", "for the model")
    assert made.code == 0, made
    assert made.out.startswith("release:2024-q3 created")
    shown = two.run("show", "release:2024-q3")
    for part in ("flights@1.0.0", "planes@1.0.0", "for the model", "kept by its pin"):
        assert part in shown.out
    assert "release:2024-q3" in two.run("list").out
    assert two.run("list", "flights", "--json").json["releases"][0]["datasets"] == ["flights@1.0.0", "planes@1.0.0"]
    verified = two.run("verify", "release:2024-q3", "--deep")
    assert (verified.code, verified.out.splitlines()[0]) == (0, "release:2024-q3: verified")
    assert two.run("restore", "release:2024-q3", "--to", str(tmp_path / "train")).code == 0
    assert sorted(p.relative_to(tmp_path / "train").as_posix() for p in (tmp_path / "train").rglob("*.csv")) == [
        "flights/jan.csv", "planes/p.csv",
    ]  # fmt: skip
    sums = two.run("show", "release:2024-q3", "--sha256sum").out
    assert [line.split("  ")[1] for line in sums.splitlines()] == ["flights/jan.csv", "planes/p.csv"]
    assert "planes/p.csv" in two.run("show", "release:2024-q3", "--files").out


def test_one_dataset_of_it(two):
    release(two)
    document = two.run("show", "release:2024-q3/flights", "--json").json
    assert (document["dataset"], document["version"]) == ("flights", "1.0.0")
    assert two.run("verify", "release:2024-q3", "--dataset", "planes", "--json").json["dataset"] == "planes"
    assert two.run("diff", "release:2024-q3/flights", "flights", "--exit-code").code == 1
    assert two.run("restore", "release:2024-q3/flights", "--branch", "main").code == 0
    assert two.run("diff", "release:2024-q3/flights", "flights", "--exit-code").code == 0


def test_the_same_again_and_other_content(two):
    assert "would be created" in release(two, "--dry-run").out
    assert release(two, "--json").json["outcome"] == "created"
    assert "nothing was done" in release(two).out
    said = two.run("release", "2024-q3", "--use", "flights@1.1.0", "--json")
    assert (said.code, said.error["kind"]) == (5, "release-exists")


def test_what_loses_its_pin_is_said_and_repaired(two):
    release(two)
    two.server.repository(two.repository).branches.delete("pin-release-2024-q3")
    said = two.run("verify", "release:2024-q3")
    assert (said.code, "NOT kept" in said.out) == (1, True)
    assert two.run("doctor", "--repair", "--yes").code == 0
    assert two.run("verify", "release:2024-q3").code == 0


def test_misuse(two):
    assert two.run("release", "2024-q3").code == 2
    assert two.run("release", "v1.0.0", "--use", "flights", "--json").error["kind"] == "invalid-name"
    assert two.run("show", "release:nope", "--json").error["kind"] == "release-not-found"
    assert two.run("restore", "release:nope", "--to", "x").code == 3


def test_from_python(two, tmp_path):
    lake = lakefs_repro.connect()
    made = lake.release("q3", ["flights@1.0.0", "planes"])
    assert made.outcome == "created"
    read = lake.read_release("q3")
    assert {name: snapshot.version for name, snapshot in read.items()} == {"flights": "1.0.0", "planes": "1.0.0"}
    assert read["planes"].to_pandas()["tailnum"].tolist() == ["N1"]
    assert lake.verify_release("q3", deep=True).ok
    assert lake.restore("release:q3", tmp_path / "out").files == 2
    assert lake.restore("release:q3", tmp_path / "one", dataset="planes").files == 1
    assert [info.name for info in lake.releases("planes")] == ["q3"]
    with pytest.raises(AlreadyExistsError):
        lake.release("q3", ["flights"])
    found = lake.diff("release:q3/flights", "flights")
    assert [change.path for change in found.files()] == ["feb.csv"]


def test_partitions_from_python(project):
    lake = lakefs_repro.connect()
    for year in (1999, 2000):
        with lake.ingest("planes", partition=f"made={year}") as ingest:
            ingest.add_bytes(f"tailnum\nN{year}\n".encode(), "p.csv")
        assert ingest.result.partition == f"made={year}"
    assert sorted(entry.path for entry in lake.snapshot("planes").files) == ["made=1999/p.csv", "made=2000/p.csv"]
    assert lake.snapshot("planes#made=1999").to_pandas()["tailnum"].tolist() == ["N1999"]
    assert [entry.version for entry in lake.log("planes#made=1999")] == ["1.0.0"]
    with pytest.raises(InvalidError):
        lake.ingest("planes", table="history")
