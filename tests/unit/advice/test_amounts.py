import pytest

from lakefs_repro.advice.amounts import (
    days_of,
    parse_count,
    parse_days,
    parse_price,
    parse_share,
    parse_size,
    size_of,
)
from lakefs_repro.errors import InvalidError


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("12", 12), ("500MB", 5 * 10**8), ("500 mb", 5 * 10**8), ("1.5TB", 15 * 10**11), ("2T", 2 * 10**12),
     ("1GiB", 1 << 30), ("1,000 kB", 10**6), ("3P", 3 * 10**15)],
)  # fmt: skip
def test_sizes(text, value):
    assert parse_size(text) == value


@pytest.mark.parametrize("text", ["", "much", "-1GB", "1XB", "1e5", "9999999P", "1.2.3GB", "GB"])
def test_what_is_no_size(text):
    with pytest.raises(InvalidError) as caught:
        parse_size(text)
    assert caught.value.kind == "bad-answer"
    assert "1.5TB" in caught.value.hint


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("20,000", 20_000), ("20k", 20_000), ("1.5M", 1_500_000)])
def test_counts(text, value):
    assert parse_count(text) == value


@pytest.mark.parametrize("text", ["0", "", "-3", "few", "0.2", "1001G"])
def test_what_is_no_count(text):
    with pytest.raises(InvalidError):
        parse_count(text)


@pytest.mark.parametrize(("text", "value"), [("30d", 30), ("18m", 540), ("7y", 2555), ("6", 180)])
def test_spans(text, value):
    assert parse_days(text) == value


@pytest.mark.parametrize("text", ["0d", "", "ever", "999y", "-1y"])
def test_what_is_no_span(text):
    with pytest.raises(InvalidError):
        parse_days(text)


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), ("5%", 0.05), ("100", 1.0)])
def test_shares(text, value):
    assert parse_share(text) == value


@pytest.mark.parametrize("text", ["101", "-1", "nan", "half", ""])
def test_what_is_no_share(text):
    with pytest.raises(InvalidError):
        parse_share(text)


@pytest.mark.parametrize("text", ["nan", "inf", "-0.1", "cheap", ""])
def test_what_is_no_price(text):
    with pytest.raises(InvalidError):
        parse_price(text)
    assert parse_price("$0.023") == 0.023


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (3 * 10**9, "3 GB"), (2.01 * 10**12, "2.01 TB"), (25 * 10**13, "250 TB"),
     (10**18, "1,000 PB")],
)  # fmt: skip
def test_sizes_are_shown(count, text):
    assert size_of(count) == text


@pytest.mark.parametrize(("days", "text"), [(1, "1 day"), (30, "30 days"), (540, "18 months"), (365, "1 year")])
def test_spans_are_shown(days, text):
    assert days_of(days) == text
