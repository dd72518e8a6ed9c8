"""Ranges, rebuilding, comparing and merging, against plain dicts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakefs_repro.embedded.store import metaranges, ranges
from lakefs_repro.embedded.store.compare import compare
from lakefs_repro.embedded.store.entry import Entry
from lakefs_repro.embedded.store.merging import MergeConflictError, Sides, _edits
from lakefs_repro.embedded.store.metaranges import EMPTY, Metarange
from lakefs_repro.embedded.store.rebuild import Rebuild
from lakefs_repro.embedded.store.trees import Trees

PATHS = st.text(st.sampled_from("ab/é\U0001f600\0"), min_size=1, max_size=4)
CONTENT = st.integers(0, 3)
TREES = st.dictionaries(PATHS, CONTENT, max_size=40)


class MemoryTrees(Trees):
    """Trees whose ranges lie in a dict; counts what is read."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.read: list[str] = []

    def range(self, range_id: str):
        self.read.append(range_id)
        return ranges.decode(self.stored[range_id])

    def build(self, base: Metarange, edits: dict) -> tuple[Metarange, Rebuild]:
        rebuild = Rebuild(self, self.stored.__setitem__)
        rebuild.run(base, sorted(edits.items()))
        return Metarange(rebuild.ranges), rebuild

    def of(self, content: dict) -> Metarange:
        return self.build(EMPTY, {path: entry(path, value) for path, value in content.items()})[0]

    def content(self, tree: Metarange, start: str = "") -> dict:
        return {each.path: each.size for each in self.entries(tree, start)}


def entry(path, value, mtime=0):
    return Entry(path, f"{value:032x}", value, mtime, f"{value:064x}", "text/plain", None)


@pytest.fixture(autouse=True)
def _short_ranges(monkeypatch):
    """Ranges of about two entries, so that few paths make many ranges."""
    monkeypatch.setattr(ranges, "_AVERAGE_ENTRIES", 2)


@given(TREES, PATHS)
def test_tree_holds_what_was_put_in_order(content, start):
    trees = MemoryTrees()
    tree = trees.of(content)
    assert list(trees.content(tree).items()) == sorted(content.items())
    assert list(trees.content(tree, start).items()) == sorted(item for item in content.items() if item[0] >= start)
    for path in [*content, start]:
        found = trees.lookup(tree, path)
        assert (found.size if found else None) == content.get(path)


@given(TREES, st.dictionaries(PATHS, st.none() | CONTENT, max_size=15))
def test_rebuilt_tree_is_the_one_made_from_scratch(content, edits):
    trees = MemoryTrees()
    base = trees.of(content)
    result, rebuild = trees.build(base, {path: v if v is None else entry(path, v, 9) for path, v in edits.items()})
    expected = {path: v for path, v in {**content, **edits}.items() if v is not None}
    assert trees.content(result) == expected
    changed = sum(content.get(path) != v for path, v in edits.items())
    assert rebuild.changed == changed
    scratch = trees.of(expected)
    assert [(each.first, each.last, each.length) for each in result.ranges] == [
        (each.first, each.last, each.length) for each in scratch.ranges
    ]
    if not changed:
        assert metaranges.encode(result.ranges)[0] == metaranges.encode(base.ranges)[0]


@given(TREES, TREES, PATHS)
def test_compare_finds_exactly_the_differences(left, right, start):
    trees = MemoryTrees()
    one, other = trees.of(left), trees.of(right)
    for begin in ("", start):
        found = [
            (each.path, each.left.size if each.left else None, each.right.size if each.right else None)
            for each in compare(trees, one, other, begin)
        ]
        expected = [
            (path, left.get(path), right.get(path))
            for path in sorted({*left, *right})
            if left.get(path) != right.get(path) and path >= begin
        ]
        assert found == expected


@given(TREES, TREES, TREES)
@settings(max_examples=200)
def test_merge_is_the_three_way_merge_of_dicts(base, source, destination):
    trees = MemoryTrees()
    sides = Sides(trees.of(base), trees.of(source), trees.of(destination))
    expected, conflicts = dict(destination), {}
    for path in sorted({*base, *source}):
        if source.get(path) == base.get(path) or source.get(path) == destination.get(path):
            continue
        if destination.get(path) == base.get(path):
            expected[path] = source.get(path)
        else:
            conflicts[path] = source.get(path)
    for strategy, decided in (("source-wins", {**expected, **conflicts}), ("dest-wins", expected)):
        result, _ = trees.build(sides.destination, dict(_edits(trees, sides, strategy)))
        assert trees.content(result) == {path: v for path, v in decided.items() if v is not None}
    if conflicts:
        with pytest.raises(MergeConflictError) as caught:
            list(_edits(trees, sides, ""))
        assert caught.value.path == min(conflicts)


def test_few_changes_read_and_write_few_ranges(monkeypatch):
    monkeypatch.setattr(ranges, "_AVERAGE_ENTRIES", 64)
    trees = MemoryTrees()
    content = {f"d{number % 100:02d}/f{number:06d}": number % 3 for number in range(20_000)}
    tree = trees.of(content)
    assert len(tree.ranges) > 150
    before = set(trees.stored)
    trees.read.clear()
    path = "d50/f000050"
    changed, _ = trees.build(tree, {path: entry(path, 7), "d50/new": entry("d50/new", 7)})
    assert len(set(trees.stored) - before) <= 2
    assert len(set(trees.read)) <= 2
    trees.read.clear()
    assert [each.path for each in compare(trees, tree, changed)] == [path, "d50/new"]
    assert len(set(trees.read)) <= 4


@given(
    st.lists(
        st.tuples(
            PATHS, st.text(max_size=3), st.integers(0, 2**40), st.text(max_size=3), st.none() | st.just({"k": "v"})
        ),
        min_size=1,
        max_size=20,
        unique_by=lambda each: each[0],
    )
)
def test_encoding_keeps_every_field(rows):
    entries = [
        Entry(path, check or f"{size:032x}", size, size // 2, check or f"{size:064x}", kind, metadata)
        for path, check, size, kind, metadata in sorted(rows, key=lambda row: row[0])
    ]
    info, data = ranges.encode(entries)
    run = ranges.decode(data)
    assert [run.entry(index) for index in range(len(run))] == entries
    assert ranges.encode(entries) == (info, data)
    assert (info.first, info.last, info.length) == (entries[0].path, entries[-1].path, len(entries))


def test_metarange_round_trip():
    trees = MemoryTrees()
    tree = trees.of({f"p{number}": number % 3 for number in range(50)})
    identifier, data = metaranges.encode(tree.ranges)
    assert metaranges.decode(data).ranges == tree.ranges
    assert metaranges.encode(tree.ranges)[0] == identifier
