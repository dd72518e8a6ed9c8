"""The gate as an ingest passes it: which contract holds, what is read, what is kept."""

from __future__ import annotations

import json

import pytest
from support.lakes import Watch, data_at, ingest_files, leftovers, make_context, pins, tags

from lakefs_repro.errors import RejectedError
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.ingest.validate import captured_contract
from lakefs_repro.model.contract import Contract
from lakefs_repro.snapshot.line import read_line, sidecar_of
from lakefs_repro.testing.faults import FaultPlan, FaultProxy

JANUARY = b"id,price\n1,10\n2,20\n"
FEBRUARY = b"id,price\n3,30\n"


def contract(*properties, quality=(), **more):
    """A contract of one table with these columns."""
    columns = [{"name": "id", "logicalType": "integer"}, {"name": "price", "logicalType": "integer"}]
    for each in properties:
        columns = [each if c["name"] == each["name"] else c for c in columns]
    return Contract.model_validate(
        {"id": "flights", "schema": [{"name": "t", "properties": columns, "quality": list(quality)}], **more}
    )


@pytest.fixture
def ctx(embedded_engine, tmp_path):
    return make_context(embedded_engine, embedded_engine.new_repository(), tmp_path / "state")


def stored(ctx):
    return json.loads(sidecar_of(ctx, read_line(ctx, "flights")).statistics())


def reads(engine, ctx, tmp_path, files, **options):
    """The flights' objects that an ingest reads from the server."""
    with FaultProxy(engine.endpoint, FaultPlan("")) as proxy:
        watched = make_context(engine, ctx.repository.name, tmp_path / "state", url=proxy.url)
        ingest_files(watched, tmp_path, files, **options)
        return [path for method, path in proxy.log if method == "GET" and "/objects?path=flights%2F" in path]


def test_the_first_ingest_infers_a_contract_and_captures_it(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY})
    captured = captured_contract(ctx, read_line(ctx, "flights"))
    assert captured is not None
    assert [c.name for c in captured.tables[0].properties] == ["id", "price"]
    assert read_line(ctx, "flights").annotation.schema == captured.hash


def test_a_dataset_without_tables_has_a_contract_that_promises_nothing(ctx, tmp_path):
    result = ingest_files(ctx, tmp_path, {"a.bin": b"\0\1"})
    assert captured_contract(ctx, read_line(ctx, "flights")).tables == ()
    assert result.rows == 0
    assert captured_contract(ctx, read_line(ctx, "other")) is None


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_later_ingests_are_held_to_what_was_captured(ctx, tmp_path, mode):
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY})
    files = {"b.csv": b"id,price\nx,30\n"} if mode == "append" else {"a.csv": JANUARY, "b.csv": b"id,price\nx,30\n"}
    with pytest.raises(RejectedError) as caught:
        ingest_files(ctx, tmp_path, files, mode=mode)
    assert caught.value.kind == "contract-violated"
    assert "b.csv" in caught.value.message
    assert "id" in caught.value.message
    assert tags(ctx) == ["flights-v1.0.0"]
    assert pins(ctx) == ["pin-flights-v1_0_0"]
    assert leftovers(ctx) == []
    assert data_at(ctx, "main") == {"a.csv": JANUARY}


def test_examples_of_violations_are_told_and_not_stored(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY})
    with pytest.raises(RejectedError) as caught:
        ingest_files(ctx, tmp_path, {"a.csv": b"id,price\n1,ELEPHANT\n2,20\n"})
    assert "ELEPHANT" in str(caught.value)
    for branch in ctx.repository.branches.list():
        for info in ctx.repository.objects.list(branch.name):
            assert b"ELEPHANT" not in ctx.repository.objects.get(branch.name, info.path)


