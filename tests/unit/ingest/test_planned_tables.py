"""Unchanged table files that are too much to download: only what a check needs is read, over real HTTP."""

from __future__ import annotations

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.lakes import ingest_files, make_context, tags

from lakefs_repro.errors import DeniedError, RejectedError, UnavailableError
from lakefs_repro.ingest import planned_tables
from lakefs_repro.model.contract import Contract
from lakefs_repro.testing.faults import FaultPlan, FaultProxy

COLUMNS = 10
ROWS = 40_000


def table(seed: int, rows: int = ROWS) -> bytes:
    pick = random.Random(seed)
    names = ["id", *(f"c{i}" for i in range(1, COLUMNS))]
    out = io.BytesIO()
    pq.write_table(pa.table({name: [pick.getrandbits(62) for _ in range(rows)] for name in names}), out)
    return out.getvalue()


LARGE = table(1)
SMALL = table(2, 10)
AGAIN = table(1, 10)  # keys that are in LARGE, too


def keyed() -> Contract:
    columns = [{"name": f"c{i}", "logicalType": "integer"} for i in range(1, COLUMNS)]
    key = {"name": "id", "logicalType": "integer", "unique": True, "scope": "all"}
    return Contract.model_validate({"id": "d", "schema": [{"name": "t", "properties": [key, *columns]}]})


@pytest.fixture(autouse=True)
def _nothing_is_downloaded(monkeypatch):
    monkeypatch.setattr(planned_tables, "DOWNLOADED_BELOW", 0)


@pytest.fixture
def ctx(fresh_engine, tmp_path):
    ctx = make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")
    ingest_files(ctx, tmp_path, {"large.parquet": LARGE}, contract=keyed())
    return ctx


def sent(engine) -> int:
    """Bytes of large.parquet that the server has given out."""
    (log,) = engine.root.rglob("access.log")
    lines = [line.split() for line in log.read_text().splitlines()]
    return sum(int(line[-1]) for line in lines if line[1] == "GET" and "large.parquet" in line[2])


def test_a_key_reads_its_own_column_of_the_unchanged_files(ctx, fresh_engine, tmp_path):
    before = sent(fresh_engine)
    result = ingest_files(ctx, tmp_path, {"small.parquet": SMALL}, mode="append")
    assert result.rows == ROWS + 10
    fetched = sent(fresh_engine) - before
    assert 0.8 * len(LARGE) / COLUMNS < fetched < 2 * len(LARGE) / COLUMNS + (128 << 10)


def test_a_repeated_key_is_found(ctx, tmp_path):
    with pytest.raises(RejectedError, match=r"a key occurs more than once \(also in large.parquet\)"):
        ingest_files(ctx, tmp_path, {"again.parquet": AGAIN}, mode="append")


def test_broken_connections_are_taken_up_again_and_lost_ones_are_no_violation(ctx, fresh_engine, tmp_path):
    where = r"/refs/[0-9a-f]{64}/objects\?path=flights%2Flarge.parquet"
    with FaultProxy(fresh_engine.endpoint, FaultPlan("ok cut drop 503 " + "ok " * 9, path=where)) as proxy:
        faulty = make_context(fresh_engine, ctx.repository.name, tmp_path / "state", url=proxy.url)
        planned = ingest_files(faulty, tmp_path, {"small.parquet": SMALL}, mode="append", dry_run=True)
        assert planned.rows == ROWS + 10
        assert proxy.plan.matched > 4
    for fault in ("drop", "503", "401"):
        with FaultProxy(fresh_engine.endpoint, FaultPlan("ok " + f"{fault} " * 99, path=where)) as proxy:
            faulty = make_context(fresh_engine, ctx.repository.name, tmp_path / "state", url=proxy.url)
            with pytest.raises(DeniedError if fault == "401" else UnavailableError):
                ingest_files(faulty, tmp_path, {"small.parquet": SMALL}, mode="append")
    assert tags(ctx) == ["flights-v1.0.0"]
    assert ingest_files(ctx, tmp_path, {"small.parquet": SMALL}, mode="append").version == "1.1.0"


def test_an_object_that_is_gone_is_stored_data_damaged(ctx, fresh_engine, tmp_path):
    with FaultProxy(fresh_engine.endpoint, FaultPlan("410 " * 99, path="objects.path=flights%2Flarge")) as proxy:
        faulty = make_context(fresh_engine, ctx.repository.name, tmp_path / "state", url=proxy.url)
        with pytest.raises(RejectedError, match=r"large\.parquet at .* is not what its manifest promises") as gone:
            ingest_files(faulty, tmp_path, {"small.parquet": SMALL}, mode="append")
    assert gone.value.kind == "stored-data-damaged"
