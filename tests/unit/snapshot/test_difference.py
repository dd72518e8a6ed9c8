"""Two snapshots compared: by file, by partition, and a part of one with the same part of the other."""

from __future__ import annotations

import pytest
from support.lakes import ingest_files, make_context

from lakefs_repro.snapshot.difference import SnapshotDifference
from lakefs_repro.snapshot.resolve import resolve

ONE = {"year=2023/a": b"a", "year=2023/b": b"b", "year=2024/a": b"A", "notes": b"n"}
TWO = {"year=2023/a": b"a", "year=2023/c": b"b", "year=2024/a": b"A2", "year=2025/a": b"new", "notes": b"n"}


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


@pytest.fixture
def lake(ctx, tmp_path):
    ingest_files(ctx, tmp_path, ONE)
    ingest_files(ctx, tmp_path, TWO)
    return ctx


def between(ctx, left, right):
    return SnapshotDifference(resolve(ctx, left), resolve(ctx, right))


def files(found):
    return {(c.kind, c.before.path if c.before else None, c.after.path if c.after else None) for c in found.files()}


def test_files(lake):
    found = between(lake, "flights@1.0.0", "flights@1.1.0")
    assert files(found) == {
        ("renamed", "year=2023/b", "year=2023/c"),
        ("changed", "year=2024/a", "year=2024/a"),
        ("added", None, "year=2025/a"),
    }
    counts = found.counts
    assert (counts.added, counts.removed, counts.changed, counts.renamed) == (1, 0, 1, 1)
    assert (counts.bytes_added, counts.bytes_removed) == (5, 1)
    assert not found.same
    assert files(between(lake, "flights@1.1.0", "flights@1.0.0")) == {
        ("renamed", "year=2023/c", "year=2023/b"),
        ("changed", "year=2024/a", "year=2024/a"),
        ("removed", "year=2025/a", None),
    }


def test_partitions(lake):
    told = list(between(lake, "flights@1.0.0", "flights").partitions())
    assert [(p.partition, p.state) for p in told] == [
        ("year=2023", "changed"),
        ("year=2024", "changed"),
        ("year=2025", "added"),
    ]
    assert told[0].counts.renamed == 1
    back = between(lake, "flights", "flights@1.0.0").partitions()
    assert [p.state for p in back] == ["changed", "changed", "removed"]


def test_the_same_part_of_both(lake):
    assert between(lake, "flights@1.0.0#year=2022", "flights#year=2022").same
    found = between(lake, "flights@1.0.0#year=2024", "flights#year=2024")
    assert files(found) == {("changed", "year=2024/a", "year=2024/a")}
    assert [p.partition for p in found.partitions()] == ["year=2024"]


def test_other_parts_are_compared_by_path_and_bytes(lake):
    found = between(lake, "flights@1.0.0#year=2023", "flights@1.0.0#year=2024")
    assert found.counts.added == 1
    assert found.counts.removed == 2


def test_the_same_snapshot_is_not_read(lake, engine, tmp_path):
    first = resolve(lake, "flights@1.0.0")
    found = SnapshotDifference(first, first)
    assert found.same
    assert list(found.files()) == list(found.partitions()) == []


def test_a_part_has_a_digest_of_its_own(lake):
    def part(ref):
        return resolve(lake, ref).part_digest

    assert part("flights@1.0.0#year=2024") != part("flights@1.1.0#year=2024")
    whole = resolve(lake, "flights@1.0.0")
    assert whole.part_digest == whole.digest
    assert part("flights@1.0.0#year=2023") != part("flights@1.1.0#year=2023")


def test_the_digest_of_a_part_is_that_of_its_files_alone(lake, tmp_path):
    ingest_files(lake, tmp_path, {"year=2024/a": b"A"}, dataset="alone")
    assert resolve(lake, "flights@1.0.0#year=2024").part_digest == resolve(lake, "alone").digest
    uri = f"lakefs://{lake.repository.name}/flights-v1.0.0/flights/year=2024/a"
    assert resolve(lake, uri).part_digest == resolve(lake, "alone").digest
