"""Objects read by ranges: right bytes, few requests, no short answers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lakes import make_context

from lakefs_repro.errors import IntegrityError, LakefsReproError, NotFoundError, UnavailableError
from lakefs_repro.testing.faults import FaultPlan, FaultProxy
from lakefs_repro.transfer.ranged import LARGEST, SMALLEST, RangeCache, RangedObject, ranged_object

CONTENT = bytes(range(256)) * (3 * LARGEST // 256) + b"the end"


class Road:
    """Bytes in memory, and a log of what was fetched."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[tuple[int, int]] = []

    def __call__(self, start: int, length: int) -> bytes:
        self.asked.append((start, length))
        return self.content[start : start + length]


def ranged(content: bytes, cache: RangeCache | None = None) -> tuple[RangedObject, Road]:
    road = Road(content)
    return RangedObject("it", len(content), road, cache), road


@given(
    size=st.integers(0, len(CONTENT)),
    budget=st.sampled_from([0, SMALLEST, 3 * SMALLEST, 4 * LARGEST]),
    reads=st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1), st.floats(0, 1)), max_size=12),
)
def test_any_reads_give_what_a_slice_gives(size, budget, reads):
    cache = RangeCache(budget)
    contents = (CONTENT[:size], CONTENT[::-1][:size])
    files = [ranged(content, cache)[0] for content in contents]
    end = 0
    for which, where, share in reads:
        start = end if share < 0.3 else int(where * size)  # some go on where the last one ended
        length = int(share * (size - start))
        assert files[which].read(start, length) == contents[which][start : start + length]
        end = start + length


def test_many_small_reads_in_a_row_are_few_requests():
    file, road = ranged(CONTENT)
    for start in range(0, len(CONTENT) - 1000, 1000):
        file.read(start, 1000)
    assert len(road.asked) < 12
    assert max(length for _, length in road.asked) <= LARGEST


def test_the_end_is_read_once_however_it_is_read():
    file, road = ranged(CONTENT)
    size = len(CONTENT)
    assert file.read(size - 8, 8) == CONTENT[-8:]
    assert file.read(size - 5000, 5000) == CONTENT[-5000:]
    assert road.asked == [(size - SMALLEST, SMALLEST)]


def test_large_reads_are_fetched_as_they_are_and_not_kept():
    cache = RangeCache()
    file, road = ranged(CONTENT, cache)
    assert file.read(5, 2 * LARGEST) == CONTENT[5 : 5 + 2 * LARGEST]
    assert road.asked == [(5, 2 * LARGEST)]
    assert cache.find(0, 5, 10) is None


def test_a_cache_holds_no_more_than_its_budget_for_any_number_of_files():
    cache = RangeCache(4 * SMALLEST)
    files = [ranged(CONTENT[:SMALLEST], cache)[0] for _ in range(10)]
    for file in files:
        file.read(0, 10)
    held = [n for n in range(10) if cache.find(n, 0, SMALLEST) is not None]
    assert held == [6, 7, 8, 9]


def test_a_short_answer_is_never_passed_on():
    file = RangedObject("flights/a.parquet", 1000, lambda start, length: b"x" * (length - 1))
    with pytest.raises(IntegrityError, match=r"flights/a\.parquet: 999 bytes came where 1000") as short:
        file.read(0, 10)
    assert short.value.kind == "truncated"


@pytest.mark.parametrize("place", [(-1, 2), (0, -1), (0, 11), (11, 0)])
def test_a_place_outside_is_refused(place):
    with pytest.raises(ValueError, match="of 10"):
        ranged(b"0123456789")[0].read(*place)


@pytest.fixture
def stored(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path)
    ctx.repository.objects.put("main", "flights/a b/ü%.bin", CONTENT[:200_000])
    return ctx


def test_objects_of_a_repository(stored):
    file = ranged_object(stored.repository.objects, "main", "flights/a b/ü%.bin", 200_000)
    assert file.read(199_990, 10) == CONTENT[199_990:200_000]
    assert file.read(0, 200_000) == CONTENT[:200_000]
    assert file.read(7, 0) == b""


def test_an_object_of_another_size_or_none_is_refused(stored):
    objects = stored.repository.objects
    for size in (199_999, 200_001, 10):
        with pytest.raises(IntegrityError) as wrong:
            ranged_object(objects, "main", "flights/a b/ü%.bin", size).read(0, 10)
        assert wrong.value.kind == "size-mismatch"
    with pytest.raises(IntegrityError):
        ranged_object(objects, "main", "flights/a b/ü%.bin", 900_000).read(800_000, 10)
    with pytest.raises(NotFoundError):
        ranged_object(objects, "main", "flights/none", 10).read(0, 10)


def test_broken_connections_are_taken_up_again(stored, engine, tmp_path):
    plan = FaultPlan("drop cut 503 ok", path=r"/objects\?path=flights")
    with FaultProxy(engine.endpoint, plan) as proxy:
        ctx = make_context(engine, stored.repository.name, tmp_path, url=proxy.url)
        file = ranged_object(ctx.repository.objects, "main", "flights/a b/ü%.bin", 200_000)
        assert file.read(100, 150_000) == CONTENT[100:150_100]
    assert plan.matched == 4


def test_a_server_that_is_gone_is_unavailable(stored, engine, tmp_path):
    with FaultProxy(engine.endpoint, FaultPlan("drop " * 20, path="/objects")) as proxy:
        ctx = make_context(engine, stored.repository.name, tmp_path, url=proxy.url)
        file = ranged_object(ctx.repository.objects, "main", "flights/a b/ü%.bin", 200_000)
        with pytest.raises(UnavailableError) as lost:
            file.read(0, 10)
    assert isinstance(lost.value, LakefsReproError)
    assert re.search("broke", str(lost.value))
