"""``branch open``, ``list``, ``finish``, and ``ingest --from-branch`` and ``--adopt``."""

from __future__ import annotations

import pytest


@pytest.fixture
def repository(project):
    return project.server.repository(project.repository)


def write(repository, branch, files, commit=True):
    for path, text in files.items():
        repository.objects.put(branch, path, text.encode())
    if commit:
        repository.commits.create(branch, "written by another program")


def test_a_branch_is_opened_written_to_and_finished(project, repository):
    said = project.run("branch", "open", "flights", "--name", "nightly")
    assert said.code == 0
    assert "write-flights-nightly is empty; write below" in said.out
    assert f"lakefs://{project.repository}/write-flights-nightly/flights/" in said.out
    assert "no S3 gateway" in said.out
    assert "lakefs-repro branch finish write-flights-nightly" in said.err
    write(repository, "write-flights-nightly", {"flights/a.csv": "id\n1\n", "flights/_SUCCESS": ""}, commit=False)
    assert "something is staged" in project.run("branch", "list").out
    refused = project.run("branch", "finish", "write-flights-nightly", "--json")
    assert (refused.code, refused.error["kind"]) == (1, "branch-uncommitted")
    done = project.run("branch", "finish", "write-flights-nightly", "--commit-staged")
    assert done.code == 0, done
    assert "flights@1.0.0 created" in done.out
    assert "write-flights-nightly was deleted" in done.out
    assert "left out  1 file" in done.out
    assert "read      1 file, 5 B; 0 known already" in done.out
    assert "uploaded" not in done.out
    assert project.run("branch", "list").out.startswith("No branch is open.")
    again = project.run("branch", "finish", "write-flights-nightly", "--json").json
    assert (again["outcome"], again["version"], again["deleted"]) == ("unchanged", "1.0.0", True)


def test_a_branch_begins_with_the_latest_version_alone(flights, repository):
    said = flights.run("branch", "open", "--json").json
    assert (said["dataset"], said["version"], said["gateway"]) == ("flights", "1.1.0", None)
    assert said["branch"].startswith("write-flights-")
    assert sorted(said["options"]) == ["fsspec"]
    write(repository, said["branch"], {"flights/more.csv": "day,carrier\n9,UA\n"})
    listed = flights.run("branch", "list", "flights", "--json").json["branches"]
    assert [(b["branch"], b["staged"]) for b in listed] == [(said["branch"], False)]
    assert flights.run("branch", "list", "trains", "--json").json["branches"] == []
    done = flights.run("branch", "finish", said["branch"], "-m", "more", "--bump", "patch", "--json").json
    assert (done["outcome"], done["version"], done["hashed"], done["uploaded"]) == ("created", "1.1.1", 1, 0)
    assert (done["deleted"], done["kept"]) == (True, "")
    assert "more" in flights.run("log", "flights").out


def test_a_server_s_branch_is_told_with_the_options_of_each_program(flights, monkeypatch):
    said = flights.run("branch", "open", "flights", "--name", "x", "--gateway", "https://s3.lakefs.example.com/")
    assert said.code == 0
    for part in (
        f"s3a://{flights.repository}/write-flights-x/flights/",
        f"spark.hadoop.fs.s3a.bucket.{flights.repository}.endpoint=https://s3.lakefs.example.com",
        "access.key=$LAKECTL_CREDENTIALS_ACCESS_KEY_ID",
        f'write_deltalake("s3://{flights.repository}/write-flights-x/flights/"',
        'os.environ["LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY"]',
        "ENDPOINT 's3.lakefs.example.com', URL_STYLE 'path', USE_SSL true",
    ):
        assert part in said.out
    endpoint = flights.server.wire.endpoint
    assert endpoint.secret_access_key not in said.out + said.err


