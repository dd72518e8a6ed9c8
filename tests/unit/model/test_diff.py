from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from lakefs_repro.errors import IntegrityError
from lakefs_repro.model.diff import Change, Rename, diff, pair_renames
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import build


def numbered(count, *, prefix="f"):
    return [Entry(f"{prefix}{number:06d}", 1, hashlib.sha256(b"%d" % number).hexdigest()) for number in range(count)]


class Store:
    """Chunks, and which of them were read."""

    def __init__(self, entries):
        self.chunks = {}
        self.reads = []
        self.root = build(entries, self.chunks.__setitem__).root

    def read(self, name):
        self.reads.append(name)
        return self.chunks[name]


def diff_of(left, right):
    return list(diff(left.root, left.read, right.root, right.read))


def test_equal_manifests_are_not_read():
    left, right = Store(numbered(3000)), Store(numbered(3000))
    assert diff_of(left, right) == []
    assert left.reads == right.reads == []


def test_one_change_in_many_files_reads_one_leaf_a_side():
    entries = numbered(50_000)
    left = Store(entries)
    entries[25_000] = replace(entries[25_000], size=2)
    right = Store(entries)
    (change,) = diff_of(left, right)
    assert change == Change("changed", "f025000", replace(entries[25_000], size=1), entries[25_000])
    assert len(left.reads) == len(right.reads) <= 3
    assert len(left.chunks) > 80


@pytest.mark.parametrize("edit", ["append", "prepend", "insert a boundary", "remove a boundary"])
def test_only_chunks_that_differ_are_read(edit):
    entries = [*numbered(20_000), Entry("file-582", 3, "ab" * 32)]
    others = {
        "append": [*entries, *numbered(100, prefix="z")],
        "prepend": [*numbered(700, prefix="a"), *entries],
        "insert a boundary": [*entries, Entry("file-10230", 1, "cd" * 32)],
        "remove a boundary": [entry for entry in entries if entry.path != "file-582"][:-1],
    }[edit]
    left, right = Store(entries), Store(others)
    found = diff_of(left, right)
    assert {change.path for change in found} == {entry.path for entry in set(entries) ^ set(others)}
    common = left.chunks.keys() & right.chunks.keys()
    assert len(common) > 30
    assert not common & {*left.reads, *right.reads}
    assert set(left.reads) == left.chunks.keys() - common
    assert set(right.reads) == right.chunks.keys() - common


@pytest.mark.parametrize("count", [0, 1, 300, 30_000])
def test_against_the_empty_snapshot(count):
    left, right = Store([]), Store(numbered(count))
    assert [change.after for change in diff_of(left, right)] == numbered(count)
    assert {change.kind for change in diff_of(right, left)} <= {"removed"}
    assert len(diff_of(right, left)) == count


def test_a_small_snapshot_inside_a_large_one():
    """The root of one is a chunk further down in the other, and is not read twice."""
    entries = numbered(30_000)
    large = Store(entries)
    first_leaf = next(data for data in large.chunks.values() if b" f000000\n" in data and b" leaf\n" in data)
    small = Store(entries[: first_leaf.count(b"\n") - 1])
    assert small.root in large.chunks
    found = diff_of(small, large)
    assert [change.path for change in found] == [entry.path for entry in entries[first_leaf.count(b"\n") - 1 :]]
    assert small.root not in large.reads
    assert len(small.reads) == 1


def test_a_root_node_that_is_a_child_in_the_other():
    files = [Entry(path, 1, "ab" * 32) for path in ("file-1", "file-10230", "file-2", "file-582", "file-9")]
    small, large = Store(files[2:]), Store(files)
    assert b" node 1\n" in small.chunks[small.root][:40]
    assert small.root in large.chunks
    assert [change.path for change in diff_of(small, large)] == ["file-1", "file-10230"]
    assert [change.kind for change in diff_of(large, small)] == ["removed", "removed"]
    assert small.reads == [small.root] * 2
    assert small.root not in large.reads


def test_nothing_in_common_comes_in_order():
    left, right = Store(numbered(5000, prefix="a")), Store(numbered(5000, prefix="b"))
    found = diff_of(left, right)
    assert [change.kind for change in found] == ["removed"] * 5000 + ["added"] * 5000
    assert [change.path for change in found] == sorted(change.path for change in found)


def test_changes_come_while_leaves_are_still_unread():
    left, right = Store([]), Store(numbered(30_000))
    changes = diff(left.root, left.read, right.root, right.read)
    next(changes)
    assert len(right.reads) < 5


def test_a_damaged_chunk_is_named():
    entries = numbered(5000)
    left = Store(entries)
    right = Store([replace(entry, size=9) for entry in entries])
    name = next(name for name, data in right.chunks.items() if b"leaf" in data[:40])
    right.chunks[name] = right.chunks[name].replace(b" 9 ", b" 8 ", 1)
    with pytest.raises(IntegrityError, match=name):
        diff_of(left, right)


def test_a_malformed_line_is_refused_though_its_hash_is_right():
    good = numbered(3)
    left, right = Store(good), Store([])
    data = left.chunks[left.root].replace(b" 1 ", b" 01 ")
    left.root = hashlib.sha256(data).hexdigest()
    left.chunks[left.root] = data
    with pytest.raises(IntegrityError):
        diff_of(left, right)


def entry(path, content="x"):
    return Entry(path, len(content), hashlib.sha256(content.encode()).hexdigest())


def added(path, content="x"):
    return Change("added", path, None, entry(path, content))


def removed(path, content="x"):
    return Change("removed", path, entry(path, content), None)


def test_renames_are_pairs_of_the_same_bytes():
    changed = Change("changed", "c", entry("c", "1"), entry("c", "2"))
    rest, renames = pair_renames([added("a"), removed("b"), changed, added("d", "y")])
    assert renames == [Rename(entry("b"), entry("a"))]
    assert rest == [changed, added("d", "y")]


def test_the_same_base_name_is_paired_first():
    rest, renames = pair_renames([removed("old/a"), removed("old/b"), added("new/b"), added("z")])
    assert renames == [Rename(entry("old/b"), entry("new/b")), Rename(entry("old/a"), entry("z"))]
    assert rest == []


def test_what_is_left_over_stays_a_change():
    rest, renames = pair_renames([removed("a"), added("b"), added("c")])
    assert renames == [Rename(entry("a"), entry("b"))]
    assert rest == [added("c")]


def test_empty_files_are_never_paired():
    changes = [removed("a", ""), added("b", "")]
    assert pair_renames(changes) == (changes, [])
