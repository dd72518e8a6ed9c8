"""What workers hashed, kept on a hidden branch until it is published."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support.lakes import Watch, make_context
from support.others import written_by_others

from lakefs_repro.ingest.hashing.digest import Digest
from lakefs_repro.ingest.hashing.digest_parts import FORMAT, Parts, forget, read_parts

KEY = ("local://x/data/1", "c" * 32, 3)
DIGEST = Digest("a" * 64, 3, "worker")
LINE = {"address": KEY[0], "checksum": KEY[1], "size": KEY[2], "sha256": DIGEST.sha256, "by": "worker"}
BRANCH = "hashes-flights"


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


def keep(ctx, lines, commit="1" * 64, shard="1-of-1", **options):
    parts = Parts(ctx, "flights", commit, shard, **options)
    for key, digest in lines.items():
        parts.add(key, digest)
    parts.close()
    return parts


def names(ctx):
    return [o.path for o in ctx.repository.objects.list(BRANCH)]


def test_what_is_kept_is_found_again_by_address_checksum_and_size(ctx):
    keep(ctx, {KEY: DIGEST})
    assert read_parts(ctx, "flights", {KEY}) == {KEY: DIGEST}
    for other in (("elsewhere", *KEY[1:]), (KEY[0], "d" * 32, 3), (*KEY[:2], 4)):
        assert read_parts(ctx, "flights", {other}) == {}
    assert read_parts(ctx, "other", {KEY}) == {}


def test_the_branch_is_hidden_and_nothing_is_committed_on_it(ctx):
    first = ctx.repository.branches.get("main").commit
    written_by_others(ctx, {"x": b"1"}, branch="main")
    keep(ctx, {KEY: DIGEST})
    assert ctx.repository.branches.get(BRANCH).commit == first


def test_a_part_is_written_when_enough_has_come_together(ctx):
    time = [0.0]
    parts = Parts(ctx, "flights", "1" * 64, "1-of-2", clock=lambda: time[0])
    written = []
    parts._put = lambda path, body: written.append(len(body.splitlines()) - 1)
    for n in range(3850):
        parts.add(("a", "c", n), replace(DIGEST, size=n))
    assert written == [100, 100, 200, 400, 800, 1000, 1000]
    time[0] += 6
    parts.add(("b", "c", 0), DIGEST)
    assert written[7:] == [251]
    parts.add(("c", "c", 0), replace(DIGEST, size=100 << 20))
    assert written[8:] == [1]
    parts.close()
    assert len(written) == 9


def test_a_client_of_a_few_seconds_leaves_nothing(ctx):
    time = [0.0]
    parts = Parts(ctx, "flights", "1" * 64, "1-of-1", patience_s=20, clock=lambda: time[0])
    written = []
    parts._put = lambda path, body: written.append(len(body.splitlines()) - 1)
    for n in range(150):
        parts.add(("a", "c", n), DIGEST)
    parts.close()
    assert written == []
    time[0] = 21
    parts.add(("a", "c", 1000), DIGEST)
    assert written == [151]


def test_workers_that_write_at_once_lose_nothing(ctx):
    def work(shard):
        lines = {(f"address {shard}", "c", n): replace(DIGEST, size=n) for n in range(120)}
        keep(ctx, lines, shard=f"{shard}-of-8")
        return lines

    with ThreadPoolExecutor(8) as pool:
        done = [key for lines in pool.map(work, range(8)) for key in lines]
    assert len(done) == 960
    assert read_parts(ctx, "flights", done).keys() == set(done)


def put(ctx, body: bytes, path="1" * 64 + "/1-of-1/x.jsonl"):
    keep(ctx, {("other", "c", 1): DIGEST})
    ctx.repository.objects.put(BRANCH, path, body)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sha256": "A" * 64}, {"sha256": "a" * 63}, {"sha256": None}, {"size": "3"}, {"size": True}, {"size": -1},
        {"by": "store"}, {"by": "nobody"}, {"by": ["worker"]}, {"more": 1}, {"address": 1},
    ],
)  # fmt: skip
def test_a_part_with_a_line_that_is_wrong_counts_for_nothing(ctx, wrong):
    lines = [{"format": FORMAT}, LINE, {**LINE, **wrong}]
    put(ctx, "\n".join(map(json.dumps, lines)).encode())
    watch = Watch()
    assert read_parts(replace(ctx, progress=watch), "flights", {KEY}) == {}
    assert "1 parts are not as they should be" in watch.notes[0]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": "another"}\n',
        json.dumps(LINE).encode(),
        b"\0" * (17 << 20),
    ],
    ids=["empty", "blank", "no text", "deep", "other format", "no format", "too large"],
)
def test_a_part_that_is_none_counts_for_nothing(ctx, body):
    put(ctx, body)
    assert read_parts(ctx, "flights", {KEY}) == {}


def test_two_hashes_of_one_object_are_none(ctx):
    keep(ctx, {KEY: DIGEST})
    keep(ctx, {KEY: replace(DIGEST, sha256="b" * 64)})
    assert read_parts(ctx, "flights", {KEY}) == {}


def test_what_is_published_is_forgotten_and_others_work_stays(ctx):
    before = written_by_others(ctx, {"flights/a": b"1"})
    other = written_by_others(ctx, {"flights/x": b"1"}, branch="other")
    commit = written_by_others(ctx, {"flights/b": b"1"})
    for number, one in enumerate((before, other, commit)):
        keep(ctx, {("address", "c", number): DIGEST}, commit=one)
    forget(ctx, "flights", commit)
    assert [name.partition("/")[0] for name in names(ctx)] == [other]
    forget(ctx, "flights", other)
    assert [b.name for b in ctx.repository.branches.list("hashes-")] == []
    forget(ctx, "flights", other)


def test_a_worker_goes_on_when_the_branch_was_dropped_under_it(ctx):
    parts = keep(ctx, {KEY: DIGEST})
    ctx.repository.branches.delete(BRANCH)
    parts.add(("later", "c", 3), DIGEST)
    parts.close()
    assert list(read_parts(ctx, "flights", {KEY, ("later", "c", 3)})) == [("later", "c", 3)]
