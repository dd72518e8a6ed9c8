import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lakefs_repro
from lakefs_repro.errors import ConflictError, UnavailableError

JAN = "day,carrier\n1,UA\n2,AA\n"


def test_a_folder_becomes_the_first_version(project):
    project.write({"data/jan.csv": JAN, "data/deep/feb.csv": JAN})
    said = project.run("ingest", "data", "--dataset", "flights", "-m", "January")
    assert said.code == 0
    assert said.out.startswith("flights@1.0.0 created, its first version\n")
    for part in ("2 files, 44 B, 4 rows", "2 added, 0 changed, 0 removed", project.repository, "embedded engine"):
        assert part in said.out
    assert re.search(r"digest +[0-9a-f]{12}\n", said.out)
    assert said.err == "hint: lakefs-repro show flights@1.0.0\n"


def test_json_holds_the_whole_result(project):
    project.write({"data/jan.csv": JAN})
    said = project.run("ingest", "data", "--json", "--quiet")
    assert said.err == ""
    wanted = {"outcome": "created", "version": "1.0.0", "files": 1, "rows": 2, "added": 1, "uploaded": 1}
    assert wanted.items() <= said.json.items()
    assert len(said.json["digest"]) == 64


def test_the_only_dataset_may_be_left_out(project):
    project.write({"data/jan.csv": JAN})
    assert project.run("ingest", "data").code == 0
    config = project.folder / "lakefs-repro.yaml"
    config.write_text(config.read_text() + "  weather:\n")
    said = project.run("ingest", "data", "--json")
    assert (said.code, said.error["kind"]) == (2, "dataset-needed")
    assert "flights, weather" in said.error["message"]


def test_the_same_again_makes_nothing(flights):
    said = flights.run("ingest", "data")
    assert said.code == 0
    assert "flights@1.1.0 holds exactly this already; nothing was done" in said.out


def test_a_dry_run_publishes_nothing(flights):
    flights.write({"data/mar.csv": "day,carrier\n4,B6\n"})
    said = flights.run("ingest", "data", "--dry-run", "--bump", "major")
    assert said.code == 0
    assert "flights@2.0.0 would be created, after 1.1.0; nothing was done" in said.out
    assert "1 added" in said.out
    assert [v["version"] for v in flights.run("list", "--json").json["versions"]] == ["1.0.0", "1.1.0"]


def test_options_reach_the_annotation(project):
    project.write({"data/month=3/march.csv": JAN})
    assert project.run("ingest", "data").code == 0
    project.write({"april.csv": "day,carrier\n9,UA\n", "skip.tmp": "x", "made.sql": "select 1\nfrom raw"})
    said = project.run(
        "ingest", "april.csv", "skip.tmp", "--mode", "append", "--under", "month=4", "--exclude", "**/*.tmp",
        "--version", "3.0.0", "--input", "flights@^1", "--query-file", "made.sql", "--job", "nightly", "-m", "April",
        "--json",
    )  # fmt: skip
    assert said.code == 0, said
    assert (said.json["version"], said.json["files"], said.json["excluded"]) == ("3.0.0", 2, 1)
    shown = project.run("show", "flights@3.0.0", "--files", "--json").json
    assert shown["annotation"]["query"] == "select 1\nfrom raw"
    assert shown["annotation"]["job"] == "nightly"
    assert shown["annotation"]["inputs"][0]["version"] == "1.0.0"
    assert shown["message"] == "April"
    assert "month=4/april.csv" in [entry["path"] for entry in shown["entries"]]
    text = project.run("show", "flights@3.0.0").out
    assert "flights@1.0.0" in text
    assert "select 1" in text


