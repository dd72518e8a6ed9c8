"""Journals: who resumes, who is a live twin, and what a broken note does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from lakefs_repro.ingest.journal import Intent, is_live, open_journal, seize

FIRST, SECOND, THIRD = (f"01J9ZZZZZZZZZZZZZZZZZZZZZ{n}" for n in "ABC")
INTENT = Intent("http://h:1", "repo", "flights", "f" * 64)

HOLDER = """
import sys, time
from pathlib import Path
from lakefs_repro.ingest.journal import Intent, open_journal
journal = open_journal(Path(sys.argv[1]), Intent("http://h:1", "repo", "flights", "f" * 64), sys.argv[2])
print(journal.ulid, journal.resumed, flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process at work under FIRST."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path), FIRST], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().split() == [FIRST, "False"]
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_first_journal_is_new_and_the_next_resumes_it(tmp_path):
    with open_journal(tmp_path / "made", INTENT, FIRST) as journal:
        assert (journal.ulid, journal.resumed) == (FIRST, False)
    with open_journal(tmp_path / "made", INTENT, SECOND) as journal:
        assert (journal.ulid, journal.resumed) == (FIRST, True)


def test_a_note_has_its_name_only_when_it_is_locked_and_whole(tmp_path, monkeypatch):
    seen = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (seen.append(list(tmp_path.glob("*.json"))), sync(file)))
    with open_journal(tmp_path, INTENT, FIRST):
        assert seen == [[]]
        assert is_live(tmp_path, FIRST)


def test_a_finished_ingest_leaves_nothing_to_resume(tmp_path):
    open_journal(tmp_path, INTENT, FIRST).forget()
    assert list(tmp_path.iterdir()) == []
    with open_journal(tmp_path, INTENT, SECOND) as journal:
        assert (journal.ulid, journal.resumed) == (SECOND, False)


@pytest.mark.parametrize("field", ["endpoint", "repository", "dataset", "request"])
def test_another_intent_has_another_journal(tmp_path, field):
    from dataclasses import replace

    open_journal(tmp_path, INTENT, FIRST).close()
    with open_journal(tmp_path, replace(INTENT, **{field: "other"}), SECOND) as journal:
        assert (journal.ulid, journal.resumed) == (SECOND, False)


def test_a_live_twin_keeps_its_journal(tmp_path, holder):
    assert is_live(tmp_path, FIRST) is True
    assert seize(tmp_path, FIRST) is None
    with open_journal(tmp_path, INTENT, SECOND) as journal:
        assert (journal.ulid, journal.resumed) == (SECOND, False)
    assert holder.poll() is None


def test_a_dead_owner_s_journal_is_taken_over(tmp_path, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert is_live(tmp_path, FIRST) is False
    with open_journal(tmp_path, INTENT, SECOND) as journal:
        assert (journal.ulid, journal.resumed) == (FIRST, True)
        assert is_live(tmp_path, FIRST) is True


def test_of_two_dead_ones_each_is_resumed_once(tmp_path):
    first = open_journal(tmp_path, INTENT, FIRST)
    open_journal(tmp_path, INTENT, SECOND).close()
    first.close()
    with open_journal(tmp_path, INTENT, THIRD) as one, open_journal(tmp_path, INTENT, THIRD) as two:
        assert {one.ulid, two.ulid} == {FIRST, SECOND}
        with open_journal(tmp_path, INTENT, THIRD) as three:
            assert (three.ulid, three.resumed) == (THIRD, False)


def test_nobody_knows_of_an_ingest_without_a_journal(tmp_path):
    assert is_live(tmp_path, FIRST) is None
    assert is_live(tmp_path / "no-folder", FIRST) is None
    assert seize(tmp_path, FIRST) is None


def test_what_was_seized_can_not_be_resumed_meanwhile(tmp_path):
    open_journal(tmp_path, INTENT, FIRST).close()
    held = seize(tmp_path, FIRST)
    assert held is not None
    with held, open_journal(tmp_path, INTENT, SECOND) as journal:
        assert (journal.ulid, journal.resumed) == (SECOND, False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"ulid": 5}',
        b'{"ulid": ""}',
        b'{"ulid": "../../x"}',
        b"\0" * 4096,
    ],
)
def test_a_broken_journal_is_as_none(tmp_path, content):
    with open_journal(tmp_path, INTENT, FIRST) as journal:
        path = journal.path
    path.write_bytes(content)
    with open_journal(tmp_path, INTENT, SECOND) as journal:
        assert (journal.ulid, journal.resumed) == (SECOND, False)


def test_a_journal_says_what_it_is_for_and_holds_no_secret(tmp_path):
    with open_journal(tmp_path, INTENT, FIRST) as journal:
        said = json.loads(journal.path.read_text())
    assert said == {
        "ulid": FIRST,
        "endpoint": "http://h:1",
        "repository": "repo",
        "dataset": "flights",
        "request": "f" * 64,
    }
