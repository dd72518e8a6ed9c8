import pytest


@pytest.fixture
def parts(project):
    project.write({f"data/month={m}/a.csv": f"day\n{m}\n" for m in (1, 2)})
    assert project.run("ingest", "data").code == 0
    project.write({"data/month=2/a.csv": "day\n22\n", "data/month=3/a.csv": "day\n3\n"})
    (project.folder / "data/month=1/a.csv").rename(project.folder / "data/month=1/b.csv")
    assert project.run("ingest", "data").code == 0
    return project


def test_each_file(parts):
    said = parts.run("diff", "flights@1.0.0", "flights")
    assert said.code == 0
    assert said.out.splitlines()[0] == "flights@1.0.0 → flights@1.1.0"
    assert "1 added, 0 removed, 1 changed, 1 renamed" in said.out
    assert said.out.splitlines()[-3:] == [
        "> month=1/a.csv → month=1/b.csv  (6 B)",
        "~ month=2/a.csv  (6 B → 7 B)",
        "+ month=3/a.csv  (6 B)",
    ]


def test_partitions_and_json(parts):
    out = parts.run("diff", "flights@1.0.0", "flights", "--level", "partition").out
    assert "month=3    added" in out
    document = parts.run("diff", "flights@1.0.0", "flights", "--level", "partition", "--json").json
    assert [p["partition"] for p in document["partitions"]] == ["month=1", "month=2", "month=3"]
    assert document["same"] is False
    files = parts.run("diff", "flights@1.0.0", "flights", "--json").json
    assert [c["kind"] for c in files["changes"]] == ["renamed", "changed", "added"]
    assert files["changes"][0]["renamed_from"] == "month=1/a.csv"


def test_the_exit_code_is_asked_for(parts):
    assert parts.run("diff", "flights@1.0.0", "flights", "--exit-code").code == 1
    assert parts.run("diff", "flights@1.0.0", "flights@v1.0.0", "--exit-code").code == 0
    assert parts.run("diff", "flights@1.0.0#month=1", "flights#month=1", "--exit-code").code == 1
    assert parts.run("diff", "flights@1.0.0#month=9", "flights#month=9", "--exit-code").code == 0
    assert "hold the same files" in parts.run("diff", "flights", "flights").out
    assert parts.run("diff", "flights@1.0.0", "flights@9.0.0").code == 3


def test_a_part_by_every_command_that_takes_a_ref(parts, tmp_path):
    ref = "flights@1.0.0#month=2"
    shown = parts.run("show", ref, "--json").json
    later = parts.run("show", "flights#month=2", "--json").json
    assert shown["partition"] == {"month": "2"}
    assert shown["part_digest"] not in (shown["digest"], later["part_digest"])
    verified = parts.run("verify", ref, "--deep", "--json").json
    assert (verified["ok"], verified["files"], verified["bytes"]) == (True, 1, 6)
    assert parts.run("restore", ref, "--to", str(tmp_path / "part")).code == 0
    assert [p.name for p in (tmp_path / "part").rglob("*.csv")] == ["a.csv"]
    history = parts.run("log", "flights#month=2", "--json").json
    assert (history["dataset"], history["partition"]) == ("flights", "month=2")
    assert [e["part_digest"] for e in history["entries"]] == [later["part_digest"], shown["part_digest"]]
    assert [e["version"] for e in parts.run("log", "flights#month=3", "--json").json["entries"]] == ["1.1.0"]


def test_one_file_by_its_uri_or_a_glob(parts, tmp_path):
    uri = f"lakefs://{parts.repository}/flights-v1.0.0/flights/month=2/a.csv"
    assert parts.run("restore", uri, "--to", str(tmp_path / "one")).code == 0
    assert (tmp_path / "one/month=2/a.csv").read_text() == "day\n2\n"
    assert parts.run("verify", uri, "--json").json["files"] == 1
    said = parts.run("restore", "flights@1.0.0#month=2", "--include", "a.csv", "--to", str(tmp_path / "two"))
    assert said.code == 0
    assert [p.relative_to(tmp_path / "two").as_posix() for p in (tmp_path / "two").rglob("*.csv")] == ["month=2/a.csv"]
