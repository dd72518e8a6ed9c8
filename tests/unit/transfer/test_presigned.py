"""Reading straight from the store, and through the server where that is not to be."""

from __future__ import annotations

import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.lakes import Watch, make_context
from support.others import sha256, written_by_others

from lakefs_repro.errors import IntegrityError, NotFoundError, UnavailableError
from lakefs_repro.ingest.hashing.hash_shard import HashRequest, hash_shard
from lakefs_repro.lake.objects import Objects
from lakefs_repro.testing.faults import FaultPlan, FaultProxy
from lakefs_repro.transfer.download_stream import Wanted, blocks_of
from lakefs_repro.transfer.presigned import PresignedReads, range_road, reading_road, reads_presigned

DATA = bytes(range(256)) * 12000


@pytest.fixture
def ctx(engine, tmp_path):
    made = make_context(engine, engine.new_repository(), tmp_path / "state")
    return replace(made, server=replace(made.server, extensions={}))


class Elsewhere(Objects):
    """The repository's objects, whose presigned URLs lead where a test wants."""

    def __init__(self, objects: Objects, *urls: str) -> None:
        super().__init__(objects._wire, "x")
        self._root = objects._root
        self.urls = list(urls)
        self.asked = 0

    def presigned_url(self, ref: str, path: str) -> str:
        self.asked += 1
        return self.urls[min(self.asked, len(self.urls)) - 1]


