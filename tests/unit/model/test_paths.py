from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.paths import (
    check_repository_path,
    collisions,
    in_partition,
    match_glob,
    partition_of,
    safe_relative,
    table_root,
)

ORDINARY = [
    "a",
    "a/b.csv",
    "...",
    "..a",
    "a/.hidden",
    "new\nline",
    "tab\t",
    "back\\slash",
    "année",
    "😀",
    " a ",
    "a:b",
    "-rf",
    "~",
]
OUTSIDE = ["", "/", "/etc/x", "../x", "a/../b", "a/..", ".", "./a", "a/.", "a//b", "a/", "//a", "a\0b"]


@pytest.mark.parametrize("path", ORDINARY)
def test_ordinary_paths_go_in_and_out(path):
    check_repository_path(path, prefix="flights/")
    assert safe_relative(path) == PurePosixPath(path)
    assert str(safe_relative(path)) == path


@pytest.mark.parametrize("path", OUTSIDE)
def test_paths_that_could_leave_the_destination_are_refused(path):
    for windows in (False, True):
        with pytest.raises(InvalidError, match="not safe to write") as caught:
            safe_relative(path, windows=windows)
        assert caught.value.kind == "unsafe-path"
    with pytest.raises(InvalidError, match="can't be ingested"):
        check_repository_path(path)


def test_names_that_are_not_utf8_are_refused():
    path = b"caf\xe9".decode(errors="surrogateescape")
    with pytest.raises(InvalidError, match="not valid UTF-8") as caught:
        check_repository_path(path)
    assert caught.value.kind == "path-not-utf8"
    with pytest.raises(InvalidError, match="not valid UTF-8"):
        safe_relative(path)


def test_length_is_counted_in_bytes_with_the_prefix():
    check_repository_path("é" * 508, prefix="flights/")
    with pytest.raises(InvalidError, match="1026 bytes long with its prefix 'flights/'"):
        check_repository_path("é" * 509, prefix="flights/")


@pytest.mark.parametrize(
    "path",
    [
        "C:/x",
        "c:x",
        "a\\b",
        "..\\x",
        "con",
        "CON.txt",
        "a/nul",
        "aux.tar.gz",
        "com1",
        "LPT9.log",
        "COM¹",
        "a.",
        "a ",
        "a/b./c",
        "a?b",
        "a*",
        'a"b',
        "a<b",
        "a|b",
        "a\nb",
        "file:stream",
        "nul .txt",
        "CONOUT$",
    ],
)
def test_paths_that_windows_reads_otherwise_are_refused_there(path):
    assert str(safe_relative(path)) == path
    with pytest.raises(InvalidError, match="not safe to write"):
        safe_relative(path, windows=True)


@pytest.mark.parametrize("path", ["console", "com", "com10", "nul1", "a/context.csv", "lpt0x"])
def test_harmless_paths_pass_on_windows(path):
    assert str(safe_relative(path, windows=True)) == path


def test_file_and_folder_of_one_name_collide_everywhere():
    assert collisions(["a", "a/b", "a-b", "c/d/e", "c/d"]) == [("a", "a/"), ("c/d", "c/d/")]


def test_names_that_differ_in_case_collide_on_some_file_systems():
    paths = ["A/x", "a/y", "b/Straße", "b/STRASSE", "c"]
    assert collisions(paths) == []
    assert collisions(paths, case_insensitive=True) == [("A/", "a/"), ("b/STRASSE", "b/Straße")]
    assert collisions(["a", "A/b"], case_insensitive=True) == [("a", "A/")]
    assert collisions(["a", "a/b"], case_insensitive=True) == [("a", "a/")]


def test_names_that_differ_in_normalisation_collide_on_some_file_systems():
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    assert collisions([composed, decomposed]) == []
    assert collisions([composed, decomposed], normalising=True) == [(decomposed, composed)]
    assert collisions([composed.upper(), decomposed], normalising=True) == []
    assert collisions([composed.upper(), decomposed], normalising=True, case_insensitive=True) == [
        (composed.upper(), decomposed)
    ]


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("*.csv", ["a.csv", "x/y/a.csv", ".csv"], ["a.csv.gz", "csv"]),
        ("tmp", ["tmp", "tmp/a", "x/tmp/a", "x/tmp"], ["tmpx", "x/atmp"]),
        ("tmp/", ["tmp/a", "x/tmp/a"], ["tmp", "x/tmp"]),
        ("a/*.csv", ["a/x.csv"], ["b/a/x.csv", "a/b/x.csv", "a.csv"]),
        ("/x.csv", ["x.csv", "x.csv/a"], ["a/x.csv"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b", "a/bc"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a/c"]),
        ("**/a", ["a", "x/a", "x/y/a/z"], ["xa"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb", "x/a/b"]),
        ("**", ["a", "a/b"], []),
        ("a?c", ["abc", "x/a.c"], ["a/c", "abbc"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "-x"]),
        ("[!a-c]x", ["dx"], ["ax", "/x"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[+--]", ["+", ",", "-"], ["."]),
        ("[[&&~~||]", ["[", "&", "~", "|"], ["a"]),
        (r"\*", ["*"], ["a"]),
        (r"\[a]", ["[a]"], ["a"]),
        ("a.c", ["a.c"], ["abc"]),
        ("month=3", ["year=2024/month=3/x", "month=3/y"], ["month=30/x"]),
        ("*", ["new\nline", "a"], []),
        ("é*", ["été"], ["ete"]),
    ],
)
def test_globs_match_as_gitignore_does(pattern, matching, others):
    assert [path for path in [*matching, *others] if match_glob(path, pattern)] == matching


@pytest.mark.parametrize("pattern", ["", "/", "a//b", "[a", "[", "[z-a]", "a\\", "[]"])
def test_malformed_globs_are_refused(pattern):
    with pytest.raises(InvalidError, match="can't be used") as caught:
        match_glob("a", pattern)
    assert caught.value.kind == "invalid-pattern"


@pytest.mark.parametrize(
    ("path", "partition", "root"),
    [
        ("x.csv", (), ""),
        ("raw/x.csv", (), "raw"),
        ("month=3", (), ""),
        ("month=3/x", (("month", "3"),), ""),
        ("t/year=2024/month=03/x", (("year", "2024"), ("month", "03")), "t"),
        ("t/a=1/sub/b=2/x=9", (("a", "1"), ("b", "2")), "t"),
        ("city=New%20York%2FUS/x", (("city", "New York/US"),), ""),
        ("a=b=c/x", (("a", "b=c"),), ""),
        ("=b/x", (), "=b"),
        ("a=/x", (("a", ""),), ""),
        ("a=__HIVE_DEFAULT_PARTITION__/x", (("a", "__HIVE_DEFAULT_PARTITION__"),), ""),
    ],
)
def test_partitions_of_a_path(path, partition, root):
    assert partition_of(path) == partition
    assert table_root(path) == root


def test_partition_selector_wants_its_folders_in_order():
    path = "t/year=2024/month=3/day=1/x"
    assert in_partition(path, ())
    assert in_partition(path, (("month", "3"),))
    assert in_partition(path, (("year", "2024"), ("day", "1")))
    assert not in_partition(path, (("day", "1"), ("year", "2024")))
    assert not in_partition(path, (("month", "03"),))
