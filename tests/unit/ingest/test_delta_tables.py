"""A Delta table as a dataset: its checks, counts and rows are those of the log's newest version."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pytest
from support.lakes import make_context

from lakefs_repro.ingest import planned_tables
from lakefs_repro.ingest.branch.source import BranchSource, FromBranch
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.ingest.validate import ContractViolatedError
from lakefs_repro.model.contract import Contract
from lakefs_repro.snapshot.resolve import resolve

deltalake = pytest.importorskip("deltalake")


def rows(start: int, count: int) -> pa.Table:
    return pa.table({"id": range(start, start + count)})


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


@pytest.fixture
def folder(tmp_path):
    """A table of two commits."""
    path = tmp_path / "trips"
    deltalake.write_deltalake(str(path), rows(0, 10))
    deltalake.write_deltalake(str(path), rows(10, 10), mode="append")
    return path


def version(ctx, folder, **options):
    result = ingest(ctx, IngestRequest("trips", (folder,), **options))
    return resolve(ctx, f"{result.dataset}@{result.version}")


def ids(snapshot) -> list[int]:
    return sorted(snapshot.to_arrow()["id"].to_pylist())


def test_versions_have_the_rows_that_the_log_says(ctx, folder):
    first = version(ctx, folder)
    assert [(t.table, t.rows) for t in first.statistics] == [("trips", 20)]
    deltalake.DeltaTable(str(folder)).delete("id >= 15")
    second = version(ctx, folder)
    assert [(t.table, t.rows) for t in second.statistics] == [("trips", 15)]
    table = deltalake.DeltaTable(str(folder))
    table.restore(1)
    table.create_checkpoint()
    third = version(ctx, folder)
    assert [t.rows for t in third.statistics] == [20], "files that the log names again count again"
    assert (ids(first), ids(second), ids(third)) == ([*range(20)], [*range(15)], [*range(20)])
    assert {entry.path.partition("/")[0] for entry in third.files} > {"_delta_log"}


def unique(**quality) -> Contract:
    return Contract.model_validate(
        {
            "id": "trips",
            "schema": [
                {
                    "name": "trips",
                    "physicalName": "**/*.parquet",
                    "properties": [{"name": "id", "logicalType": "integer", "unique": True}],
                    **quality,
                }
            ],
        }
    )


def test_a_row_that_was_rewritten_is_no_duplicate(ctx, folder):
    version(ctx, folder, contract=unique())
    table = deltalake.DeltaTable(str(folder))
    table.optimize.compact()
    assert ids(version(ctx, folder)) == [*range(20)]
    deltalake.write_deltalake(str(folder), rows(5, 1), mode="append")
    with pytest.raises(ContractViolatedError, match="a key occurs more than once"):
        version(ctx, folder)


@pytest.mark.parametrize("below", [0, planned_tables.DOWNLOADED_BELOW])
def test_the_files_of_a_commit_alone_are_added_and_held_against_the_rest(ctx, folder, tmp_path, monkeypatch, below):
    """By ``--mode append`` the source has only what is new: the log is completed from the line, and the rest is read."""
    monkeypatch.setattr(planned_tables, "DOWNLOADED_BELOW", below)
    version(ctx, folder, contract=unique())
    before = {path for path in folder.rglob("*") if path.is_file()}

    def only_new() -> object:
        part = tmp_path / "part"
        shutil.rmtree(part, ignore_errors=True)
        for path in sorted(set(folder.rglob("*")) - before):
            if path.is_file():
                (part / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, part / path.relative_to(folder))
        return part

    deltalake.write_deltalake(str(folder), rows(20, 5), mode="append")
    added = version(ctx, only_new(), mode="append")
    assert [t.rows for t in added.statistics] == [25]
    assert ids(added) == [*range(25)]
    before = {path for path in folder.rglob("*") if path.is_file()}
    deltalake.write_deltalake(str(folder), rows(3, 1), mode="append")
    with pytest.raises(ContractViolatedError, match="a key occurs more than once"):
        version(ctx, only_new(), mode="append")


def test_a_log_that_names_a_file_which_is_not_there_is_refused(ctx, folder):
    next(folder.glob("*.parquet")).unlink()
    with pytest.raises(ContractViolatedError, match="which is not there"):
        version(ctx, folder)


def test_half_written_files_are_kept_and_are_no_rows(ctx, folder):
    (folder / "part-left-over.parquet").write_bytes(b"PAR1 half")
    (folder / "_change_data").mkdir()
    (folder / "_change_data" / "cdc-1.parquet").write_bytes(b"no rows of the table")
    snapshot = version(ctx, folder)
    assert {"part-left-over.parquet", "_change_data/cdc-1.parquet"} < {entry.path for entry in snapshot.files}
    assert ids(snapshot) == [*range(20)]
    stored = json.loads(snapshot.sidecar.statistics())
    assert stored["delta"] == [{"folder": "", "version": 1}]
    (folder / "another-left-over.parquet").write_bytes(b"PAR1 half")
    assert ids(version(ctx, folder)) == [*range(20)]


def test_a_table_on_a_branch_is_followed_where_it_lies(ctx, folder):
    """Log and footers are read by ranges, and of an unchanged file nothing at all."""

    def from_branch(branch: str):
        for path in folder.rglob("*"):
            if path.is_file():
                ctx.repository.objects.put(branch, f"trips/{path.relative_to(folder)}", path.read_bytes())
        ctx.repository.commits.create(branch, "by a Delta library")
        source = BranchSource(ctx, FromBranch("trips", branch))
        return ingest(ctx, IngestRequest("trips", (), source=source))

    ctx.repository.branches.create("first", "main")
    first = from_branch("first")
    assert (first.rows, first.uploaded) == (20, 0)
    deltalake.write_deltalake(str(folder), rows(20, 5), mode="append")
    deltalake.DeltaTable(str(folder)).delete("id >= 10 and id < 20")
    ctx.repository.branches.create("nightly", "main")
    second = from_branch("nightly")
    assert (second.rows, second.uploaded, second.hashed) == (15, 0, 3)
    snapshot = resolve(ctx, "trips@latest")
    assert ids(snapshot) == [*range(10), *range(20, 25)]