def test_a_broken_contract_is_shown_and_changes_nothing(flights):
    flights.write({"data/mar.csv": "day,carrier\nfirst,B6\n"})
    said = flights.run("ingest", "data")
    assert said.code == 1
    for part in ("mar.csv", "day", "first"):
        assert part in said.out
    assert "main and the versions are as they were" in said.err
    assert "hint: " in said.err
    assert "Traceback" not in said.err
    told = flights.run("ingest", "data", "--json")
    assert told.code == 1
    assert told.error["kind"] == "contract-violated"
    violation = told.json["error"]["report"]["violations"][0]
    assert (violation["file"], violation["column"], violation["rows"]) == ("mar.csv", "day", 1)
    assert "first" not in told.out  # examples are shown to people and stored nowhere
    assert [v["version"] for v in flights.run("list", "--json").json["versions"]] == ["1.0.0", "1.1.0"]


def test_a_broken_contract_on_a_terminal_is_a_table(flights, terminal):
    flights.write({"data/mar.csv": "day,carrier\nfirst,B6\n"})
    said = terminal("ingest", "data", cwd=flights.folder)
    assert said.code == 1
    assert "mar.csv" in said.out
    assert "─" in said.out or "━" in said.out


def test_losing_most_files_is_refused(flights):
    for name in ("a", "b", "c"):
        flights.write({f"data/{name}.csv": JAN})
    assert flights.run("ingest", "data").code == 0
    for name in ("a", "b", "c", "feb"):
        (flights.folder / "data" / f"{name}.csv").unlink()
    said = flights.run("ingest", "data", "--json")
    assert (said.code, said.error["kind"]) == (1, "shrinks-too-much")
    assert "main and the versions are as they were" in said.error["message"]
    assert flights.run("ingest", "data", "--allow-shrink").code == 0


@pytest.mark.parametrize(
    ("args", "code", "kind"),
    [
        (["nowhere"], 3, "source-not-found"),
        (["data", "--version", "one"], 2, "invalid-version"),
        (["data", "--version", "1.0.0", "--bump", "minor"], 2, "version-and-bump"),
        (["data", "--dataset", "No"], 2, "invalid-name"),
        (["data", "--contract", "nowhere.yaml"], 3, "contract-not-found"),
        (["data", "--query-file", "nowhere.sql"], 3, "query-file-not-found"),
        (["data", "--input", "flights@9.9.9"], 3, None),
        (["data", "--exclude", "**"], 2, "empty-source"),
    ],
)
def test_what_is_wrong_with_the_request(project, args, code, kind):
    project.write({"data/jan.csv": JAN})
    said = project.run("ingest", *args, "--json")
    assert said.code == code, said
    assert kind in (None, said.error["kind"])
    assert project.run("list", "--json").json["versions"] == []


def test_a_query_that_is_no_text_is_refused(project):
    project.write({"data/jan.csv": JAN})
    (project.folder / "q").write_bytes(b"\xff\xfe")
    assert project.run("ingest", "data", "--query-file", "q", "--json").error["kind"] == "bad-query-file"


def test_a_lost_race_is_exit_5(project, monkeypatch):
    def lost(*_):
        raise ConflictError("Another ingest was first.", hint="type it again", kind="lost-race")

    monkeypatch.setattr("lakefs_repro.api.lake.Lake.run_ingest", lost)
    project.write({"data/jan.csv": JAN})
    said = project.run("ingest", "data")
    assert (said.code, said.err) == (5, "error: Another ingest was first.\nhint: type it again\n")


def test_a_server_that_goes_away_leaves_a_sentence_on_what_stays(project, monkeypatch):
    def gone(*_):
        raise UnavailableError("The connection broke.", kind="connection-lost")

    monkeypatch.setattr("lakefs_repro.api.lake.Lake.run_ingest", gone)
    project.write({"data/jan.csv": JAN})
    said = project.run("ingest", "data")
    assert said.code == 4
    assert "what was uploaded stays, and the same command goes on from there" in said.err


