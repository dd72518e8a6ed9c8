"""Signatures of the engine's own: what they bind, and when they end."""

from __future__ import annotations

import itertools
from urllib.parse import parse_qsl, urlencode

import pytest

from lakefs_repro.embedded.signing import URL_SECONDS, ExpiredError, Signer, UnsignedError, WrongSignatureError


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.5

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def signer(clock):
    return Signer(b"k" * 32, clock)


def parts(grant):
    path, _, query = grant.target.partition("?")
    return path, query


def test_fields_come_back(signer):
    fields = {"a": "ü&=? +/%", "empty": ""}
    grant = signer.grant("GET", "/presigned/object", fields)
    path, query = parts(grant)
    assert path == "/presigned/object"
    assert grant.expiry == 1_000_000 + URL_SECONDS
    assert signer.check("GET", path, query) == {**fields, "expires": str(grant.expiry)}


def test_ends_after_a_quarter_of_an_hour(signer, clock):
    path, query = parts(signer.grant("GET", "/presigned/object", {}))
    clock.now = 1_000_000 + URL_SECONDS
    signer.check("GET", path, query)
    clock.now += 1
    with pytest.raises(ExpiredError):
        signer.check("GET", path, query)


def test_order_of_the_fields_does_not_count(signer):
    path, query = parts(signer.grant("GET", "/p", {"a": "1", "b": "2"}))
    for shuffled in itertools.permutations(query.split("&")):
        assert signer.check("GET", path, "&".join(shuffled))["b"] == "2"


@pytest.mark.parametrize(
    "change",
    [
        lambda pairs: [*pairs, ("a", "other")],
        lambda pairs: [("a", "other"), *pairs],
        lambda pairs: [(name, "99999999999" if name == "expires" else value) for name, value in pairs],
        lambda pairs: [pair for pair in pairs if pair[0] != "expires"],
        lambda pairs: [(name, "0" * 64 if name == "signature" else value) for name, value in pairs],
        lambda pairs: [(name, "ü" if name == "signature" else value) for name, value in pairs],
    ],
)
def test_changed_url(signer, change):
    path, query = parts(signer.grant("GET", "/p", {"a": "1"}))
    with pytest.raises(WrongSignatureError):
        signer.check("GET", path, urlencode(change(parse_qsl(query))))


def test_other_method_path_and_key(signer, clock):
    path, query = parts(signer.grant("GET", "/p", {"a": "1"}))
    for other, method, where in [(signer, "PUT", path), (signer, "GET", "/q"), (Signer(b"x" * 32, clock), "GET", path)]:
        with pytest.raises(WrongSignatureError):
            other.check(method, where, query)
    with pytest.raises(UnsignedError):
        signer.check("GET", path, "a=1")


def test_address_is_bound_to_its_scope(signer):
    signed = signer.address("local:///x,y/data/abc", "1", "main", "p")
    assert signed.startswith("local:///x,y/data/abc,")
    assert signer.is_address(signed, "1", "main", "p")
    assert not signer.is_address(signed, "1", "main", "q")
    assert not signer.is_address(signed, "1", "mainp", "")
    assert not signer.is_address(signed[:-1], "1", "main", "p")
    assert not signer.is_address("local:///x", "1", "main", "p")
