"""The manifest's laws, on generated snapshots."""

from __future__ import annotations

import contextlib
import hashlib
from unittest import mock

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lakefs_repro.errors import IntegrityError
from lakefs_repro.model.diff import diff
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import build, find, iter_chunk_names, iter_entries


def _digest(number):
    return hashlib.sha256(b"%d" % number).hexdigest()


paths = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
hashes = st.integers(0, 50).map(_digest)
snapshots = st.dictionaries(paths, st.tuples(st.integers(0, 2**40), hashes), max_size=40)
# The format's own is 512; small ones make deep trees of few files, and the laws must hold for any.
fanouts = pytest.mark.parametrize("fanout", [2, 4, 512])
relaxed = settings(deadline=None)


@contextlib.contextmanager
def manifests_of(fanout):
    below = (2**32 // fanout).to_bytes(4, "big")
    with (
        mock.patch("lakefs_repro.model.chunk.BOUNDARY_BELOW", below),
        mock.patch("lakefs_repro.model.manifest.BOUNDARY_BELOW", below),
    ):
        yield


def entries_of(snapshot):
    return [Entry(path, size, digest) for path, (size, digest) in snapshot.items()]


def make(snapshot):
    chunks = {}
    manifest = build(entries_of(snapshot), chunks.__setitem__)
    return manifest, chunks


@fanouts
@relaxed
@given(snapshot=snapshots, data=st.data())
def test_order_of_the_files_does_not_matter(fanout, snapshot, data):
    shuffled = data.draw(st.permutations(entries_of(snapshot)))
    by_bytes = sorted(shuffled, key=lambda entry: entry.path.encode())
    with manifests_of(fanout):
        assert build(shuffled) == build(by_bytes, presorted=True)


@fanouts
@relaxed
@given(left=snapshots, right=snapshots)
def test_digests_are_equal_exactly_when_the_files_are(fanout, left, right):
    with manifests_of(fanout):
        assert (make(left)[0].root == make(right)[0].root) == (left == right)


@fanouts
@relaxed
@given(snapshot=snapshots)
def test_what_was_built_is_read_back(fanout, snapshot):
    with manifests_of(fanout):
        manifest, chunks = make(snapshot)
        found = list(iter_entries(manifest.root, chunks.__getitem__))
        names = list(iter_chunk_names(manifest.root, chunks.__getitem__))
    assert found == sorted(entries_of(snapshot), key=lambda entry: entry.path.encode())
    assert manifest.entries == len(snapshot)
    assert manifest.bytes == sum(size for size, _ in snapshot.values())
    assert sorted(names) == sorted(manifest.chunks) == sorted(chunks)
    assert names[0] == manifest.root == manifest.chunks[-1]


@fanouts
@relaxed
@given(snapshot=snapshots, data=st.data())
def test_find_and_prefix_agree_with_a_dict(fanout, snapshot, data):
    path = data.draw(st.sampled_from(sorted(snapshot)) | paths if snapshot else paths)
    prefix = path[: data.draw(st.integers(0, len(path)))]
    with manifests_of(fanout):
        manifest, chunks = make(snapshot)
        entry = find(manifest.root, chunks.__getitem__, path)
        under = list(iter_entries(manifest.root, chunks.__getitem__, prefix=prefix))
    assert entry == (Entry(path, *snapshot[path]) if path in snapshot else None)
    assert {entry.path for entry in under} == {each for each in snapshot if each.startswith(prefix)}


@fanouts
@settings(deadline=None, max_examples=300)
@given(left=snapshots, right=snapshots, shared=snapshots)
def test_diff_equals_that_of_dicts(fanout, left, right, shared):
    left, right = {**left, **shared}, {**right, **shared}
    with manifests_of(fanout):
        before, left_chunks = make(left)
        after, right_chunks = make(right)
        reads = []

        def read(chunks, others):
            def one(name):
                reads.append((name, name in others))
                return chunks[name]

            return one

        changes = list(diff(before.root, read(left_chunks, right_chunks), after.root, read(right_chunks, left_chunks)))
    expected = {path for path in left.keys() | right.keys() if left.get(path) != right.get(path)}
    assert [change.path for change in changes] == sorted(expected, key=str.encode)
    for change in changes:
        assert change.before == (Entry(change.path, *left[change.path]) if change.path in left else None)
        assert change.after == (Entry(change.path, *right[change.path]) if change.path in right else None)
        assert change.kind == ("added" if change.before is None else "removed" if change.after is None else "changed")
    # Nothing that both have is read, but for a root, which has to be.
    roots = {before.root, after.root}
    assert {name for name, shared_chunk in reads if shared_chunk} <= roots
    assert len(reads) == len({name for name, _ in reads})


@fanouts
@relaxed
@given(snapshot=snapshots, data=st.data())
def test_a_flipped_bit_in_any_chunk_is_found(fanout, snapshot, data):
    with manifests_of(fanout):
        manifest, chunks = make(snapshot)
        name = data.draw(st.sampled_from(sorted(chunks)))
        position = data.draw(st.integers(0, len(chunks[name]) - 1))
        damaged = bytearray(chunks[name])
        damaged[position] ^= 1 << data.draw(st.integers(0, 7))
        chunks[name] = bytes(damaged)
        with pytest.raises(IntegrityError, match=name):
            list(iter_entries(manifest.root, chunks.__getitem__))


@fanouts
@relaxed
@given(snapshot=snapshots, data=st.data())
def test_a_well_hashed_tree_of_another_shape_is_refused(fanout, snapshot, data):
    """Whoever writes chunks may lie about all but hashes; one content must still have one digest."""
    assume(snapshot)
    with manifests_of(fanout):
        manifest, chunks = make(snapshot)
        root = chunks[manifest.root]
        lines = root.split(b"\n")[1:-1]
        first = data.draw(st.integers(0, len(lines) - 1))
        lie = data.draw(
            st.sampled_from([b"", lines[first] + b"x", lines[first].replace(b" ", b"  ", 1), lines[first] + b"\\"])
        )
        lines[first : first + 1] = [lines[first], lie] if lie == b"" else [lie]
        forged = b"\n".join([root.split(b"\n")[0], *lines, b""])
        name = hashlib.sha256(forged).hexdigest()
        chunks[name] = forged
        if lie.endswith(b"x") and b" node " not in root.split(b"\n")[0] + b" ":
            # A leaf with another path is simply another snapshot, unless its bounds are wrong.
            return
        with pytest.raises(IntegrityError):
            list(iter_entries(name, chunks.__getitem__))


@relaxed
@given(st.integers(600, 4000), st.data())
def test_a_small_edit_shares_nearly_all_chunks(count, data):
    snapshot = {f"d{number % 7}/f{number:05d}": (number, _digest(number)) for number in range(count)}
    before, chunks = make(snapshot)
    edited = dict(snapshot)
    path = data.draw(st.sampled_from(sorted(snapshot)))
    edit = data.draw(st.sampled_from(["change", "remove", "add"]))
    if edit == "remove":
        del edited[path]
    else:
        edited[path if edit == "change" else path + "x"] = (1, _digest(-1))
    after, edited_chunks = make(edited)
    # One leaf, or two where a boundary came or went, and the root.
    assert len(edited_chunks.keys() - chunks.keys()) <= 3
    assert len(chunks.keys() - edited_chunks.keys()) <= 3
    assert before.root != after.root
