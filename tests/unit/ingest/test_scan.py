"""What a folder on this machine gives a dataset, and what is refused before anything is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.lakes import write_files

from lakefs_repro.errors import InvalidError, NotFoundError
from lakefs_repro.ingest.scan import scan


def paths(*sources, **options):
    return [f.path for f in scan(sources, **options).files]


def refusal(*sources, **options):
    with pytest.raises((InvalidError, NotFoundError)) as caught:
        scan(sources, **options)
    return caught.value


def test_a_folder_gives_relative_paths_by_their_bytes(tmp_path):
    write_files(tmp_path, dict.fromkeys(["b/2", "b/1", "a", "b-c", "é/x", "Z"], b"12"))
    assert paths(tmp_path) == ["Z", "a", "b-c", "b/1", "b/2", "é/x"]
    assert {f.size for f in scan([tmp_path]).files} == {2}


def test_empty_folders_give_nothing_and_empty_files_are_files(tmp_path):
    (tmp_path / "hollow" / "deep").mkdir(parents=True)
    (tmp_path / "empty").touch()
    assert paths(tmp_path) == ["empty"]


def test_files_are_taken_under_their_names(tmp_path):
    write_files(tmp_path, {"a/x.csv": b"", "b/y.csv": b""})
    assert paths(tmp_path / "a/x.csv", tmp_path / "b/y.csv") == ["x.csv", "y.csv"]


def test_two_files_of_one_name_are_refused_and_both_named(tmp_path):
    write_files(tmp_path, {"a/x.csv": b"", "b/x.csv": b""})
    error = refusal(tmp_path / "a/x.csv", tmp_path / "b/x.csv")
    assert error.kind == "duplicate-path"
    assert str(tmp_path / "a/x.csv") in error.message
    assert str(tmp_path / "b/x.csv") in error.message


def test_everything_can_go_under_a_folder(tmp_path):
    write_files(tmp_path, {"x": b"", "y/z": b""})
    assert paths(tmp_path, under="/month=4/") == ["month=4/x", "month=4/y/z"]
    assert paths(tmp_path / "x", under="month=4") == ["month=4/x"]


@pytest.mark.parametrize("under", ["..", "a/../b", "a//b", "./a"])
def test_a_folder_that_leads_elsewhere_is_refused(tmp_path, under):
    write_files(tmp_path, {"x": b""})
    assert refusal(tmp_path, under=under).kind == "unsafe-path"


def test_several_folders_are_refused(tmp_path):
    write_files(tmp_path, {"a/x": b"", "b/y": b"", "z": b""})
    assert refusal(tmp_path / "a", tmp_path / "b").kind == "several-folders"
    assert refusal(tmp_path / "a", tmp_path / "z").kind == "several-folders"


def test_a_source_that_is_not_there_is_not_found(tmp_path):
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    assert refusal(tmp_path / "missing").kind == "source-not-found"
    assert refusal(tmp_path / "dangling").kind == "source-not-found"


def test_a_folder_without_files_is_refused(tmp_path):
    assert refusal(tmp_path).kind == "empty-source"
    write_files(tmp_path, {"x.tmp": b"", "y.tmp": b""})
    error = refusal(tmp_path, exclude=["*.tmp"])
    assert error.kind == "empty-source"
    assert "2" in error.hint


def test_what_is_excluded_is_left_out_and_counted(tmp_path):
    write_files(tmp_path, dict.fromkeys(["a.csv", "a.tmp", "d/b.tmp", "d/c.csv", "raw/x", "d/raw/y"], b""))
    found = scan([tmp_path], exclude=["*.tmp", "/raw"])
    assert [f.path for f in found.files] == ["a.csv", "d/c.csv", "d/raw/y"]
    assert found.excluded == 3


def test_our_own_state_and_version_control_are_never_data(tmp_path):
    write_files(
        tmp_path, dict.fromkeys(["x", ".git/config", ".lakefs-repro/state/j", "d/.DS_Store", "d/.gitignore"], b"")
    )
    assert paths(tmp_path) == ["d/.gitignore", "x"]


def test_links_to_files_are_read_through(tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"12345")
    source = write_files(tmp_path / "source", {"x": b""})
    (source / "link").symlink_to(tmp_path / "elsewhere")
    assert {f.path: f.size for f in scan([source]).files} == {"link": 5, "x": 0}


def test_the_source_itself_may_be_a_link(tmp_path):
    source = write_files(tmp_path / "source", {"x": b""})
    (tmp_path / "latest").symlink_to(source)
    assert paths(tmp_path / "latest") == ["x"]


def test_a_link_to_a_folder_is_refused_and_may_be_left_out(tmp_path):
    source = write_files(tmp_path / "source", {"x": b""})
    (source / "loop").symlink_to(source)
    error = refusal(source)
    assert error.kind == "folder-link"
    assert "--exclude 'loop'" in error.hint
    assert paths(source, exclude=["loop"]) == ["x"]


def test_a_dangling_link_is_named_and_may_be_left_out(tmp_path):
    source = write_files(tmp_path / "source", {"x": b""})
    (source / "dangling").symlink_to(tmp_path / "nothing")
    assert "dangling" in refusal(source).message
    assert paths(source, exclude=["dangling"]) == ["x"]


def test_a_pipe_is_refused_without_opening_it_and_may_be_left_out(tmp_path):
    source = write_files(tmp_path / "source", {"x": b""})
    os.mkfifo(source / "pipe")
    error = refusal(source)
    assert error.kind == "special-file"
    assert "--exclude 'pipe'" in error.hint
    assert paths(source, exclude=["pipe"]) == ["x"]


@pytest.mark.parametrize(
    "name", ["new\nline", "back\\slash", "tab\t", " blank ", "*?[", "-rf", "'quoted\"", "ünï", "e\u0301"]
)
def test_strange_names_are_kept_exactly(tmp_path, name):
    write_files(tmp_path / "s", {name: b"", f"d{name}/x": b""})
    assert sorted(paths(tmp_path / "s")) == sorted([name, f"d{name}/x"])


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    source = write_files(tmp_path / "source", {"x": b""})
    Path(os.fsdecode(os.fsencode(source) + b"/caf\xe9.csv")).touch()
    assert refusal(source).kind == "path-not-utf8"


def test_a_path_that_lakefs_can_not_hold_is_refused(tmp_path):
    deep = "/".join(["d" * 200] * 5)
    write_files(tmp_path, {f"{deep}/x": b""})
    assert paths(tmp_path) == [f"{deep}/x"]
    assert refusal(tmp_path, prefix="a-dataset-with-a-long-name/").kind == "unsafe-path"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_can_not_be_read_is_named(tmp_path):
    source = write_files(tmp_path / "source", {"closed/x": b"", "y": b""})
    (source / "closed").chmod(0)
    try:
        assert refusal(source).kind == "unreadable-file"
    finally:
        (source / "closed").chmod(0o700)
