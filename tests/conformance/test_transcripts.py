"""Every scenario, against what a real lakeFS answered."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from conformance.deviations import DEVIATIONS, unlisted, unneeded
from conformance.scenarios import SCENARIOS
from conformance.transcript import golden
from conformance.transcript.client import Server
from conformance.transcript.play import play

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "embedded-engine.md"
_BY_NAME = {each.name: each for each in SCENARIOS}


def _server(engine) -> Server:
    return Server(engine.endpoint, engine.access_key_id, engine.secret_access_key, engine.namespace_prefix)


@pytest.mark.parametrize("name", sorted(_BY_NAME))
def test_answers_are_those_of_lakefs(engine, name):
    scenario = _BY_NAME[name]
    if engine.name == "lakefs" and scenario.store:
        store = engine.call("GET", "/config/storage").json["blockstore_type"]
        if store != scenario.store:
            pytest.skip(f"recorded on a {scenario.store} store, and this is a {store} store")
    transcript = play(scenario, _server(engine))
    found = golden.differences(golden.load(scenario), transcript)
    if engine.name == "lakefs":
        _expect_none(name, found)
        return
    statuses = {each["call"]: each["answer"]["status"] for each in transcript}
    _expect_none(name, unlisted(name, found, statuses))
    assert unneeded(name, found, statuses) == [], "these deviations do not occur any more: remove them"


def _expect_none(name, found):
    if found:
        pytest.fail(f"{name}: {len(found)} differences\n" + "\n".join(map(str, found)), pytrace=False)


def test_scenarios_have_names_of_their_own():
    assert len(_BY_NAME) == len(SCENARIOS)


def test_there_is_a_golden_file_for_each_scenario_and_no_other():
    files = {file for file in golden.FOLDER.rglob("*.json") if file.name != golden.RECORDING}
    assert files == {golden.path(each) for each in SCENARIOS}


def test_the_transcripts_are_many_and_a_third_of_them_are_errors():
    calls = [call for each in SCENARIOS for call in golden.load(each)]
    errors = [call for call in calls if call["answer"]["status"] >= 400]
    assert len(calls) >= 1900
    assert len(errors) >= len(calls) / 3


def test_it_is_said_where_the_golden_files_come_from():
    said = json.loads((golden.FOLDER / golden.RECORDING).read_text())
    assert set(said) >= {each.store or "local" for each in SCENARIOS}
    for store in said.values():
        assert set(store) == {"server", "version", "recorded"}


def test_listed_deviations_are_of_scenarios_that_there_are_and_documented():
    assert {each.scenario for each in DEVIATIONS} <= set(_BY_NAME)
    table = _PAGE.read_text(encoding="utf-8").partition("## Deviations from lakeFS")[2].partition("\n## ")[0]
    rows = [line.removeprefix("| ") for line in table.splitlines() if line.startswith("| ")]
    assert [each.row for each in DEVIATIONS if not any(row.startswith(each.row) for row in rows)] == []


def test_a_difference_that_is_not_listed_is_found_and_a_deviation_that_is_gone_too():
    listed = DEVIATIONS[1]
    other = golden.Difference(listed.call, listed.place, "<address:6>", "<address:9>")
    assert unlisted(listed.scenario, [other], {listed.call: 201}) == [other]
    assert listed in unneeded(listed.scenario, [other], {listed.call: 201})


def _altered(value, place):
    """Every copy of ``value`` with one leaf changed, and where."""
    if isinstance(value, dict):
        for key, item in value.items():
            for changed, where in _altered(item, f"{place}/{key}"):
                yield {**value, key: changed}, where
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for changed, where in _altered(item, f"{place}/{index}"):
                yield [*value[:index], changed, *value[index + 1 :]], where
    else:
        yield ("altered", value), place


@pytest.mark.parametrize("name", sorted(_BY_NAME)[::10])
def test_any_change_of_a_golden_answer_is_noticed(name):
    recorded = golden.load(_BY_NAME[name])
    for index, call in enumerate(recorded):
        for answer, place in _altered(call["answer"], ""):
            changed = [*recorded[:index], {**call, "answer": json.loads(json.dumps(answer))}, *recorded[index + 1 :]]
            assert [each.place for each in golden.differences(changed, copy.deepcopy(recorded))] == [place]