class Store(ThreadingHTTPServer):
    """An object store with one object, that answers with statuses of a plan first, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, *plan: int, cut_at: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), _StoreHandler)
        self.plan = list(plan)
        self.cut_at = cut_at
        self.size = len(DATA)
        self.headers: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/bucket/object?X-Amz-Signature=secret"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class _StoreHandler(BaseHTTPRequestHandler):
    server: Store

    def do_GET(self):
        self.server.headers.append(dict(self.headers))
        ranged = self.headers.get("Range")
        first, _, last = (ranged or "bytes=0-").removeprefix("bytes=").partition("-")
        status = self.server.plan.pop(0) if self.server.plan else 206 if ranged else 200
        good = DATA[int(first) : int(last or len(DATA)) + 1]
        body = good if status in (200, 206) else b"<Error><Code>ExpiredToken</Code></Error>"
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last or len(DATA) - 1}/{self.server.size}")
        self.send_header("Content-Length", str(len(body)))
        if status in (301, 302):
            self.send_header("Location", "http://127.0.0.1:1/away")
        self.end_headers()
        cut, self.server.cut_at = self.server.cut_at, 0
        self.wfile.write(body[: cut or None])

    def log_message(self, *_):
        pass


def read(road, ref, start=0):
    from lakefs_repro.lake.wire import Retry

    retry = Retry(sleep=lambda _: None)
    return b"".join(blocks_of(road, ref, Wanted("flights/large", len(DATA), ""), retry, start))


@pytest.fixture
def commit(ctx):
    return written_by_others(ctx, {"flights/large": DATA})


def test_large_objects_come_from_the_store_and_our_credentials_do_not_go_there(ctx, commit):
    with Store() as store:
        road = PresignedReads(Elsewhere(ctx.repository.objects, store.url), pytest.fail)
        assert read(road, commit) == DATA
        assert read(road, commit, start=5) == DATA[5:]
    assert len(store.headers) == 2
    assert not [h for headers in store.headers for h in headers if h.lower() in ("authorization", "x-session-token")]


def test_a_connection_to_the_store_that_breaks_goes_on_with_a_fresh_url(ctx, commit):
    with Store(cut_at=1 << 20) as store:
        objects = Elsewhere(ctx.repository.objects, store.url)
        assert read(PresignedReads(objects, pytest.fail), commit) == DATA
    assert objects.asked == 2
    assert store.headers[1]["Range"].startswith("bytes=")


def test_an_expired_url_is_renewed(ctx, commit):
    with Store(403) as store:
        objects = Elsewhere(ctx.repository.objects, store.url)
        assert read(PresignedReads(objects, pytest.fail), commit) == DATA
    assert (objects.asked, len(store.headers)) == (2, 2)


@pytest.mark.parametrize("status", [302, 403, 404, 500, 204])
def test_a_store_that_says_no_leaves_the_way_through_the_server(ctx, commit, status):
    notes = []
    with Store(*[status] * 20) as store:
        objects = Elsewhere(ctx.repository.objects, store.url)
        road = PresignedReads(objects, notes.append)
        for _ in range(5):
            assert read(road, commit) == DATA
    assert objects.asked == 6  # two tries of three objects, and then no more
    assert len(notes) == 1
    assert str(status) in notes[0]
    assert "secret" not in notes[0]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://a..b/x", "http://127.0.0.1:99999/x", "https://[::1/x"])
def test_a_store_that_is_out_of_reach_is_said_once(ctx, commit, url):
    notes = []
    objects = Elsewhere(ctx.repository.objects, url)
    road = PresignedReads(objects, notes.append)
    assert [read(road, commit) == DATA for _ in range(3)] == [True] * 3
    assert (objects.asked, len(notes)) == (1, 1)


@pytest.mark.parametrize("location", ["ftp://x/y", "file:///etc/passwd", "//x/y", "", "https://x/" + "y" * 20_000])
def test_only_an_http_address_of_sane_length_is_followed(ctx, commit, location, monkeypatch):
    from lakefs_repro.lake.wire import Answer

    def answer(self, method, path, **_):
        return Answer(302, {"location": location}, b"")

    monkeypatch.setattr("lakefs_repro.lake.wire.Wire.call", answer)
    with pytest.raises(UnavailableError) as caught:
        ctx.repository.objects.presigned_url(commit, "flights/large")
    assert caught.value.kind == "no-presigned-url"


def test_where_the_server_signs_urls_hashing_reads_from_the_store(engine, ctx, commit):
    notes = []
    watch = Watch()
    watch.note = notes.append
    with FaultProxy(engine.endpoint, FaultPlan("")) as proxy:
        through = make_context(engine, ctx.repository.name, ctx.state, url=proxy.url, progress=watch)
        through = replace(through, server=replace(through.server, extensions={}))
        result = hash_shard(through, HashRequest("flights", "spark"))
        read_here = [path for method, path in proxy.log if method == "GET" and "/objects?path=flights" in path]
    assert (result.hashed, result.unproven) == (1, 0)
    if reads_presigned(through.server):
        assert ["presign=true" in path for path in read_here] == [True]
    else:
        assert ["presign=true" in path for path in read_here] == [False]
    assert notes == []


def test_a_server_that_signs_no_urls_after_all_is_no_obstacle(ctx, commit):
    notes = []
    server = replace(ctx.server, presign=True)
    road = reading_road(ctx.repository.objects, server, notes.append)
    assert read(road, commit) == DATA
    assert len(notes) == (0 if ctx.server.presign else 1)


def test_what_is_not_there_is_not_found(ctx, commit):
    road = reading_road(ctx.repository.objects, replace(ctx.server, presign=True), lambda _: None)
    with pytest.raises((NotFoundError, IntegrityError)):
        next(blocks_of(road, commit, Wanted("flights/none", 1 << 20, ""), None))


def test_the_embedded_engine_is_read_directly(embedded_engine, tmp_path):
    ctx = make_context(embedded_engine, embedded_engine.new_repository(), tmp_path / "state")
    assert ctx.server.presign
    assert reading_road(ctx.repository.objects, ctx.server, print) is ctx.repository.objects


def test_hashes_are_the_same_by_either_road(ctx, commit):
    result = hash_shard(ctx, HashRequest("flights", "spark"))
    assert result.hashed == 1
    from lakefs_repro.ingest.hashing.changes import new_objects
    from lakefs_repro.ingest.hashing.digests import gather
    from lakefs_repro.snapshot.line import read_line

    found = gather(ctx, "flights", commit, list(new_objects(ctx, read_line(ctx, "flights"), commit)))
    assert found.digests["flights/large"].sha256 == sha256(DATA)


def test_parts_of_an_object_come_from_the_store_by_one_url(ctx, commit):
    with Store() as store:
        objects = Elsewhere(ctx.repository.objects, store.url)
        fetch = PresignedReads(objects, pytest.fail).ranges_of(commit, "flights/large", len(DATA))
        for start, length in ((0, 10), (5, 1 << 20), (len(DATA) - 8, 8)):
            assert fetch(start, length) == DATA[start : start + length]
    assert (objects.asked, len(store.headers)) == (1, 3)


def test_a_url_that_grew_too_old_between_two_parts_is_renewed(ctx, commit):
    with Store(206, 403) as store:
        objects = Elsewhere(ctx.repository.objects, store.url)
        fetch = PresignedReads(objects, pytest.fail).ranges_of(commit, "flights/large", len(DATA))
        assert [fetch(n, 7) for n in (0, 9)] == [DATA[0:7], DATA[9:16]]
    assert (objects.asked, len(store.headers)) == (2, 3)


@pytest.mark.parametrize("fault", ["cut", "other size", "whole", "gone"])
def test_a_part_that_is_not_right_is_asked_of_the_server(ctx, commit, fault):
    with Store(*{"whole": [200] * 9, "gone": [404] * 9}.get(fault, []), cut_at=3 * (fault == "cut")) as store:
        store.size += fault == "other size"
        objects = Elsewhere(ctx.repository.objects, store.url)
        fetch = PresignedReads(objects, lambda _: None).ranges_of(commit, "flights/large", len(DATA))
        assert fetch(300, 1000) == DATA[300:1300]
        assert fetch(0, 4) == DATA[:4]


def test_a_small_object_is_not_worth_a_url(ctx):
    commit = written_by_others(ctx, {"flights/small": b"0123456789"})
    objects = Elsewhere(ctx.repository.objects, "http://127.0.0.1:1/x")
    assert PresignedReads(objects, pytest.fail).ranges_of(commit, "flights/small", 10)(2, 3) == b"234"
    assert objects.asked == 0


def test_parts_come_right_from_a_real_store(ctx, commit):
    road = range_road(ctx.repository.objects, ctx.server, pytest.fail)
    assert (road is None) is not ctx.server.presign
    if road:
        assert road(commit, "flights/large", len(DATA))(1000, 2000) == DATA[1000:3000]
