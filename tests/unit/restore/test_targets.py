"""What is looked at before a restore, and who is kept away."""

from __future__ import annotations

import os
import socket

import pytest

from lakefs_repro.errors import AlreadyExistsError, ConflictError, InvalidError
from lakefs_repro.restore.targets import Target, file_system_at, look_into


def test_links_are_seen_and_not_followed(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "f").write_bytes(b"1")
    (tmp_path / "outside").symlink_to("/etc")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    contents = look_into(tmp_path)
    assert set(contents.files) == {"sub/f"}
    assert contents.strange == ("dangling", "outside", "pipe")
    assert look_into(tmp_path / "none").files == {}


def test_a_socket_is_strange(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("s")
        assert look_into(tmp_path).strange == ("s",)


def test_this_file_system_is_found_out_without_leaving_anything(tmp_path):
    found = file_system_at(tmp_path / "not" / "there")
    assert found.longest_name >= 200
    assert list(tmp_path.iterdir()) == []
    tmp_path.chmod(0o500)
    assert file_system_at(tmp_path).longest_name == 255 or os.geteuid() == 0
    tmp_path.chmod(0o700)


def test_what_can_not_be_a_target(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(AlreadyExistsError):
        Target.at(tmp_path / "file")
    with pytest.raises(InvalidError):
        Target.at(tmp_path.parent.__class__("/"))
    (tmp_path / "here" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "below")
    for path in (tmp_path / "here", tmp_path / "here" / "below"):
        with pytest.raises(InvalidError, match="working folder"):
            Target.at(path)
    assert Target.at(tmp_path / "here" / "below" / "new").path == tmp_path / "here" / "below" / "new"
    with pytest.raises(InvalidError, match="mount point"):
        Target.at(tmp_path.__class__("/proc"))


def test_a_link_to_a_folder_means_the_folder(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert Target.at(tmp_path / "link").path == tmp_path / "real"


def test_one_at_a_time(tmp_path):
    target = Target.at(tmp_path / "out")
    with target.locked():
        with pytest.raises(ConflictError) as caught, target.locked():
            pass
        assert caught.value.kind == "restore-under-way"
        with Target.at(tmp_path / "other").locked():
            pass
    with target.locked():
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_long_name_has_helpers_that_fit(tmp_path):
    target = Target.at(tmp_path / ("ä" * 127))
    target.staging("0" * 21).mkdir()
    with target.locked():
        assert [path.name for path in target.stagings()] == [target.staging("0" * 21).name]
