"""Tokens of those who logged in."""

from __future__ import annotations

from lakefs_repro.embedded.auth import Credentials, Doorkeeper
from lakefs_repro.embedded.signing import Signer
from lakefs_repro.embedded.tokens import TOKEN_SECONDS, Tokens


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_is_good_for_seven_days():
    clock = Clock()
    tokens = Tokens(Signer(b"k" * 32, clock), clock)
    token = tokens.issue("admin")
    assert token.expiry == clock.now + TOKEN_SECONDS
    clock.now += TOKEN_SECONDS - 1
    assert tokens.admits(token.text)
    clock.now += 1
    assert not tokens.admits(token.text)


def test_another_engines_token_is_none():
    clock = Clock()
    token = Tokens(Signer(b"k" * 32, clock), clock).issue("admin")
    assert not Tokens(Signer(b"l" * 32, clock), clock).admits(token.text)


def test_only_the_credentials_give_a_token():
    clock = Clock()
    door = Doorkeeper(Credentials("key", "secret:with:colons"), Tokens(Signer(b"k" * 32, clock), clock))
    assert door.login("admin", "key", "secret:with:colons")
    assert door.login("admin", "key:secret", "with:colons") is None
    assert door.login("admin", "key", "wrong") is None
