from __future__ import annotations

import json

import pytest

from lakefs_repro.errors import IntegrityError
from lakefs_repro.model.head import HeadRecord

HEAD = HeadRecord(
    dataset="flights",
    ingest="01HF7YAT3V0000000000000000",
    version="1.0.0",
    manifest="ab" * 32,
    contract="cd" * 32,
    files=3,
    bytes=12,
)


def test_head_is_canonical_json():
    assert HEAD.encode() == (
        b'{"bytes":12,"contract":"' + b"cd" * 32 + b'","dataset":"flights","files":3,"format":1,'
        b'"ingest":"01HF7YAT3V0000000000000000","manifest":"' + b"ab" * 32 + b'","version":"1.0.0"}\n'
    )
    assert HeadRecord.decode(HEAD.encode()) == HEAD


def test_head_of_a_newer_release_is_read():
    value = {**json.loads(HEAD.encode()), "new": 1}
    assert HeadRecord.decode(json.dumps(value).encode()) == HEAD


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"manifest": "x"},
        {"manifest": 1},
        {"files": "3"},
        {"files": -1},
        {"bytes": True},
        {"dataset": None},
    ],
)
def test_a_wrong_value_is_refused(change):
    value = {**json.loads(HEAD.encode()), **change}
    with pytest.raises(IntegrityError, match=r"_lakefs_repro/flights/head\.json"):
        HeadRecord.decode(json.dumps(value).encode(), path="_lakefs_repro/flights/head.json")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b"{}", b"7", b"null", b'"x"'])
def test_what_is_no_head_is_refused(data):
    with pytest.raises(IntegrityError, match="damaged"):
        HeadRecord.decode(data)
