"""Looking into a snapshot, and reading it."""

from __future__ import annotations

import os

import pytest
from support.forging import flip_bit
from support.lakes import ingest_files, make_context

from lakefs_repro.errors import IntegrityError, InvalidError, NotFoundError
from lakefs_repro.snapshot.resolve import resolve

TABLES = {
    "month=1/a.csv": b"id,delay\n1,0.5\n2,\n",
    "month=2/b.csv": b"id,delay\n3,7.25\n",
    "readme.txt": b"flights of two months\n",
}


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


@pytest.fixture
def flights(ctx, tmp_path):
    ingest_files(ctx, tmp_path, TABLES)
    return resolve(ctx, "flights@1.0.0")


def test_files_sizes_and_uris(ctx, flights):
    files = list(flights.files)
    assert {e.path: e.size for e in files} == {path: len(data) for path, data in TABLES.items()}
    assert (len(flights.files), flights.size) == (3, sum(map(len, TABLES.values())))
    assert flights.files.find("readme.txt").size == len(TABLES["readme.txt"])
    assert flights.files.find("none") is None
    assert flights.uri("readme.txt") == (f"lakefs://{ctx.repository.name}/{flights.ingest_commit}/flights/readme.txt")
    assert str(flights) == "flights@1.0.0"


def test_open_reads_any_file(flights):
    with flights.open("readme.txt") as file:
        assert file.read() == TABLES["readme.txt"]
    with pytest.raises(NotFoundError, match="readme") as caught:
        flights.open("readme.tx")
    assert "readme.txt" in caught.value.hint


def test_rows_schema_and_statistics(flights):
    frame = flights.to_pandas()
    assert sorted(frame["id"]) == [1, 2, 3]
    assert flights.to_arrow(["delay"]).column_names == ["delay"]
    (schema,) = flights.schema
    assert [column.name for column in schema.columns][:2] == ["id", "delay"]
    (statistics,) = flights.statistics
    assert (statistics.rows, statistics.files) == (3, 2)
    delay = next(column for column in statistics.columns if column.name == "delay")
    assert (delay.nulls, delay.maximum) == (1, 7.25)
    assert flights.contract.table_for("month=1/a.csv") is not None
    assert list((flights.context.state / "reading").iterdir()) == [], "nothing stays behind"


def test_a_partition_is_less_of_everything(flights):
    part = resolve(flights.context, "flights@1.0.0#month=1")
    assert [e.path for e in part.files] == ["month=1/a.csv"]
    assert (len(part.files), part.size) == (1, len(TABLES["month=1/a.csv"]))
    assert part.to_arrow().num_rows == 2
    assert part.statistics[0].rows == 2
    assert part.digest == flights.digest
    assert part.files.find("month=2/b.csv") is None
    with pytest.raises(NotFoundError):
        part.open("month=2/b.csv")


def test_columns_and_rows_that_are_not_there(flights, ctx, tmp_path):
    with pytest.raises(InvalidError, match="nope") as caught:
        flights.to_arrow(["id", "nope"])
    assert "id, delay" in caught.value.hint
    ingest_files(ctx, tmp_path, {"x.bin": b"x"}, dataset="blobs")
    with pytest.raises(InvalidError) as caught:
        resolve(ctx, "blobs").to_arrow()
    assert caught.value.kind == "not-tables"


def test_a_manifest_of_many_chunks_streams(ctx, tmp_path):
    files = {f"{n % 7}/{n:05}": b"%d" % n for n in range(3000)}
    ingest_files(ctx, tmp_path, files)
    found = resolve(ctx, "flights")
    assert [e.path for e in found.files] == sorted(files)
    iterator = iter(found.files)
    assert next(iterator).path == min(files)
    iterator.close()
    assert len(found.files) == 3000


def test_damaged_tables_are_not_read(fresh_engine, tmp_path):
    ctx = make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")
    content = b"id\n" + b"\n".join(b"%d" % n for n in range(5000)) + b"\n" + os.urandom(8).hex().encode() + b"\n"
    ingest_files(ctx, tmp_path, {"a.csv": content})
    flip_bit(fresh_engine.root, content)
    with pytest.raises(IntegrityError, match=r"a\.csv"):
        resolve(ctx, "flights").to_pandas()
    with pytest.raises(IntegrityError, match=r"a\.csv"):
        resolve(ctx, "flights").open("a.csv")
