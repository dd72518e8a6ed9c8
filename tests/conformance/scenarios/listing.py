"""Listings of objects."""

from __future__ import annotations

from conformance.transcript.calls import commit, get, listing, remove, scenario, upload

_PATHS = ("a", "b", "d/1", "d/2", "d/e/1", "d/e/2", "d.txt", "d0", "z/", "é")


def _files():
    return [*[upload(path) for path in _PATHS], commit("files", date=1000)]


SCENARIOS = [
    scenario(
        "listing",
        _files(),
        listing(),
        listing("main@", prefix="d"),
        listing(prefix="d/"),
        listing(prefix="d/e/1"),
        listing(prefix="nope"),
        listing(prefix=""),
        listing(delimiter="/"),
        listing(delimiter="/", prefix="d/"),
        listing(delimiter="/", prefix="d"),
        listing(delimiter="e"),
        listing(delimiter="/e"),
        listing(delimiter=""),
    ),
    scenario(
        "listing-paged",
        _files(),
        listing(amount=3),
        listing(amount=3, after="d.txt"),
        listing(amount=3, after="d/1"),
        listing(after="c"),
        listing(after="é"),
        listing(amount=3, delimiter="/"),
        listing(amount=2, delimiter="/", after="b"),
        listing(amount=2, delimiter="/", after="d/"),
        listing(delimiter="/", after="d/1"),
        listing(prefix="d/", after="a"),
        listing(prefix="d/", after="d/e/"),
        listing(prefix="d/", delimiter="/", amount=2),
        listing(prefix="d/", delimiter="/", after="d/e/"),
        listing(amount=0),
        listing(amount=-1),
        listing(amount=1000),
        listing(amount=1001),
        listing(amount=-2),
        listing(amount="x"),
        listing(amount="99999999999999999999"),
        listing(after=""),
        listing(presign="x"),
        listing(presign=""),
        listing(user_metadata=""),
        listing(amount=""),
        listing(user_metadata="x"),
        get("refs/main/objects/ls?amount=2&amount=3"),
        get("refs/main/objects/ls?nonsense=1&amount=1"),
    ),
    scenario(
        "listing-staged",
        _files(),
        upload("c", "staged c"),
        upload("d/1", "staged d/1"),
        remove("d/2"),
        remove("d/e/1"),
        remove("d/e/2"),
        upload("n/1"),
        listing(),
        listing("main@"),
        listing(delimiter="/"),
        listing(delimiter="/", prefix="d/"),
        listing(amount=3, after="b"),
        remove("n/1"),
        listing(prefix="n"),
        listing(delimiter="/", prefix="n"),
    ),
]