def test_the_code_that_ran_is_recorded(project):
    def git(*args):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *args], check=True, capture_output=True)

    git("init", "-q", ".")
    project.write({"data/jan.csv": JAN, "load.py": "1"})
    git("add", "load.py")
    git("commit", "-qm", "loader")
    assert project.run("ingest", "data").code == 0
    said = project.run("show", "flights", "--json").json["annotation"]
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    assert (said["code"], said["code_dirty"]) == (head, False)
    project.write({"load.py": "2", "data/feb.csv": JAN})
    assert project.run("ingest", "data").code == 0
    assert project.run("show", "flights", "--json").json["annotation"]["code_dirty"] is True
    assert "(with changes)" in project.run("show", "flights").out


def test_debug_tells_the_steps_and_a_pipe_hears_nothing(project, process):
    project.write({"data/jan.csv": JAN})
    said = process("ingest", "data", "--debug", cwd=project.folder)
    assert said.code == 0, said
    steps = re.findall(r"debug: +[\d.]+ s  (\w+)", said.err)
    assert steps[:2] == ["scan", "hash"]
    assert {"upload", "merge", "tag"} <= set(steps)
    project.write({"data/feb.csv": JAN})
    assert process("ingest", "data", cwd=project.folder).err == "hint: lakefs-repro show flights@1.1.0\n"


def test_progress_moves_on_a_terminal_and_is_gone_afterwards(project, terminal):
    (project.folder / "data").mkdir()
    for number in range(3):
        (project.folder / "data" / f"{number}.bin").write_bytes(os.urandom(50_000_000))
    said = terminal("ingest", "data", cwd=project.folder)
    assert said.code == 0
    assert "flights@1.0.0 created" in said.out
    assert "\x1b[?25l" in said.out  # rich hides the cursor while bars are shown
    assert "\x1b[?25h" in said.out


def not_deaf():
    """A suite that a script has put into the background hands down that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def interrupted_upload(project):
    """Ctrl-C as soon as the upload is told of: the exit code and what was said. A quick machine may be done by then."""
    command = [sys.executable, "-m", "lakefs_repro", "ingest", "data", "--debug"]
    environment = {**os.environ, "PYTHONPATH": str(Path(lakefs_repro.__file__).parents[1])}
    child = subprocess.Popen(command, cwd=project.folder, env=environment, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, preexec_fn=not_deaf)  # fmt: skip  # noqa: PLW1509  one thread
    while " upload" not in child.stderr.readline():
        assert child.poll() is None
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    return child.returncode, out, err


@pytest.mark.slow
def test_interrupted_for_real_it_completes_when_typed_again(project):
    for attempt in range(6):
        for number in range(3000):
            project.write({f"data/{attempt}-{number}.bin": os.urandom(9).hex() * 200})
        code, out, err = interrupted_upload(project)
        if code != 0:
            break
    assert (code, out) == (130, "")
    assert "Interrupted. main holds the whole new version or none of it" in err
    said = project.run("ingest", "data", "--json")
    assert (said.code, said.json["outcome"]) == (0, "resumed")
    listed = [v["version"] for v in json.loads(project.run("list", "--json").out)["versions"]]
    assert listed == [f"1.{number}.0" for number in range(attempt + 1)]


def test_one_partition_alone(project):
    project.write({f"data/month={m}/a.csv": f"day\n{m}\n" for m in (1, 2)})
    assert project.run("ingest", "data").code == 0
    project.write({"march/a.csv": "day\n22\n"})
    said = project.run("ingest", "march", "--partition", "month=2")
    assert said.code == 0, said
    assert "partition  month=2" in said.out
    assert "0 added, 1 changed, 0 removed" in said.out
    document = project.run("ingest", "march", "--partition", "month=2", "--json").json
    assert (document["outcome"], document["files"]) == ("unchanged", 2)
    assert project.run("ingest", "march", "--partition", "year=1", "--json").error["kind"] == "no-such-partition"
    assert project.run("ingest", "--adopt", "main", "--partition", "month=2").code == 2
