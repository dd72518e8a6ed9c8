"""Walking pages: all of them, no more than asked for, and lazily."""

from __future__ import annotations

import json
from itertools import islice
from urllib.parse import parse_qs, urlsplit

import pytest

from lakefs_repro.lake.objects import frame
from lakefs_repro.lake.paging import pages


def listing(names, size):
    """Answers a listing request by its query, as lakeFS does."""

    def answer(handler):
        query = parse_qs(urlsplit(handler.path).query)
        amount = min(int(query["amount"][0]), size)
        after = query.get("after", [""])[0]
        rest = [n for n in names if n > after]
        page = rest[:amount]
        more = len(rest) > amount
        body = json.dumps(
            {
                "results": [{"id": n} for n in page],
                "pagination": {"has_more": more, "next_offset": page[-1] if more else ""},
            }
        ).encode()
        handler.send_response_only(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


NAMES = [f"{n:03d}" for n in range(25)]


@pytest.fixture
def listed(scripted):
    scripted.say(*[listing(NAMES, 10)] * 50)
    return scripted


def amounts(scripted):
    return [int(parse_qs(urlsplit(path).query)["amount"][0]) for _, path, *_ in scripted.seen]


def test_every_page_is_walked_to_the_end(wire, listed):
    assert [r["id"] for r in pages(wire, "/x", {}, doing="list")] == NAMES
    assert len(listed.seen) == 3


def test_a_listing_goes_on_after_a_name(wire, listed):
    assert [r["id"] for r in pages(wire, "/x", {}, doing="list", after="019")] == NAMES[20:]


@pytest.mark.parametrize("most", [0, 1, 10, 11, 25, 99])
def test_no_more_than_the_most_are_given_or_asked_for(wire, listed, most):
    assert [r["id"] for r in pages(wire, "/x", {}, doing="list", most=most)] == NAMES[:most]
    assert all(amount <= max(most, 1) for amount in amounts(listed))
    if most == 0:
        assert listed.seen == []


def test_the_next_page_is_read_when_it_is_needed(wire, listed):
    assert len(list(islice(pages(wire, "/x", {}, doing="list"), 10))) == 10
    assert len(listed.seen) == 1


def test_a_walk_that_may_end_early_begins_small_and_grows(wire, listed):
    list(pages(wire, "/x", {}, doing="list", first=5))
    assert amounts(listed) == [5, 40, 320]


def test_an_empty_listing_is_empty(wire, scripted):
    scripted.say(listing([], 10))
    assert list(pages(wire, "/x", {"prefix": "p"}, doing="list")) == []


def test_an_engine_pages_without_losing_or_repeating(embedded_repository):
    names = [f"f/{n:04d}" for n in range(1203)]
    objects = embedded_repository.objects
    objects.put_frames("main", [frame(name, b"") for name in names])
    assert [o.path for o in objects.list("main", "f/")] == names
    assert [o.path for o in objects.list("main", "f/", after="f/1199")] == names[1200:]
    objects.delete("main", names)
    assert list(objects.list("main")) == []
