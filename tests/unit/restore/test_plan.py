"""The plan is pure: what may be written, and over what."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakefs_repro.errors import AlreadyExistsError, InvalidError
from lakefs_repro.model.entry import Entry
from lakefs_repro.restore.plan import Hashed, check_files, check_room, plan_over
from lakefs_repro.restore.targets import FileSystem, Seen

PLAIN = FileSystem()
TARGET, STAGING = Path("/t/out"), Path("/t/.out.lakefs-repro-x")


def entry(path, sha256="a" * 64, size=1):
    return Entry(path, size, sha256)


def test_totals_count_files_bytes_and_room():
    totals = check_files([entry("a", size=1), entry("b/c", size=5000), entry("e", size=0)], PLAIN)
    assert (totals.files, totals.bytes, totals.room) == (3, 5001, 4096 + 8192)


@pytest.mark.parametrize(
    "path", ["../x", "/etc/x", "a\0b", "a//b", "a/../../x", "./a", "a/", "..", "x" * 256, "d/" + "ä" * 128]
)
def test_what_would_leave_the_folder_or_is_no_name_is_refused(path):
    with pytest.raises(InvalidError) as caught:
        check_files([entry("good"), entry(path)], PLAIN)
    assert caught.value.kind == "unsafe-path"
    assert repr(path) in caught.value.message


def test_all_unsafe_paths_are_counted_and_five_named():
    with pytest.raises(InvalidError, match="7 of the paths") as caught:
        check_files([entry(f"../{n}") for n in range(7)], PLAIN)
    assert caught.value.message.count("is not safe") == 5


@pytest.mark.parametrize("path", ["C:/x", "a\\b", "nul", "d/com1.txt", "dot.", "x?"])
def test_windows_names_are_refused_on_windows_alone(path):
    check_files([entry(path)], PLAIN)
    with pytest.raises(InvalidError):
        check_files([entry(path)], FileSystem(windows=True))


def test_names_that_a_file_system_can_not_hold_side_by_side():
    case, marks = [entry("Data/a"), entry("data/b")], [entry("\u00e9"), entry("e\u0301")]
    check_files(case + marks, PLAIN)
    for entries, system in ((case, FileSystem(case_insensitive=True)), (marks, FileSystem(normalising=True))):
        with pytest.raises(InvalidError) as caught:
            check_files(entries, system)
        assert caught.value.kind == "path-collision"
    with pytest.raises(InvalidError, match="a and a/"):
        check_files([entry("a"), entry("a.b"), entry("a/b")], PLAIN)


def test_too_little_room():
    check_room(10, 10, TARGET)
    with pytest.raises(InvalidError) as caught:
        check_room(11, 10, TARGET)
    assert caught.value.kind == "not-enough-space"


def over(there, wanted, ours, strange=()):
    return plan_over(TARGET, STAGING, there=there, strange=strange, wanted={e.path: e for e in wanted}, ours=ours)


def there(sha256, inode=1):
    return Hashed(Seen(1, 1, inode), sha256)


def test_a_folder_of_ours_is_replaced_and_what_is_right_kept():
    plan = over(
        {"same": there("a" * 64), "old": there("b" * 64), "new": there("c" * 64)},
        [entry("same"), entry("new"), entry("more")],
        {"old": frozenset({"b" * 64}), "new": frozenset({"c" * 64})},
    )
    assert (plan.action, set(plan.reuse), plan.remove, plan.download) == ("replaced", {"same"}, ("old",), 2)


def test_a_folder_that_is_right_stays():
    assert over({"a": there("a" * 64)}, [entry("a")], {}).action == "unchanged"


def test_what_is_not_ours_is_named():
    with pytest.raises(AlreadyExistsError) as caught:
        over(
            {"mine": there("d" * 64), "edited": there("e" * 64)},
            [entry("edited")],
            {"edited": frozenset({"a" * 64})},
            strange=("link",),
        )
    message = caught.value.message
    assert "mine (not from a restore)" in message
    assert "edited (changed since it was restored)" in message
    assert "link (no regular file)" in message
    assert caught.value.kind == "target-not-ours"


SHAS = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])
NAMES = st.sampled_from(["p", "q", "r", "s"])


@given(st.dictionaries(NAMES, SHAS), st.dictionaries(NAMES, SHAS), st.dictionaries(NAMES, SHAS))
def test_nothing_that_can_not_be_had_again_is_ever_lost(present, wanted, ours):
    try:
        plan = over(
            {path: there(sha) for path, sha in present.items()},
            [entry(path, sha) for path, sha in wanted.items()],
            {path: frozenset({sha}) for path, sha in ours.items()},
        )
    except AlreadyExistsError:
        assert any(sha not in (wanted.get(path), ours.get(path)) for path, sha in present.items())
        return
    assert all(sha in (wanted.get(path), ours.get(path)) for path, sha in present.items())
    assert plan.files == len(wanted) == plan.download + len(plan.reuse)
    assert set(plan.remove) == set(present) - set(wanted)
    assert (plan.action == "unchanged") == (present == wanted)
