"""An interrupted ingest, typed again when the source, the contract or the message has changed since."""

from __future__ import annotations

import subprocess

import pytest
from support.commands import command
from support.lakes import data_at, ingest_files, leftovers, make_context, pins, tags, write_files

from lakefs_repro.errors import LakefsReproError, RejectedError
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.model.contract import Contract
from lakefs_repro.restore.rollback import roll_back
from lakefs_repro.snapshot.line import read_line

CONTRACT = """\
apiVersion: v3.0.2
kind: DataContract
id: flights
version: 1.0.0
status: active
schema:
  - name: flights
    properties:
      - {name: id, logicalType: integer, required: true}
"""


def killed(engine, tmp_path, files, step):
    repository = engine.new_repository()
    ctx = make_context(engine, repository, tmp_path / "state")
    source = write_files(tmp_path / "source", files)
    done = subprocess.run(command(engine, repository, source, tmp_path / "state", kill=step), capture_output=True)
    assert done.returncode == -9
    return ctx, source


@pytest.mark.parametrize("step", ["recheck", "tag", "ledger", "cleanup"])
def test_what_changed_after_the_merge_becomes_the_next_version(engine, tmp_path, step):
    ctx, source = killed(engine, tmp_path, {"a": b"1"}, step)
    write_files(source, {"a": b"later"})
    result = ingest(ctx, IngestRequest("flights", (source,)))
    assert result.version == "1.1.0"
    assert data_at(ctx, "flights-v1.0.0") == {"a": b"1"}
    assert data_at(ctx, "flights-v1.1.0") == {"a": b"later"}
    assert leftovers(ctx) == []


def test_a_reservation_is_given_back_when_the_data_is_refused_now(engine, tmp_path):
    ctx, source = killed(engine, tmp_path, {"a.csv": b"id\n1\n"}, "merge")
    write_files(source, {"a.csv": b"id\n\n2\n", "b.csv": b"id\nx\n"})
    with pytest.raises(LakefsReproError):
        ingest(ctx, IngestRequest("flights", (source,), contract=Contract.load(CONTRACT)))
    assert pins(ctx) == []
    assert leftovers(ctx) == []
    assert ingest_files(ctx, tmp_path, {"a.csv": b"id\n1\n"}).version == "1.0.0"


@pytest.mark.parametrize("step", ["confirm", "pin", "merge"])
def test_a_contract_and_a_message_named_only_now_are_what_is_published(engine, tmp_path, step):
    ctx, source = killed(engine, tmp_path, {"a.csv": b"id\n1\n"}, step)
    contract = Contract.load(CONTRACT)
    result = ingest(ctx, IngestRequest("flights", (source,), contract=contract, message="with a contract"))
    line = read_line(ctx, "flights")
    assert (result.version, line.annotation.schema, line.head.message) == ("1.0.0", contract.hash, "with a contract")
    with pytest.raises(RejectedError):
        ingest_files(ctx, tmp_path, {"a.csv": b"id\n1\n", "b.csv": b"id,x\n,2\n"})
    assert tags(ctx) == ["flights-v1.0.0"]
    assert leftovers(ctx) == []


def test_a_stray_outside_the_dataset_on_the_ingest_branch_is_found(engine, tmp_path):
    repository = engine.new_repository()
    other = make_context(engine, repository, tmp_path / "other")
    from support.lakes import Watch

    def meddle():
        (branch,) = leftovers(other)
        other.repository.objects.put(branch, "planes/stray.txt", b"?")

    ctx = make_context(engine, repository, tmp_path / "state", progress=Watch(commit=meddle))
    with pytest.raises(LakefsReproError) as caught:
        ingest_files(ctx, tmp_path, {"a": b"1"})
    assert "planes/stray.txt" in caught.value.message
    assert tags(ctx) == []


def test_a_commit_that_nobody_validated_is_not_rolled_back_to(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    first = ingest_files(ctx, tmp_path, {"a": b"1"})
    ingest_files(ctx, tmp_path, {"a": b"2"})
    metadata = ctx.repository.commits.get(first.ingest_commit).metadata
    ctx.repository.branches.create("forged", first.ingest_commit)
    ctx.repository.objects.put("forged", "flights/evil.csv", b"evil")
    forged = ctx.repository.commits.create("forged", "forged", dict(metadata))
    with pytest.raises(RejectedError) as caught:
        roll_back(ctx, "flights", forged.id)
    assert caught.value.kind == "never-validated"
    assert tags(ctx) == ["flights-v1.0.0", "flights-v1.1.0"]


def test_a_version_whose_data_is_gone_is_not_rolled_back_to(fresh_engine, tmp_path):
    ctx = make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")
    first = ingest_files(ctx, tmp_path, {"a": b"1" * 100_000})
    ingest_files(ctx, tmp_path, {"a": b"2"})
    for block in (fresh_engine.root / "blocks").rglob("*"):
        if block.is_file():
            block.unlink()
    with pytest.raises(RejectedError) as caught:
        roll_back(ctx, "flights", first.ingest_commit)
    assert caught.value.kind == "not-restorable"
    assert tags(ctx) == ["flights-v1.0.0", "flights-v1.1.0"]