def test_a_warning_is_told_and_does_not_stop(embedded_engine, ctx, tmp_path):
    watch = Watch()
    noted = make_context(embedded_engine, ctx.repository.name, tmp_path / "state", progress=watch)
    check = {"type": "library", "metric": "rowCount", "mustBeGreaterThan": 100, "severity": "warning"}
    ingest_files(noted, tmp_path, {"a.csv": JANUARY}, contract=contract(quality=[check]))
    assert any("2 rows" in note for note in watch.notes)
    assert tags(ctx) == ["flights-v1.0.0"]


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_a_new_contract_is_held_against_everything(ctx, tmp_path, mode):
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY})
    strict = contract({"name": "price", "logicalType": "integer", "logicalTypeOptions": {"minimum": 15}})
    files = {"b.csv": FEBRUARY} if mode == "append" else {"a.csv": JANUARY, "b.csv": FEBRUARY}
    with pytest.raises(RejectedError) as caught:
        ingest_files(ctx, tmp_path, files, contract=strict, mode=mode)
    assert "a.csv" in caught.value.message  # an unchanged file breaks it
    assert "b.csv" not in caught.value.message
    assert captured_contract(ctx, read_line(ctx, "flights")).hash != strict.hash


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_a_new_contract_that_holds_is_captured_with_statistics_of_everything(ctx, tmp_path, mode):
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY})
    better = contract({"name": "price", "logicalType": "integer", "pii": True})
    files = {"b.csv": FEBRUARY} if mode == "append" else {"a.csv": JANUARY, "b.csv": FEBRUARY}
    result = ingest_files(ctx, tmp_path, files, contract=better, mode=mode)
    assert result.rows == 3
    assert captured_contract(ctx, read_line(ctx, "flights")).hash == better.hash
    found = stored(ctx)
    assert [f["path"] for f in found["files"]] == ["a.csv", "b.csv"]
    for file in found["files"]:
        assert file["columns"][1] == {"name": "price", "nulls": 0, "withheld": True}


def test_a_new_contract_alone_is_a_new_version(ctx, tmp_path):
    first = ingest_files(ctx, tmp_path, {"a.csv": JANUARY})
    again = ingest_files(ctx, tmp_path, {"a.csv": JANUARY}, contract=contract())
    assert (again.outcome, again.uploaded, again.digest) == ("created", 0, first.digest)
    unchanged = ingest_files(ctx, tmp_path, {"a.csv": JANUARY}, contract=contract())
    assert unchanged.outcome == "unchanged"


def test_statistics_of_unchanged_files_are_kept_without_reading_them(embedded_engine, ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY})
    before = stored(ctx)["files"]
    assert reads(embedded_engine, ctx, tmp_path, {"b.csv": FEBRUARY}, mode="append") == []
    after = stored(ctx)
    assert after["files"][0] == before[0]
    assert [f["rows"] for f in after["files"]] == [2, 1]
    assert after["tables"][0]["rows"] == 3
    assert after["tables"][0]["columns"][1] == {"name": "price", "nulls": 0, "min": 10, "max": 30}


def test_statistics_of_removed_files_go_with_them(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY, "b.csv": FEBRUARY})
    result = ingest_files(ctx, tmp_path, {"a.csv": JANUARY})
    assert result.rows == 2
    assert [f["path"] for f in stored(ctx)["files"]] == ["a.csv"]


def test_a_key_of_the_whole_dataset_reads_the_rest(embedded_engine, ctx, tmp_path):
    keyed = contract({"name": "id", "logicalType": "integer", "unique": True, "scope": "all"})
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY}, contract=keyed)
    with pytest.raises(RejectedError, match=r"(?s)id.*unique|unique.*id"):
        ingest_files(ctx, tmp_path, {"b.csv": b"id,price\n2,5\n"}, mode="append")
    assert len(reads(embedded_engine, ctx, tmp_path, {"b.csv": FEBRUARY}, mode="append")) == 1


def test_files_that_the_source_has_are_not_downloaded_for_it(embedded_engine, ctx, tmp_path):
    keyed = contract({"name": "id", "logicalType": "integer", "unique": True, "scope": "all"})
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY}, contract=keyed)
    assert reads(embedded_engine, ctx, tmp_path, {"a.csv": JANUARY, "b.csv": FEBRUARY}) == []


