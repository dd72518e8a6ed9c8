"""An ingest from Python: all of it or nothing."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.lakes import data_at, leftovers, make_context, tags, write_files

from lakefs_repro.api.session import IngestSession
from lakefs_repro.errors import InvalidError, LakefsReproError
from lakefs_repro.ingest.request import IngestRequest


@pytest.fixture
def ctx(embedded_engine, tmp_path):
    return make_context(embedded_engine, embedded_engine.new_repository(), tmp_path / "state")


def session(ctx, **options):
    return IngestSession(ctx, IngestRequest("flights", (), **options))


def test_files_folders_and_bytes_become_one_version(ctx, tmp_path):
    write_files(tmp_path, {"folder/a": b"1", "folder/deep/b": b"2", "single": b"3"})
    with session(ctx) as ingest:
        ingest.add(tmp_path / "folder", under="x")
        ingest.add(str(tmp_path / "single"))
        ingest.add_bytes(b"4", "made/here.txt")
        assert tags(ctx) == []
    assert ingest.result.version == "1.0.0"
    assert data_at(ctx, "flights-v1.0.0") == {"x/a": b"1", "x/deep/b": b"2", "single": b"3", "made/here.txt": b"4"}


@pytest.mark.parametrize("kind", ["pandas", "arrow"])
def test_tables_are_kept_as_parquet(ctx, tmp_path, kind):
    frame = pd.DataFrame({"id": [1, 2, 3], "name": ["a", None, "ü"]}, index=[7, 8, 9])
    table = frame if kind == "pandas" else pa.table({"id": [1, 2, 3], "name": ["a", None, "ü"]})
    with session(ctx) as ingest:
        ingest.add_table(table, "month=4/part-0.parquet")
    assert ingest.result.rows == 3
    (tmp_path / "back.parquet").write_bytes(data_at(ctx, "main")["month=4/part-0.parquet"])
    back = pq.read_table(tmp_path / "back.parquet", partitioning=None)
    assert back.to_pydict() == {"id": [1, 2, 3], "name": ["a", None, "ü"]}


def test_an_exception_publishes_nothing(ctx):
    with session(ctx) as ingest:
        ingest.add_bytes(b"1", "a")
    main = ctx.repository.branches.get("main").commit
    with pytest.raises(ZeroDivisionError), session(ctx) as ingest:  # noqa: PT012 - the block is what is tested
        ingest.add_bytes(b"2", "a")
        raise ZeroDivisionError
    assert ctx.repository.branches.get("main").commit == main
    assert tags(ctx) == ["flights-v1.0.0"]
    assert leftovers(ctx) == []
    with pytest.raises(LakefsReproError) as caught:
        _ = ingest.result
    assert caught.value.kind == "not-done"


def test_an_interrupt_publishes_nothing(ctx):
    with pytest.raises(KeyboardInterrupt), session(ctx) as ingest:  # noqa: PT012 - the block is what is tested
        ingest.add_bytes(b"1", "a")
        raise KeyboardInterrupt
    assert tags(ctx) == []


def test_a_path_added_twice_is_refused_and_nothing_is_published(ctx, tmp_path):
    write_files(tmp_path, {"a": b"file"})
    with pytest.raises(InvalidError) as caught, session(ctx) as ingest:  # noqa: PT012 - the block is what is tested
        ingest.add_bytes(b"1", "a")
        ingest.add(tmp_path / "a")
    assert caught.value.kind == "duplicate-path"
    assert tags(ctx) == []


def test_whoever_survives_the_refusal_publishes_what_was_added_first(ctx):
    with session(ctx) as ingest:
        ingest.add_bytes(b"first", "a")
        with pytest.raises(InvalidError):
            ingest.add_bytes(b"second", "a")
        ingest.add_bytes(b"third", "b")
    assert data_at(ctx, "main") == {"a": b"first", "b": b"third"}


def test_nothing_added_is_refused(ctx):
    with pytest.raises(InvalidError) as caught, session(ctx):
        pass
    assert caught.value.kind == "empty-source"


@pytest.mark.parametrize("path", ["../x.parquet", "/x.parquet", "a//x.parquet", "a\0.parquet", ""])
def test_a_path_that_leads_elsewhere_is_refused(ctx, path):
    with session(ctx) as ingest:
        ingest.add_bytes(b"1", "a")
        with pytest.raises(InvalidError):
            ingest.add_bytes(b"", path)
        with pytest.raises(InvalidError):
            ingest.add_table(pa.table({"x": [1]}), path)


def test_a_table_under_another_name_is_refused(ctx):
    with session(ctx) as ingest:
        ingest.add_bytes(b"1", "a")
        with pytest.raises(InvalidError) as caught:
            ingest.add_table(pa.table({"x": [1]}), "x.csv")
    assert caught.value.kind == "bad-table"


def test_outside_a_with_block_nothing_can_be_made(ctx):
    with pytest.raises(LakefsReproError) as caught:
        session(ctx).add_bytes(b"", "a")
    assert caught.value.kind == "not-done"


def test_the_private_folder_is_gone_afterwards(ctx, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "private"))
    (tmp_path / "private").mkdir()
    with session(ctx) as ingest:
        ingest.add_bytes(b"1", "a")
    with pytest.raises(ZeroDivisionError), session(ctx) as ingest:  # noqa: PT012 - the block is what is tested
        ingest.add_bytes(b"1", "a")
        raise ZeroDivisionError
    assert list((tmp_path / "private").iterdir()) == []


def test_exclusions_of_the_request_hold_for_added_folders(ctx, tmp_path):
    write_files(tmp_path / "s", {"a": b"1", "b.tmp": b"2"})
    with session(ctx, exclude=("*.tmp",)) as ingest:
        ingest.add(tmp_path / "s")
    assert ingest.result.excluded == 1
    assert data_at(ctx, "main") == {"a": b"1"}


def test_one_partition_alone_is_replaced(ctx):
    with session(ctx) as ingest:
        ingest.add_bytes(b"1", "month=1/a")
        ingest.add_bytes(b"2", "month=2/a")
    with session(ctx, partition="month=2") as ingest:
        ingest.add_bytes(b"22", "a")
        ingest.add_bytes(b"b", "b")
    assert data_at(ctx, "main") == {"month=1/a": b"1", "month=2/a": b"22", "month=2/b": b"b"}
