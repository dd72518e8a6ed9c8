"""The difference of two snapshots is what a naive comparison of their files says, renames included."""

from __future__ import annotations

import hashlib
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from lakefs_repro.model.diff import diff
from lakefs_repro.model.difference import compare
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import build
from lakefs_repro.model.paths import partition_folder

folders = st.sampled_from(["", "m=1/", "m=2/", "m=2/d=1/", "t/m=1/"])
paths = st.builds("{}{}".format, folders, st.sampled_from("abcdefg"))
contents = st.sampled_from([b"", b"x", b"y", b"zz", b"w" * 7])
snapshots = st.dictionaries(paths, contents, max_size=14)
relaxed = settings(deadline=None)


def compared(left, right, **options):
    chunks = {}
    roots = [
        build([Entry(p, len(c), hashlib.sha256(c).hexdigest()) for p, c in files.items()], chunks.__setitem__).root
        for files in (left, right)
    ]

    def changes():
        return diff(roots[0], chunks.__getitem__, roots[1], chunks.__getitem__)

    found = compare(changes, **options)
    return found, list(found.tell(changes))


def pairs_possible(left, right):
    """How many renames there are: for each content, as many as files of it went and came."""
    gone = Counter(c for p, c in left.items() if p not in right and c)
    came = Counter(c for p, c in right.items() if p not in left and c)
    return sum((gone & came).values())


@relaxed
@given(left=snapshots, right=snapshots)
def test_it_equals_a_naive_one(left, right):
    found, told = compared(left, right)
    renames = [c for c in told if c.kind == "renamed"]
    assert len(renames) == pairs_possible(left, right)
    for change in renames:
        assert left[change.before.path] == right[change.after.path]
        assert change.before.path not in right
        assert change.after.path not in left
    origins = [c.before.path for c in renames]
    assert len(set(origins)) == len(origins)
    renamed_to = {c.path for c in renames}
    assert {c.path for c in told if c.kind == "added"} == set(right) - set(left) - renamed_to
    assert {c.path for c in told if c.kind == "removed"} == set(left) - set(right) - set(origins)
    assert {c.path for c in told if c.kind == "changed"} == {p for p in left if p in right and left[p] != right[p]}
    assert [c.path for c in told] == sorted(c.path for c in told)
    kinds = Counter(c.kind for c in told)
    counts = found.counts
    assert kinds == +Counter(added=counts.added, removed=counts.removed, changed=counts.changed, renamed=counts.renamed)
    assert counts.bytes_added == sum(c.after.size for c in told if c.kind in ("added", "changed"))
    assert counts.bytes_removed == sum(c.before.size for c in told if c.kind in ("removed", "changed"))
    assert counts.any == (left != right)


@relaxed
@given(left=snapshots, right=snapshots)
def test_partitions_add_up(left, right):
    found, told = compared(left, right)
    wanted = {}
    for change in told:
        before, after = change.before, change.after
        at = [partition_folder(e.path) for e in (before, after) if e]
        if change.kind == "renamed" and at[0] != at[1]:
            wanted.setdefault(at[0], Counter())["removed"] += 1
            wanted.setdefault(at[1], Counter())["added"] += 1
        else:
            wanted.setdefault(at[0], Counter())[change.kind] += 1
    kinds = ("added", "removed", "changed", "renamed")
    assert {f: +Counter({k: getattr(c, k) for k in kinds}) for f, c in found.by_partition.items()} == wanted


@relaxed
@given(left=snapshots, right=snapshots)
def test_without_room_for_renames_they_are_additions_and_removals(left, right):
    found, told = compared(left, right, most_renames=0)
    moved = (set(left) ^ set(right)) != set()
    assert found.renames_sought is not moved
    assert "renamed" not in {c.kind for c in told}
    assert {c.path for c in told} == {p for p in {*left, *right} if left.get(p) != right.get(p)}


def test_a_rename_of_very_many_equal_files_takes_no_time():
    count = 20_000
    found, _ = compared({f"old/{n}": b"same" for n in range(count)}, {f"new/{n}": b"same" for n in range(count)})
    assert (found.counts.renamed, found.counts.added, found.counts.bytes_added) == (count, 0, 0)
