"""What lies beside the data: where, and what is said when it is not there."""

from __future__ import annotations

import pytest
from support.lakes import ingest_files, make_context

from lakefs_repro.errors import IntegrityError, NotFoundError
from lakefs_repro.model.manifest import iter_entries
from lakefs_repro.snapshot.sidecar import Sidecar, SidecarPaths, overlay


@pytest.fixture
def ingested(embedded_engine, tmp_path):
    ctx = make_context(embedded_engine, embedded_engine.new_repository(), tmp_path / "state")
    result = ingest_files(ctx, tmp_path, {"a": b"1", "b": b"22"})
    return ctx.repository.objects, result


def test_everything_has_its_place(ingested):
    objects, result = ingested
    listed = [o.path for o in objects.list(result.ingest_commit, "_lakefs_repro/")]
    root = "_lakefs_repro/flights/"
    assert listed == [
        f"{root}contract.yaml",
        f"{root}head.json",
        f"{root}manifest/{result.digest}",
        f"{root}statistics.json",
    ]
    assert SidecarPaths("flights").chunk("abc") == f"{root}manifest/abc"


def test_the_manifest_of_a_commit_is_read_from_it(ingested):
    objects, result = ingested
    sidecar = Sidecar(objects, "flights", result.ingest_commit)
    assert [(e.path, e.size) for e in iter_entries(result.digest, sidecar.chunk)] == [("a", 1), ("b", 2)]
    head = sidecar.head()
    assert (head.manifest, head.ingest, head.version) == (result.digest, result.ingest, "1.0.0")
    assert head.contract == sidecar.contract().hash


def test_a_chunk_is_read_once(ingested):
    objects, result = ingested
    sidecar = Sidecar(objects, "flights", result.ingest_commit)
    assert sidecar.chunk(result.digest) is sidecar.chunk(result.digest)


def test_a_missing_chunk_is_an_incomplete_manifest(ingested):
    objects, result = ingested
    with pytest.raises(IntegrityError) as caught:
        Sidecar(objects, "flights", result.ingest_commit).chunk("0" * 64)
    assert caught.value.kind == "manifest-incomplete"


def test_a_dataset_that_is_not_there_is_not_found(ingested):
    objects, result = ingested
    with pytest.raises(NotFoundError):
        Sidecar(objects, "planes", result.ingest_commit).head()


def test_new_chunks_go_before_old_ones():
    read = overlay({"a": b"new"}, {"a": b"old", "b": b"old"}.__getitem__)
    assert (read("a"), read("b")) == (b"new", b"old")
    with pytest.raises(KeyError):
        overlay({}, None)("a")
