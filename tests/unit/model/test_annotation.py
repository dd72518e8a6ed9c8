from __future__ import annotations

import hashlib
import json

import pytest

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.annotation import Annotation, Input, is_annotation

ULID = "01HF7YAT3V0000000000000000"
DIGEST = "ab" * 32
SMALL = Annotation(ingest=ULID, dataset="flights", version="1.0.0", digest=DIGEST)
FULL = Annotation(
    ingest=ULID,
    dataset="flights",
    version="1.2.0",
    digest=DIGEST,
    schema="cd" * 32,
    rows=0,
    bytes=12,
    files=3,
    inputs=(
        Input(ref="raw@^1", dataset="raw", version="1.4.0", commit="c0ffee", digest="ef" * 32),
        Input(ref="weather"),
    ),
    job="https://ci.example/42",
    query="select *\nfrom raw",
    code="0123456789",
    code_dirty=True,
    ledger="feedface",
    commit="deadbeef",
    previous="1.1.0",
    rolled_back_to="1.0.0",
    tool="lakefs-repro 0.1.0",
    sha256_by="client",
    extra={"repro.from_the_future": "yes"},
)


def size(metadata):
    return sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items())


@pytest.mark.parametrize("annotation", [SMALL, FULL], ids=["small", "full"])
def test_annotation_survives_a_commit(annotation):
    metadata = annotation.encode()
    assert all(isinstance(value, str) for value in metadata.values())
    assert all(key.startswith("repro.") for key in metadata)
    assert is_annotation(metadata)
    assert Annotation.decode(metadata) == annotation.shortened()
    assert Annotation.decode(metadata).encode() == metadata


def test_keys_are_those_of_the_design():
    assert FULL.encode() == {
        "repro.format": "1",
        "repro.ingest": ULID,
        "repro.dataset": "flights",
        "repro.version": "1.2.0",
        "repro.digest": DIGEST,
        "repro.schema": "cd" * 32,
        "repro.rows": "0",
        "repro.bytes": "12",
        "repro.files": "3",
        "repro.inputs": (
            '[{"commit":"c0ffee","dataset":"raw","digest":"' + "ef" * 32 + '","ref":"raw@^1","version":"1.4.0"},'
            '{"commit":"","dataset":"","digest":"","ref":"weather","version":""}]'
        ),
        "repro.job": "https://ci.example/42",
        "repro.query": "select *\nfrom raw",
        "repro.query_sha256": hashlib.sha256(b"select *\nfrom raw").hexdigest(),
        "repro.code": "0123456789-dirty",
        "repro.ledger": "feedface",
        "repro.commit": "deadbeef",
        "repro.previous": "1.1.0",
        "repro.rolled_back_to": "1.0.0",
        "repro.tool": "lakefs-repro 0.1.0",
        "repro.sha256_by": "client",
        "repro.from_the_future": "yes",
    }
    assert SMALL.encode() == {
        "repro.format": "1",
        "repro.ingest": ULID,
        "repro.dataset": "flights",
        "repro.version": "1.0.0",
        "repro.digest": DIGEST,
        "repro.bytes": "0",
        "repro.files": "0",
        "repro.previous": "",
    }


def test_a_long_query_is_cut_between_characters_and_hashed_whole():
    query = "é" * 10_000
    annotation = Annotation(ingest=ULID, dataset="a", version="1.0.0", digest=DIGEST, query=query)
    found = Annotation.decode(annotation.encode())
    assert found.query == "é" * 4096
    assert found.query_sha256 == hashlib.sha256(query.encode()).hexdigest()
    assert Annotation.decode(found.encode()) == found


def test_many_inputs_are_cut_counted_and_hashed_whole():
    inputs = tuple(Input(ref=f"raw-{number}@1.0.0", digest=DIGEST) for number in range(2000))
    annotation = Annotation(ingest=ULID, dataset="a", version="1.0.0", digest=DIGEST, inputs=inputs)
    metadata = annotation.encode()
    found = Annotation.decode(metadata)
    assert 100 < len(found.inputs) < 2000
    assert found.inputs == inputs[: len(found.inputs)]
    assert found.inputs_omitted == 2000 - len(found.inputs)
    assert len(metadata["repro.inputs"].encode()) <= 24 * 1024
    listed = [{"ref": one.ref, "dataset": "", "version": "", "commit": "", "digest": one.digest} for one in inputs]
    text = json.dumps(listed, sort_keys=True, separators=(",", ":"))
    assert found.inputs_sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert found.encode() == metadata


def test_the_largest_annotation_stays_below_64_kb():
    annotation = Annotation(
        ingest=ULID,
        dataset="a" * 64,
        version="1.0.0",
        digest=DIGEST,
        query="q" * 10**6,
        inputs=tuple(Input(ref="r" * 500) for _ in range(1000)),
        job="j" * 20_000,
    )
    assert size(annotation.encode()) < 64 * 1024


def test_what_can_not_be_shortened_is_refused_by_name():
    with pytest.raises(InvalidError, match=r"largest key is 'repro\.job' with 60009 bytes"):
        Annotation(ingest=ULID, dataset="a", version="1.0.0", digest=DIGEST, job="j" * 60_000).encode()


def test_other_peoples_keys_are_left_alone():
    found = Annotation.decode({**SMALL.encode(), "author": "me", "repro.new": "1"})
    assert found.extra == {"repro.new": "1"}
    assert found.encode()["repro.new"] == "1"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"repro.format": "2"}, "format '2'"),
        ({"repro.rows": "many"}, "repro.rows is 'many'"),
        ({"repro.files": "-1"}, "repro.files"),
        ({"repro.bytes": "١"}, "repro.bytes"),
        ({"repro.digest": ""}, "repro.digest is missing"),
        ({"repro.inputs": "{"}, "repro.inputs"),
        ({"repro.inputs": "[1]"}, "repro.inputs"),
        ({"repro.inputs": "7"}, "repro.inputs"),
    ],
)
def test_malformed_annotations_are_refused(change, match):
    with pytest.raises(InvalidError, match=match) as caught:
        Annotation.decode({**SMALL.encode(), **change})
    assert caught.value.kind == "invalid-annotation"
    assert caught.value.hint


def test_a_commit_without_annotation():
    assert not is_annotation({})
    assert not is_annotation({"repro.dataset": "a"})
    with pytest.raises(InvalidError, match="carries no annotation"):
        Annotation.decode({"author": "me"})
