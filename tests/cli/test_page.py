import io
import json

import pytest

from lakefs_repro.cli.page import Column, PlainPage
from lakefs_repro.cli.result import write_json
from lakefs_repro.cli.text import counted, plain, short, size


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1536, "1.5 kB"), (9949, "9.9 kB"), (9950, "10 kB"),
     (340_000_000, "340 MB"), (999_600, "1.0 MB"), (2 * 10**12, "2.0 TB"), (5 * 10**21, "5,000 EB")],
)  # fmt: skip
def test_sizes(count, text):
    assert size(count) == text


def test_counts_and_ids():
    assert counted(1, "file") == "1 file"
    assert counted(1234, "file") == "1,234 files"
    assert short("0123456789abcdef") == "0123456789ab"


def test_text_that_a_terminal_would_obey_is_written_out():
    assert plain("a\x1b[31m\r\nb\x00") == r"a\x1b[31m\r\nb\x00"
    assert plain("naïve 日本") == "naïve 日本"


def test_a_table_is_aligned_and_drops_empty_columns():
    out = io.StringIO()
    PlainPage(out).table([Column("a"), Column("n", right=True), Column("none")], [("x", "1", ""), ("yy", "20", "")])
    assert out.getvalue() == "A    N\nx    1\nyy  20\n"


def test_fields_without_a_value_are_left_out():
    out = io.StringIO()
    PlainPage(out).fields([("one", "1"), ("empty", ""), ("three", "3")])
    assert out.getvalue() == "  one    1\n  three  3\n"


@pytest.mark.parametrize(
    "value", [{}, {"a": 1}, {"a": {"b": [1, {"c": "ä\n"}]}, "z": None}, {"a": [], "b": "\ud800"}], ids=repr
)
def test_json_is_one_document(value):
    out = io.StringIO()
    write_json(value, out)
    assert json.loads(out.getvalue()) == value


def test_iterators_become_lists():
    out = io.StringIO()
    write_json({"a": iter([]), "b": iter([1, {"x": 2}]), "c": 3}, out)
    assert json.loads(out.getvalue()) == {"a": [], "b": [1, {"x": 2}], "c": 3}


def test_a_failure_half_way_writes_nothing():
    def half():
        yield 1
        raise RuntimeError

    out = io.StringIO()
    with pytest.raises(RuntimeError):
        write_json({"a": half()}, out)
    assert out.getvalue() == ""
