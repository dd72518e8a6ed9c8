"""The history of one partition: only the versions in which it changed."""

from __future__ import annotations

import pytest
from support.forging import forge
from support.lakes import ingest_files, make_context

from lakefs_repro.errors import InvalidError, NotFoundError
from lakefs_repro.snapshot.history import log
from lakefs_repro.snapshot.resolve import resolve


@pytest.fixture
def lake(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    march = {"month=3/a": b"a", "month=3/b": b"b"}
    ingest_files(ctx, tmp_path, {"month=2/x": b"x"})
    ingest_files(ctx, tmp_path, {"month=2/x": b"x", **march})
    ingest_files(ctx, tmp_path, {"month=2/x": b"y", **march})
    ingest_files(ctx, tmp_path, {"month=2/x": b"y", "month=3/a": b"aaa"})
    return ctx


def test_only_what_changed_the_partition(lake):
    entries = list(log(lake, "flights#month=3"))
    assert [(e.version, e.added, e.changed, e.removed) for e in entries] == [("1.3.0", 0, 1, 1), ("1.1.0", 2, 0, 0)]
    assert [(e.files, e.bytes, e.rows) for e in entries] == [(1, 3, None), (2, 2, None)]
    assert [e.part_digest for e in entries] == [
        resolve(lake, f"flights@{v}#month=3").part_digest for v in ("1.3.0", "1.1.0")
    ]
    assert [e.version for e in log(lake, "flights#month=2")] == ["1.2.0", "1.0.0"]
    assert [e.part_digest for e in log(lake, "flights")] == [""] * 4


def test_where_a_manifest_is_gone_nothing_is_made_up(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    forge(ctx, {"month=3/a": b"a"}, digest="0" * 64)
    (entry,) = log(ctx, "flights#month=3")
    assert (entry.added, entry.files, entry.part_digest) == (None, 0, "")


@pytest.mark.parametrize("ref", ["flights@1.0.0#month=3", "main~1"])
def test_a_history_is_of_a_dataset(lake, ref):
    with pytest.raises(InvalidError):
        list(log(lake, ref))


def test_what_never_was_is_said(lake):
    with pytest.raises(NotFoundError) as caught:
        list(log(lake, "flights#month=03"))
    assert caught.value.kind == "partition-not-found"
    with pytest.raises(InvalidError) as malformed:
        list(log(lake, "flights#month"))
    assert malformed.value.kind == "invalid-ref"