def test_a_name_that_is_taken_or_can_t_be(flights):
    assert flights.run("branch", "open", "flights", "--name", "x").code == 0
    said = flights.run("branch", "open", "flights", "--name", "x", "--json")
    assert (said.code, said.error["kind"]) == (5, "branch-exists")
    said = flights.run("branch", "open", "flights", "--name", "a-b", "--json")
    assert (said.code, said.error["kind"]) == (2, "invalid-name")


def test_a_branch_that_nobody_wrote_to_is_kept(flights):
    flights.run("branch", "open", "flights", "--name", "x")
    said = flights.run("branch", "finish", "write-flights-x")
    assert said.code == 0
    assert "was kept: nothing was written to it" in said.out


def test_any_branch_of_main_is_ingested_and_stays(flights, repository):
    repository.branches.create("spark", "main")
    write(repository, "spark", {"flights/more.csv": "day,carrier\n9,UA\n"})
    planned = flights.run("ingest", "--from-branch", "spark", "--dataset", "flights", "--dry-run", "--json").json
    assert (planned["outcome"], planned["version"]) == ("planned", "1.2.0")
    said = flights.run("ingest", "--from-branch", "spark", "--dataset", "flights", "--json").json
    assert (said["outcome"], said["version"], said["added"]) == ("created", "1.2.0", 1)
    assert repository.branches.get("spark")
    assert flights.run("ingest", "--from-branch", "spark", "--json").json["outcome"] == "unchanged"
    write(repository, "spark", {"flights/yet.csv": "day,carrier\n10,AA\n"})
    said = flights.run("branch", "finish", "spark", "--dataset", "flights")
    assert "spark was kept: it was not opened by `branch open`" in said.out


def test_which_dataset_is_told_or_asked_for(flights, repository):
    repository.branches.create("spark", "main")
    said = flights.run("branch", "finish", "spark", "--json")
    assert (said.code, said.error["kind"]) == (2, "dataset-needed")
    pin = repository.branches.get("pin-flights-v1_1_0").commit
    repository.branches.create("own-name", pin)
    write(repository, "own-name", {"flights/more.csv": "day,carrier\n9,UA\n"})
    assert flights.run("branch", "finish", "own-name", "--json").json["version"] == "1.2.0"
    said = flights.run("branch", "finish", "nowhere", "--json")
    assert (said.code, said.error["kind"]) == (3, "branch-not-found")


def test_what_lies_in_main_is_adopted(flights, repository):
    repository.branches.create("around-the-gate", "main")
    write(repository, "around-the-gate", {"flights/more.csv": "day,carrier\n9,UA\n"})
    repository.commits.merge("around-the-gate", "main", "merged by hand")
    said = flights.run("ingest", "data", "--json")
    assert said.error["kind"] == "foreign-change"
    said = flights.run("ingest", "--adopt", "main", "--json").json
    assert (said["outcome"], said["version"], said["hashed"]) == ("created", "1.2.0", 1)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ((), "contradicting-options"),
        (("data", "--adopt", "main"), "contradicting-options"),
        (("--from-branch", "spark", "--mode", "append"), "contradicting-options"),
        (("--from-branch", "main"), "not-the-main-branch"),
        (("--adopt", "spark"), "not-the-main-branch"),
        (("--adopt", "main", "--exclude", "*.tmp"), "adopt-as-it-is"),
    ],
)
def test_what_can_t_be_asked(flights, arguments, kind):
    said = flights.run("ingest", *arguments, "--json")
    assert (said.code, said.error["kind"]) == (2, kind)


def test_violations_on_a_branch_are_shown_and_nothing_is_published(flights, repository):
    flights.run("branch", "open", "flights", "--name", "x")
    write(repository, "write-flights-x", {"flights/more.csv": "day,carrier\nnone,UA\n"})
    said = flights.run("branch", "finish", "write-flights-x")
    assert said.code == 1
    assert "flights breaks its contract" in said.out
    assert "Nothing was published" in said.err
    assert flights.run("branch", "list").out.count("write-flights-x") == 1
