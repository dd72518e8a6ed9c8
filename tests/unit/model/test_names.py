from __future__ import annotations

from datetime import datetime, timezone

import pytest

from lakefs_repro.errors import InvalidError
from lakefs_repro.model import names
from lakefs_repro.model.version import Version


@pytest.mark.parametrize("name", ["flights", "a", "a1", "taxi-2024", "a-v", "a-vx1", "v1", "a" * 64])
def test_names_of_datasets(name):
    assert names.is_dataset_name(name)
    assert names.check_dataset_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "A", "1a", "a-", "-a", "a_b", "a.b", "a/b", "flights-v1", "a-v2-b", "a\n", "é", "a" * 65, "a b", "a@1"],
)
def test_names_that_no_dataset_has(name):
    assert not names.is_dataset_name(name)
    with pytest.raises(InvalidError, match="not a name for a dataset") as caught:
        names.check_dataset_name(name)
    assert "flights" in caught.value.hint


@pytest.mark.parametrize(
    ("version", "tag", "pin"),
    [
        ("1.2.0", "flights-v1.2.0", "pin-flights-v1_2_0"),
        ("1.2.0-rc.1", "flights-v1.2.0-rc.1", "pin-flights-v1_2_0-rc_1"),
        ("1.2.0+b.1", "flights-v1.2.0+b.1", "pin-flights-v1_2_0__b_1"),
        ("1.0.0-v1", "flights-v1.0.0-v1", "pin-flights-v1_0_0-v1"),
    ],
)
def test_names_of_versions_both_ways(version, tag, pin):
    assert names.tag_name("flights", version) == tag
    assert names.tag_name("flights", Version(version)) == tag
    assert names.pin_branch("flights", version) == pin
    assert names.parse_tag(tag) == ("flights", Version(version))
    assert names.parse_pin_branch(pin) == ("flights", Version(version))


@pytest.mark.parametrize("tag", ["", "flights", "flights-v1", "flights-v1.2", "Flights-v1.2.0", "-v1.2.0", "v1.2.0"])
def test_other_peoples_tags_are_nobodys_version(tag):
    assert names.parse_tag(tag) is None


@pytest.mark.parametrize(
    "branch",
    [
        "main",
        "pin-flights",
        "pin-flights-v1.2.0",
        "pin-flights-v1_2",
        "pin-flights-v1_2_0___x",
        "flights-v1_2_0",
        "pin--v1_0_0",
    ],
)
def test_other_branches_are_no_pins(branch):
    assert names.parse_pin_branch(branch) is None


def test_dataset_ending_in_v_is_told_from_its_version():
    assert names.parse_tag("a-v-v1.0.0") == ("a-v", Version("1.0.0"))
    assert names.parse_pin_branch("pin-a-v-v1_0_0") == ("a-v", Version("1.0.0"))


def test_tag_of_a_bad_version_is_refused():
    with pytest.raises(InvalidError, match="not a semantic version"):
        names.tag_name("flights", "1.2")


def test_ulid_holds_the_time_that_was_handed_in():
    ulid = names.new_ulid(1_700_000_000_123, bytes(10))
    assert ulid == "01HF7YAT3V0000000000000000"
    assert names.ulid_time(ulid) == datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=timezone.utc)
    assert names.ulid_time(ulid.lower()) == names.ulid_time(ulid)


def test_later_ulids_sort_later():
    ulids = [names.new_ulid(time, b"\xff" * 10) for time in (0, 1, 1000, 2**48 - 1)]
    assert ulids == sorted(ulids)


@pytest.mark.parametrize(("time", "random"), [(0, b""), (0, bytes(11)), (-1, bytes(10)), (2**48, bytes(10))])
def test_ulid_of_impossible_parts_is_refused(time, random):
    with pytest.raises(InvalidError):
        names.new_ulid(time, random)


def test_ingest_branch_both_ways():
    ulid = names.new_ulid(1_700_000_000_123, bytes(range(10)))
    branch = names.ingest_branch("taxi-2024", ulid)
    assert branch == f"ingest-taxi-2024-{ulid.lower()}"
    assert names.parse_ingest_branch(branch) == ("taxi-2024", ulid)


@pytest.mark.parametrize(
    "branch", ["main", "ingest-a-b", "ingest-01hf7yat3v0000000000000000", "ingest-A-01hf7yat3v0000000000000000"]
)
def test_other_branches_are_no_ingests(branch):
    assert names.parse_ingest_branch(branch) is None


@pytest.mark.parametrize(
    "ulid", ["", "x" * 26, "01HF7YAT3V000000000000000", "81HF7YAT3V0000000000000000", "01HF7YAT3V000000000000000U"]
)
def test_what_is_no_ulid_is_refused(ulid):
    with pytest.raises(InvalidError, match="not a ULID"):
        names.check_ulid(ulid)


def test_places_in_a_repository():
    assert names.dataset_prefix("flights") == "flights/"
    assert names.sidecar_prefix("flights") == "_lakefs_repro/flights/"
    assert names.head_path("flights") == "_lakefs_repro/flights/head.json"
    assert names.chunk_path("flights", "ab" * 32) == f"_lakefs_repro/flights/manifest/{'ab' * 32}"
    assert names.LEDGER_BRANCH == "repro-ledger"


@pytest.mark.parametrize("name", ["2024-q3", "1.2.0", "a", "model-7.b", "vx", "not-v"])
def test_release_names_both_ways(name):
    assert names.parse_release_tag(names.release_tag(name)) == name
    assert names.parse_release_pin(names.release_pin(name)) == name
    assert names.parse_tag(names.release_tag(name)) is None
    assert names.parse_pin_branch(names.release_pin(name)) is None


@pytest.mark.parametrize("name", ["v1.0.0", "q3-v1.0.0", "v1_0_0", "", "q3.", "a..b", "x.lock", "Q3"])
def test_a_version_is_no_release(name):
    assert names.parse_release_tag(f"release-{name}") is None
    with pytest.raises(InvalidError):
        names.release_tag(name)


def test_the_tags_of_a_dataset_called_release_are_versions():
    assert names.parse_tag("release-v1.0.0")[0] == "release"
    assert names.parse_release_pin("pin-release-v1_0_0") is None
