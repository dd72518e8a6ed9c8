import subprocess

import pytest

from lakefs_repro.cli.git import code_of


def git(folder, *args):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *args], cwd=folder, check=True,
                   capture_output=True)  # fmt: skip


@pytest.fixture
def checkout(tmp_path):
    git(tmp_path, "init", "-q", ".")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def test_a_clean_checkout(checkout):
    commit, dirty = code_of(checkout)
    assert len(commit) == 40
    assert dirty is False


def test_changed_files_make_it_dirty_and_new_ones_do_not(checkout):
    (checkout / "b").write_text("new")
    assert code_of(checkout)[1] is False
    (checkout / "a").write_text("2")
    assert code_of(checkout)[1] is True


def test_without_a_checkout_or_a_commit_nothing_is_said(tmp_path):
    assert code_of(tmp_path) == ("", False)
    git(tmp_path, "init", "-q", ".")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    assert code_of(tmp_path) == ("", False)


def test_without_git_nothing_is_said(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert code_of(checkout) == ("", False)


def test_a_git_that_hangs_is_not_waited_for(checkout, monkeypatch, tmp_path):
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:/bin:/usr/bin")
    monkeypatch.setattr("lakefs_repro.cli.git._PATIENCE_S", 0.2)
    assert code_of(checkout) == ("", False)


def test_a_program_named_by_the_folder_is_not_run(checkout):
    trap = checkout / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {checkout}/sprung\n")
    trap.chmod(0o755)
    git(checkout, "config", "core.fsmonitor", str(trap))
    assert len(code_of(checkout)[0]) == 40
    assert not (checkout / "sprung").exists()