def test_counting_the_rows_of_the_whole_dataset_reads_nothing(embedded_engine, ctx, tmp_path):
    check = {"type": "library", "metric": "rowCount", "mustBeLessThan": 4}
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY}, contract=contract(quality=[check]))
    assert reads(embedded_engine, ctx, tmp_path, {"b.csv": FEBRUARY}, mode="append") == []
    with pytest.raises(RejectedError, match="4 rows"):
        ingest_files(ctx, tmp_path, {"c.csv": b"id,price\n4,40\n"}, mode="append")


def test_a_table_that_was_not_touched_keeps_its_schema(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"one/a.csv": b"x\n1\n", "two/a.csv": b"y\nz\n"})
    names = [s["table"] for s in stored(ctx)["schemas"]]
    assert len(names) == 2
    ingest_files(ctx, tmp_path, {"one/b.csv": b"x\n2\n"}, mode="append")
    assert [s["table"] for s in stored(ctx)["schemas"]] == names
    ingest_files(ctx, tmp_path, {"one/a.csv": b"x\n1\n", "one/b.csv": b"x\n2\n"})
    assert [s["table"] for s in stored(ctx)["schemas"]] == [n for n in names if "one" in n]


def test_an_unchanged_file_that_is_damaged_in_the_store_is_named(fresh_engine, tmp_path):
    import hashlib

    from lakefs_repro.embedded.locate import locate

    ctx = make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")
    keyed = contract({"name": "id", "logicalType": "integer", "unique": True, "scope": "all"})
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY}, contract=keyed)
    place = locate(fresh_engine.root, hashlib.sha256(JANUARY).hexdigest())
    place.file.chmod(0o600)
    with place.file.open("r+b") as file:
        file.seek(place.start + place.length - 2)
        file.write(b"7")
    with pytest.raises(RejectedError) as caught:
        ingest_files(ctx, tmp_path, {"b.csv": FEBRUARY}, mode="append")
    assert caught.value.kind == "stored-data-damaged"
    assert "a.csv" in caught.value.message
    assert tags(ctx) == ["flights-v1.0.0"]


def test_a_dry_run_validates_and_leaves_nothing(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a.csv": JANUARY})
    with pytest.raises(RejectedError):
        ingest_files(ctx, tmp_path, {"b.csv": b"id,price\nx,1\n"}, mode="append", dry_run=True)
    planned = ingest_files(ctx, tmp_path, {"b.csv": FEBRUARY}, mode="append", dry_run=True)
    assert (planned.outcome, planned.version, planned.rows) == ("planned", "1.1.0", 3)
    assert tags(ctx) == ["flights-v1.0.0"]
    assert leftovers(ctx) == []


def test_row_groups_too_large_for_several_threads_are_checked_one_by_one(embedded_engine, tmp_path):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    ctx = make_context(embedded_engine, embedded_engine.new_repository(), tmp_path / "state")
    local = tmp_path / "large" / "a.parquet"
    local.parent.mkdir()
    letters = np.frombuffer(b"0123456789abcdef", np.uint8)[np.random.default_rng(1).integers(0, 16, 45_000_000)]
    ends = pa.py_buffer(np.arange(0, len(letters) + 1, 100, dtype=np.int32))
    group = pa.table({"s": pa.StringArray.from_buffers(len(letters) // 100, ends, pa.py_buffer(letters))})
    with pq.ParquetWriter(local, group.schema, use_dictionary=False) as writer:
        for _ in range(4):
            writer.write_table(group, row_group_size=group.num_rows)
    column = {"name": "s", "logicalType": "string", "logicalTypeOptions": {"pattern": "^[0-9a-f]+$"}}
    promised = Contract.model_validate({"id": "d", "schema": [{"name": "t", "properties": [column]}]})
    result = ingest(ctx, IngestRequest("flights", (local.parent,), contract=promised, dry_run=True))
    assert result.rows == 4 * group.num_rows
