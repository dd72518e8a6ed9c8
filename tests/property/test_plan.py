"""A plan's laws, on generated datasets, against plain dictionaries."""

from __future__ import annotations

import contextlib
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakefs_repro.errors import ConflictError, RejectedError
from lakefs_repro.ingest.plan import make_plan
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import build, iter_chunk_names, iter_entries
from lakefs_repro.transfer.hashing import hash_bytes

paths = st.text("abcé/\n\\", min_size=1, max_size=5)
datasets = st.dictionaries(paths, st.binary(max_size=2), max_size=30)
# The format's own fan-out is 512; small ones make deep trees of few files, and the laws must hold for any.
fanouts = pytest.mark.parametrize("fanout", [2, 4, 512])
relaxed = settings(deadline=None, max_examples=60)


@contextlib.contextmanager
def manifests_of(fanout):
    below = (2**32 // fanout).to_bytes(4, "big")
    with (
        mock.patch("lakefs_repro.model.chunk.BOUNDARY_BELOW", below),
        mock.patch("lakefs_repro.model.manifest.BOUNDARY_BELOW", below),
    ):
        yield


def entries(files: dict[str, bytes]) -> dict[str, Entry]:
    return {p: Entry(p, len(d), hash_bytes(d).sha256) for p, d in files.items()}


def stored(files: dict[str, bytes]) -> tuple[str, dict[str, bytes]]:
    chunks: dict[str, bytes] = {}
    return build(entries(files).values(), chunks.__setitem__).root, chunks


@fanouts
@relaxed
@given(old=st.none() | datasets, new=datasets, mode=st.sampled_from(["replace", "append"]), allow=st.booleans())
def test_a_plan_leads_from_what_is_there_to_what_is_wanted(fanout, old, new, mode, allow):
    with manifests_of(fanout):
        root, chunks = stored(old) if old is not None else (None, {})
        before = old or {}
        clash = mode == "append" and any(before.get(p, d) != d for p, d in new.items())
        wanted = {**before, **new} if mode == "append" else new
        lost = before.keys() - wanted.keys()
        shrinks = old is not None and 2 * len(lost) > len(before) and not allow

        def plan():
            return make_plan(
                entries(new), mode=mode, root=root, read=chunks.__getitem__ if root else None, allow_shrink=allow
            )

        if clash or shrinks:
            with pytest.raises(ConflictError if clash else RejectedError):
                plan()
            return
        made = plan()

        # The snapshot that is wanted, and the digest of that alone.
        assert made.manifest == build(entries(wanted).values())
        assert (made.manifest.entries, made.manifest.bytes) == (len(wanted), sum(map(len, wanted.values())))

        # Applied to the files that are there, the plan gives the files that are wanted.
        uploads = {entry.path: new[entry.path] for entry in made.new}
        after = {p: d for p, d in {**before, **uploads}.items() if p not in made.remove}
        assert after == wanted

        # It does nothing twice or needlessly.
        assert len(made.new) == len(uploads)
        assert all(before.get(p) != d for p, d in uploads.items())
        assert set(made.remove) == lost
        assert made.added == len(wanted.keys() - before.keys())
        assert made.changed == len(uploads) - made.added
        assert made.same == (before == wanted)
        assert made.new_bytes == sum(map(len, uploads.values()))

        # Applied to the chunks that are there, it gives the chunks that are wanted, exactly.
        held = {name: data for name, data in chunks.items() if name not in made.old_chunks}
        assert not held.keys() & made.new_chunks.keys()
        assert set(made.old_chunks) <= chunks.keys()
        held |= made.new_chunks
        assert set(iter_chunk_names(made.manifest.root, held.__getitem__)) == held.keys() == set(made.manifest.chunks)
        assert {e.path: e for e in iter_entries(made.manifest.root, held.__getitem__)} == {
            e.path: e for e in entries(wanted).values()
        }


@fanouts
@relaxed
@given(old=datasets, new=datasets)
def test_an_append_needs_no_more_than_the_new_files_to_be_in_order(fanout, old, new):
    """Appending two disjoint sets gives the same digest whichever comes first."""
    second = {p: d for p, d in new.items() if p not in old}
    with manifests_of(fanout):
        results = []
        for first, then in ((old, second), (second, old)):
            root, chunks = stored(first)
            results.append(make_plan(entries(then), mode="append", root=root, read=chunks.__getitem__).manifest.root)
        assert results[0] == results[1]


parts = st.builds(
    "{}{}".format, st.sampled_from(["", "p/", "p/x/", "q/", "pp/"]), st.text("ab", min_size=1, max_size=2)
)
parted = st.dictionaries(parts, st.binary(max_size=1), max_size=20)


@fanouts
@relaxed
@given(old=st.none() | parted, new=parted, allow=st.booleans())
def test_a_replaced_part_is_all_that_changes(fanout, old, new, allow):
    def within(path):
        return path.startswith("p/")

    new = {p: d for p, d in new.items() if within(p)}
    before = old or {}
    lost = {p for p in before if within(p)} - new.keys()
    held = sum(map(within, before))
    shrinks = bool(lost) and 2 * (held - len(new)) > held and not allow
    with manifests_of(fanout):
        root, chunks = stored(old) if old is not None else (None, {})

        def plan():
            return make_plan(
                entries(new), mode="replace", root=root, read=chunks.__getitem__ if root else None,
                allow_shrink=allow, within=within,
            )  # fmt: skip

        if shrinks:
            with pytest.raises(RejectedError):
                plan()
            return
        made = plan()
        assert made.manifest == build(entries({**{p: d for p, d in before.items() if not within(p)}, **new}).values())
        assert set(made.remove) == lost
        assert {entry.path for entry in made.new} == {p for p, d in new.items() if before.get(p) != d}
