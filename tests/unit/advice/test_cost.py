"""The estimate, against numbers worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakefs_repro.advice.answers import parse_answers
from lakefs_repro.advice.cost import Inputs, estimate, inputs_of
from lakefs_repro.advice.prices import PRICES, Price

GB = 10**9


def inputs(**said):
    given = {
        "volume": 1000 * GB, "growth": 100 * GB, "files": 1000, "versions": 2, "changed": 0.1, "keep": 2.0,
        "price": Price(0.02, 0.005, "given"),
    }  # fmt: skip
    return Inputs(**{**given, **said})


def test_a_month_and_a_year_by_hand():
    made = estimate(inputs())
    # Month 1: versions 0, 1, 2 have 1000, 1050 and 1100 GB. Month 12: the newest is 24 (2200 GB), kept are 20 to 23.
    assert made.copies.stored == pytest.approx((3150 * GB, (2000 + 2050 + 2100 + 2150 + 2200) * GB))
    assert made.shared.stored == pytest.approx(((1100 + 105 + 100) * GB, (2200 + 0.1 * 8300) * GB))
    assert made.latest.stored == pytest.approx((1100 * GB, 2200 * GB))


def test_money_by_hand():
    made = estimate(inputs())
    # 1305 GB at 2 cents; 2 versions rewrite 100 files each and 100 GB of growth are 100 files: 300 writes at half a cent
    # for a thousand.
    assert made.shared.writes == pytest.approx(300)
    assert made.shared.month[0] == pytest.approx(1305 * 0.02 + 300 * 0.000005)
    # Full copies write 1050 and 1100 files.
    assert made.copies.writes == pytest.approx(2150)


def test_a_year_is_the_sum_of_its_months():
    made = estimate(inputs(growth=0, changed=0.0, keep=1000.0))
    assert made.shared.year == pytest.approx(12 * 1000 * 0.02)
    # Full copies of 1000 GB: 3 after a month, then 2 more each: 3 + 5 + ... + 25 = 168.
    assert made.copies.year == pytest.approx(168 * 1000 * 0.02 + 12 * 2000 * 0.000005)


def test_an_append_is_shared_wholly():
    made = estimate(inputs(changed=0.0))
    assert made.shared.stored == made.latest.stored
    assert made.saved == pytest.approx(1 - 2200 / 10500)


def test_where_everything_is_replaced_sharing_saves_nothing():
    made = estimate(inputs(changed=1.0))
    assert made.shared.stored == pytest.approx(made.copies.stored)
    assert made.saved == pytest.approx(0)


def test_a_span_shorter_than_a_version_keeps_the_newest_alone():
    made = estimate(inputs(keep=0.1))
    assert made.copies.stored == made.latest.stored


def test_without_a_price_there_are_bytes_and_no_money():
    made = estimate(inputs(price=None))
    assert made.shared.month is None
    assert made.to_json()["ways"][0]["usd_year"] is None


def test_nothing_costs_nothing():
    made = estimate(inputs(volume=0, growth=0))
    assert (made.copies.stored, made.saved) == ((0, 0), 0)


def test_inputs_follow_from_answers():
    taken = inputs_of(parse_answers({"storage": "gcs", "arrival": "update", "keep": "60d", "volume": "1TB"}))
    assert (taken.changed, taken.keep, taken.volume, taken.price) == (0.2, 2.0, 10**12, PRICES["gcs"])
    given = inputs_of(parse_answers({"storage": "nas"}), changed=0.5, price=0.01)
    assert (given.changed, given.price.storage, given.price.writes) == (0.5, 0.01, 0.0)
    assert inputs_of(parse_answers({"storage": "nas"})).price is None


amounts = st.integers(0, 10**18)


@given(
    volume=amounts, growth=amounts, files=st.integers(1, 10**12), versions=st.integers(1, 10**12),
    changed=st.floats(0, 1), keep=st.floats(1 / 30, 1220),
)  # fmt: skip
def test_sharing_lies_between_the_newest_state_and_full_copies(**said):
    made = estimate(inputs(**said))
    for latest, shared, copies in zip(made.latest.stored, made.shared.stored, made.copies.stored, strict=True):
        assert latest <= shared * (1 + 1e-9)
        assert shared <= copies * (1 + 1e-9)
