import hashlib
import subprocess


def test_what_a_snapshot_is(flights):
    said = flights.run("show", "flights")
    assert said.code == 0
    for part in ("flights@1.1.0", "2 files", "3 rows", "February", "flights@1.0.0", "table flights", "carrier", "UA"):
        assert part in said.out


def test_json_with_files(flights):
    document = flights.run("show", "flights@1.0.0", "--files", "--json").json
    assert (document["version"], document["files"], document["rows"]) == ("1.0.0", 1, 2)
    assert document["annotation"]["dataset"] == "flights"
    assert [column["name"] for column in document["schema"][0]["columns"]] == ["day", "carrier"]
    data = b"day,carrier\n1,UA\n2,AA\n"
    assert document["entries"] == [{"path": "jan.csv", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}]
    assert "entries" not in flights.run("show", "flights@1.0.0", "--json").json


def test_files_as_text(flights):
    out = flights.run("show", "flights", "--files").out
    assert [line.split()[-1] for line in out.splitlines()[-2:]] == ["feb.csv", "jan.csv"]


def test_sha256sum_lines_are_accepted_by_sha256sum(flights):
    said = flights.run("show", "flights", "--sha256sum")
    assert flights.repository in said.err
    (flights.folder / "sums").write_text(said.out)
    done = subprocess.run(["sha256sum", "-c", "../sums"], cwd=flights.folder / "data", capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_sha256sum_lines_for_strange_names(project):
    names = ["a b.txt", "back\\slash.txt", "tab\there.txt", "naïve.txt"]
    (project.folder / "data").mkdir()
    for name in names:
        (project.folder / "data" / name).write_text(name)
    assert project.run("ingest", "data").code == 0
    (project.folder / "sums").write_text(project.run("show", "flights", "--sha256sum", "--quiet").out)
    done = subprocess.run(["sha256sum", "-c", "../sums"], cwd=project.folder / "data", capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_sha256sum_and_json_contradict_each_other(flights):
    said = flights.run("show", "flights", "--sha256sum", "--json")
    assert (said.code, said.error["kind"]) == (2, "contradicting-options")


def test_a_part(project):
    project.write({"data/month=1/a.csv": "x\n1\n", "data/month=2/a.csv": "x\n1\n2\n"})
    assert project.run("ingest", "data").code == 0
    document = project.run("show", "flights#month=2", "--json").json
    assert (document["files"], document["bytes"], document["rows"]) == (1, 6, 2)
    assert document["partition"] == {"month": "2"}


def test_every_way_to_name_it(flights):
    shown = flights.run("show", "flights@1.0.0", "--json").json
    uri = f"lakefs://{flights.repository}/{shown['commit']}/flights/"
    for ref in ("flights@~1.0", shown["commit"], shown["digest"][:12], f"sha256:{shown['digest'][:16]}", uri):
        assert flights.run("show", ref, "--json").json["version"] == "1.0.0", ref


def test_what_is_not_there(flights):
    assert flights.run("show", "flights@9.0.0", "--json").code == 3
    assert flights.run("show", "flights@", "--json").code == 2


def test_columns_that_are_personal_are_withheld(project):
    project.write(
        {
            "data/a.csv": "name,age\nAda,36\n",
            "contract.yaml": "apiVersion: v3.0.2\nkind: DataContract\nid: people\nversion: 1.0.0\nstatus: active\n"
            "schema:\n  - name: people\n    physicalName: '**'\n    properties:\n"
            "      - name: name\n        logicalType: string\n        customProperties:\n"
            "          - property: pii\n            value: true\n      - name: age\n        logicalType: integer\n",
        }
    )
    said = project.run("ingest", "data", "--contract", "contract.yaml")
    assert said.code == 0, said
    for args in (["show", "flights"], ["show", "flights", "--json"]):
        assert "Ada" not in project.run(*args).out
    assert "(withheld)" in project.run("show", "flights").out
