from __future__ import annotations

import hashlib
import shutil
import subprocess

import pytest

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.entry import Entry, check_entry, escape_path, sha256sum_lines, unescape_path

HASH = "ab" * 32


@pytest.mark.parametrize(
    ("path", "escaped"),
    [
        ("a b", "a b"),
        ("a\\b", r"a\\b"),
        ("a\nb", r"a\nb"),
        ("a\rb", r"a\rb"),
        ("\\n", r"\\n"),
        ("\\\\\n", r"\\\\\n"),
        ("é\t\x0b", "é\t\x0b"),
    ],
)
def test_paths_are_escaped_and_back(path, escaped):
    assert escape_path(path) == escaped
    assert unescape_path(escaped) == path


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        (Entry("", 0, HASH), "empty path"),
        (Entry("a\udc80", 0, HASH), "not valid UTF-8"),
        (Entry("a", -1, HASH), "size"),
        (Entry("a", 2**63, HASH), "size"),
        (Entry("a", True, HASH), "size"),
        (Entry("a", 1.0, HASH), "size"),
        (Entry("a", 0, HASH.upper()), "lower-case"),
        (Entry("a", 0, HASH[:-1]), "64"),
        (Entry("a", 0, HASH + "\n"), "64"),
    ],
)
def test_bad_entries_are_refused(entry, match):
    with pytest.raises(InvalidError, match=match) as caught:
        check_entry(entry)
    assert caught.value.hint


def test_largest_size_is_allowed():
    check_entry(Entry("a", 2**63 - 1, HASH))


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs GNU sha256sum")
def test_sha256sum_accepts_the_export(tmp_path):
    entries = []
    for number, name in enumerate(["plain", "a b", "back\\slash", "new\nline", " lead", "é", "d/in folder"]):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"%d" % number)
        entries.append(Entry(name, 1, hashlib.sha256(b"%d" % number).hexdigest()))
    lines = "".join(sha256sum_lines(entries))
    command = ["sha256sum", "--check", "--strict", "--quiet", "-"]
    assert subprocess.run(command, input=lines.encode(), cwd=tmp_path, check=False).returncode == 0
    (tmp_path / "new\nline").write_bytes(b"other")
    failed = subprocess.run(command, input=lines.encode(), cwd=tmp_path, check=False, capture_output=True)
    assert failed.returncode == 1
    assert b"line: FAILED" in failed.stdout


def test_sha256sum_can_not_name_a_nul():
    with pytest.raises(InvalidError, match="NUL"):
        list(sha256sum_lines([Entry("a\0b", 0, HASH)]))
