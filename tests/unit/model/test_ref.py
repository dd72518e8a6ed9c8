from __future__ import annotations

import pytest

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.ref import Ref, parse_ref
from lakefs_repro.model.version import Version


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("flights", Ref("name", "flights")),
        ("main", Ref("name", "main")),
        ("main~1", Ref("name", "main~1")),
        ("main^2~3", Ref("name", "main^2~3")),
        ("release_1.x+b", Ref("name", "release_1.x+b")),
        ("1.2.0", Ref("name", "1.2.0")),
        ("flights@1.2.0", Ref("version", "1.2.0", "flights")),
        ("flights@v1.2.0", Ref("version", "1.2.0", "flights")),
        ("flights@1.2.0-rc.1+b", Ref("version", "1.2.0-rc.1+b", "flights")),
        ("flights-v1.2.0", Ref("version", "1.2.0", "flights")),
        ("flights@latest", Ref("range", "latest", "flights")),
        ("flights@^1.1", Ref("range", "^1.1", "flights")),
        ("flights@~1.2", Ref("range", "~1.2", "flights")),
        ("flights@>=1,<2", Ref("range", ">=1,<2", "flights")),
        ("flights@>= 1 < 2", Ref("range", ">=1,<2", "flights")),
        ("flights@1", Ref("range", "1", "flights")),
        ("flights@1.x", Ref("range", "1.x", "flights")),
        ("flights@*", Ref("range", "*", "flights")),
        ("flights@^1 || ^3", Ref("range", "^1 || ^3", "flights")),
        ("flights@1.0 - 1.2", Ref("range", "1.0 - 1.2", "flights")),
        ("flights@main", Ref("name", "main", "flights")),
        ("flights@main~2", Ref("name", "main~2", "flights")),
        ("flights@v1-branch", Ref("name", "v1-branch", "flights")),
        ("flights@abc123", Ref("name", "abc123", "flights")),
        ("flights@deadbeef", Ref("hex", "deadbeef", "flights")),
        ("flights@12345678", Ref("hex", "12345678", "flights")),
        ("deadbeef", Ref("hex", "deadbeef")),
        ("ab" * 32, Ref("hex", "ab" * 32)),
        ("sha256:0123abcd", Ref("digest", "0123abcd")),
        ("flights@sha256:0123abcd", Ref("digest", "0123abcd", "flights")),
        ("flights@1.2.0#month=3", Ref("version", "1.2.0", "flights", (("month", "3"),))),
        ("flights#year=2024/month=3", Ref("name", "flights", None, (("year", "2024"), ("month", "3")))),
        ("flights@^1#a=b=c@d#e", Ref("range", "^1", "flights", (("a", "b=c@d#e"),))),
        ("flights#city=New%20York%2FUS", Ref("name", "flights", None, (("city", "New York/US"),))),
        ("flights#a=", Ref("name", "flights", None, (("a", ""),))),
        ("lakefs://data/main/a/b c#d@e", Ref("uri", "main", repository="data", path="a/b c#d@e")),
        ("lakefs://data/flights-v1.2.0/", Ref("uri", "flights-v1.2.0", repository="data", path="")),
        ("lakefs://data/main~1", Ref("uri", "main~1", repository="data", path="")),
    ],
)
def test_refs_are_parsed_and_written_back(text, ref):
    assert parse_ref(text) == ref
    assert parse_ref(str(ref)) == ref


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "it is empty"),
        ("@1.2.0", "not a name for a dataset"),
        ("Flights@1.2.0", "not a name for a dataset"),
        ("flights@", "nothing follows the '@'"),
        ("^1.1", "names no dataset"),
        (">=1,<2", "names no dataset"),
        ("flights@1.02.3", "not a semantic version"),
        ("flights@1.2.3-a_b", "not a semantic version"),
        ("flights@^abc", "not a range"),
        ("flights@>", "not a range"),
        ("flights@a@b", "no version, range"),
        ("flights@main$", "not yet committed"),
        ("main$", "not yet committed"),
        ("a b", "no version, range"),
        ("a/b", "no version, range"),
        ("flights\n", "no version, range"),
        ("-x", "no version, range"),
        ("flights#", "not KEY=VALUE"),
        ("flights#month", "not KEY=VALUE"),
        ("flights#=3", "not KEY=VALUE"),
        ("flights#a=1/", "not KEY=VALUE"),
        ("sha256:0123abc", "8 to 64"),
        ("sha256:0123ABCD", "8 to 64"),
        ("sha256:" + "a" * 65, "8 to 64"),
        ("lakefs:data/main", "begins with 'lakefs://'"),
        ("lakefs://data", "names no ref"),
        ("lakefs://d/main/x", "no lakeFS repository"),
        ("lakefs://data/main$/x", "no lakeFS ref"),
    ],
)
def test_what_is_no_ref_is_refused_with_a_hint(text, match):
    with pytest.raises(InvalidError, match=match) as caught:
        parse_ref(text)
    assert caught.value.hint


def test_values_of_a_ref():
    assert parse_ref("flights@1.2.0").version == Version("1.2.0")
    best = parse_ref("flights@^1.1").range.best([Version("1.0.0"), Version("1.2.0"), Version("2.0.0")])
    assert best == Version("1.2.0")


@pytest.mark.parametrize(
    ("text", "dataset"),
    [
        ("flights", "flights"),
        ("flights@main", "flights"),
        ("deadbeef", "deadbeef"),
        ("0eadbeef", None),
        ("main~1", None),
        ("sha256:abcdef01", None),
        ("lakefs://data/main", None),
    ],
)
def test_dataset_that_a_ref_may_mean(text, dataset):
    assert parse_ref(text).possible_dataset == dataset


def test_a_ref_selects_its_partition():
    ref = parse_ref("flights@1.2.0#year=2024/month=3")
    assert ref.selects("year=2024/month=3/x.parquet")
    assert not ref.selects("year=2024/month=4/x.parquet")
    assert parse_ref("flights").selects("anything")
