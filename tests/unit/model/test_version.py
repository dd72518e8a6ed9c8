from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.version import FIRST_VERSION, MAX_LENGTH, Version, VersionRange

# https://semver.org/#spec-item-11, lowest first
PRECEDENCE = [
    "0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
    "1.0.0-rc.1", "1.0.0", "1.0.0+build", "1.2.0", "1.10.0", "2.0.0",
]  # fmt: skip


def test_order_is_semver_precedence():
    versions = [Version(text) for text in PRECEDENCE]
    backwards = versions[::-1]
    assert sorted(backwards) == versions
    assert versions[0] < versions[1] <= versions[1]
    assert versions[-1] > versions[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "v1.2.3",
        "01.2.3",
        "1.02.3",
        "1.2.3-",
        "1.2.3-01",
        "1.2.3-a..b",
        "1.2.3+",
        "1.2.3\n",
        "1.2.٣",
        " 1.2.3",
        "1.2.3-a_b",
        "latest",
        "1.0.0-" + "a" * MAX_LENGTH,
    ],
)
def test_what_is_no_version_is_refused(text):
    with pytest.raises(InvalidError) as caught:
        Version(text)
    assert caught.value.kind == "invalid-version"
    assert "1.2.0" in caught.value.hint


@pytest.mark.parametrize(
    ("version", "part", "expected"),
    [
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "patch", "1.2.4"),
        ("2.0.0-rc.1", "major", "2.0.0"),
        ("1.3.0-rc.1", "minor", "1.3.0"),
        ("1.2.4-rc.1", "patch", "1.2.4"),
        ("1.2.3+build", "patch", "1.2.4"),
    ],
)
def test_bump(version, part, expected):
    assert Version(version).bump(part) == Version(expected)


def test_a_version_is_a_value():
    version = Version("1.2.0-rc.1+b2")
    assert version == Version("1.2.0-rc.1+b2") != Version("1.2.0-rc.1+b3")
    assert len({version, Version("1.2.0-rc.1+b2")}) == 1
    assert pickle.loads(pickle.dumps(version)) == copy.deepcopy(version) == version
    assert (version.major, version.minor, version.patch, version.is_prerelease) == (1, 2, 0, True)
    assert str(version) == "1.2.0-rc.1+b2"
    assert Version(FIRST_VERSION) == Version("1.0.0")


RELEASES = ["0.2.0", "1.0.0", "1.1.0", "1.1.5", "1.2.0", "1.2.1-rc.1", "2.0.0", "2.1.0-rc.1", "2.1.0-rc.2"]


@pytest.mark.parametrize(
    ("text", "best"),
    [
        ("latest", "2.0.0"),
        ("*", "2.0.0"),
        ("^1.1", "1.2.0"),
        ("^1", "1.2.0"),
        ("1.x", "1.2.0"),
        ("1", "1.2.0"),
        ("~1.1", "1.1.5"),
        ("1.1.x", "1.1.5"),
        (">=1,<2", "1.2.0"),
        (">=1 <2", "1.2.0"),
        (">= 1, < 2", "1.2.0"),
        ("<1.2.0", "1.1.5"),
        ("1.0 - 1.1", "1.1.5"),
        ("^0.2 || ^3", "0.2.0"),
        ("^3", None),
        ("^2.1", None),
        ("^2.1.0-rc.1", "2.1.0-rc.2"),
        ("~2.1.0-rc.1", "2.1.0-rc.2"),
        ("^1.2.1-rc.0", "1.2.1-rc.1"),
        ("1.1.0", "1.1.0"),
        ("=1.1.0", "1.1.0"),
    ],
)
def test_best_of_a_range(text, best):
    found = VersionRange(text).best([Version(each) for each in RELEASES])
    assert found == (Version(best) if best else None)


def test_tilde_with_a_prerelease_takes_later_patches():
    assert VersionRange("~1.1.0-rc.1").best([Version("1.1.5"), Version("1.2.0")]) == Version("1.1.5")


def test_latest_is_a_prerelease_only_when_there_is_nothing_else():
    assert VersionRange("latest").best([Version("1.0.0-rc.1"), Version("1.0.0-rc.2")]) == Version("1.0.0-rc.2")
    assert VersionRange("latest").best([]) is None


@pytest.mark.parametrize("text", ["", " ", "||", "^1 ||", "abc", "1.2.3.4", ">", "^", "^1.٣", "1.2.3 -", "^" * 200])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(InvalidError, match="not a range"):
        VersionRange(text)


def test_ranges_have_one_way_of_writing():
    assert VersionRange(">= 1  < 2") == VersionRange(">=1,<2")
    assert str(VersionRange(" ^1||^2 ")) == "^1 || ^2"


def test_the_library_is_imported_only_when_needed():
    code = "import sys, lakefs_repro.model.names, lakefs_repro.model.manifest; print({'semantic_version', 'ulid', 'pydantic'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
