"""Contract files: what is accepted, what is refused and in which words, and what the hash depends on."""

from __future__ import annotations

import pytest
import yaml

from lakefs_repro.errors import InvalidError
from lakefs_repro.model.contract import Contract

HEAD = """\
apiVersion: v3.1.0
kind: DataContract
id: flights
version: 1.0.0
status: active
"""
FLIGHTS = (
    HEAD
    + """\
# the promises of flights
description:
  purpose: What left New York.
team:
  - username: ada
servers: [{server: local, type: local, path: ./data}]
slaProperties: [{property: latency, value: 1}]
tags: [aviation]
schema:
  - name: flights
    physicalName: "month=*/*.csv"
    properties:
      - name: year
        logicalType: integer
        primaryKey: true
        primaryKeyPosition: 1
      - name: dep_time
        logicalType: integer
        logicalTypeOptions: {minimum: 1, maximum: 2400}
      - name: tailnum
        logicalType: string
        pii: true
        scope: all
        quality:
          - metric: nullValues
            mustBeLessThan: 5
            unit: percent
            severity: warning
    quality:
      - metric: rowCount
        mustBeBetween: [1, 1000000]
      - {type: sql, query: "SELECT count(*) FROM {object} WHERE air_time < 0", mustBe: 0, scope: new}
      - {type: text, description: Flights are unique.}
      - {type: custom, engine: soda, implementation: "duplicate_percent < 1"}
    customProperties:
      - {property: additionalColumns, value: allowed}
"""
)


def refused(text, *expected):
    with pytest.raises(InvalidError) as raised:
        Contract.load(text, source="flights.yaml")
    assert raised.value.kind == "bad-contract"
    for part in expected:
        assert part in str(raised.value)
    return str(raised.value)


def test_a_whole_contract_is_read():
    contract = Contract.load(FLIGHTS)
    (table,) = contract.tables
    assert [column.name for column in table.key] == ["year"]
    assert table.properties[1].logical_type_options.upper == (2400, False)
    assert table.properties[2].withheld
    assert table.allows_additional_columns
    assert contract.tags == ["aviation"]
    assert [check.executable for check in table.quality] == [True, True, False, False]


def test_dump_is_stable_and_reads_back():
    contract = Contract.load(FLIGHTS)
    text = contract.dump()
    assert Contract.load(text) == contract
    assert Contract.load(text).dump() == text
    assert yaml.safe_load(text)["schema"][0]["name"] == "flights"


def test_the_hash_depends_on_content_alone():
    contract = Contract.load(FLIGHTS)
    data = yaml.safe_load(FLIGHTS)
    shuffled = yaml.safe_dump(_reversed(data), sort_keys=False)
    assert "# the promises" not in shuffled
    assert Contract.load(shuffled).hash == contract.hash
    assert Contract.load(FLIGHTS.replace("scope: all", "scope: all\n        required: false")).hash == contract.hash
    assert Contract.load(FLIGHTS.replace("2400", "2359")).hash != contract.hash
    assert len(contract.hash) == 64
    assert Contract.load(HEAD).hash == "3daeb09b0cf0fa5d23a9adc648c2e05b2914bdfbfccd32cd5644569ea9e54131"


def _reversed(data):
    if isinstance(data, dict):
        return {key: _reversed(data[key]) for key in reversed(data)}
    return [_reversed(item) for item in data] if isinstance(data, list) else data


@pytest.mark.parametrize(
    ("before", "after", "line", "expected"),
    [
        ("logicalType: string", "logicalType: text", 26, "'string', 'date'"),
        ("minimum: 1", "minmum: 1", 24, "did you mean minimum?"),
        ("metric: rowCount", "metrc: rowCount", 35, "did you mean metric?"),
        ("metric: rowCount", "metric: rows", 35, "'rowCount'"),
        ("scope: all", "scope: everything", 28, "'new', 'partition' or 'all'"),
        ("pii: true", "pii: yes", 27, "true or false"),
        ("pii: true", "piii: true", 27, "did you mean pii?"),
        ("- name: dep_time", "- nam: dep_time", 22, "did you mean name?"),
        ("minimum: 1", "minimum: 5000", 24, "the minimum 5000 is above the maximum 2400"),
        ("minimum: 1", "minimum: low", 24, "minimum: must be a number"),
        ("minimum: 1", "pattern: x", 24, "pattern: does not apply to integer"),
        ("minimum: 1", "uniqueItems: true", 24, "not checked"),
        ("mustBeBetween: [1, 1000000]", "mustBeBetween: [2, 1]", 36, "the smaller bound comes first"),
        ("mustBeBetween: [1, 1000000]", "mustBeAbout: 5", 36, "not known"),
        ("mustBeLessThan: 5", "mustBe: 0\n            mustBeLessThan: 5", 30, "exactly one operator"),
        ("metric: nullValues", "metric: rowCount", 30, "rowCount belongs to the quality of the table"),
        ("metric: nullValues", "metric: invalidValues", 30, "needs arguments: validValues or pattern"),
        ("metric: rowCount", "metric: duplicateValues", 35, "needs arguments.properties"),
        ("value: allowed", "value: maybe", 41, "either allowed or refused"),
        ("additionalColumns", "aditionalColumns", 41, "did you mean 'additionalColumns'?"),
        ("apiVersion: v3.1.0", "apiVersion: v2.2.2", 1, "apiVersion"),
        ("kind: DataContract", "kind: DataProduct", 2, "'DataContract'"),
        ("tags:", "tgas:", 13, "did you mean tags?"),
        ("- name: tailnum", "- name: year", 25, "'year' is described twice"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_what_is_allowed(before, after, line, expected):
    assert before in FLIGHTS
    refused(FLIGHTS.replace(before, after, 1), f"flights.yaml, line {line}: ", expected)


@pytest.mark.parametrize("key", ["apiVersion", "kind", "id"])
def test_fundamentals_are_asked_for(key):
    text = "\n".join(line for line in FLIGHTS.splitlines() if not line.startswith(f"{key}:"))
    refused(text, f"the key {key} is missing", f"hint: add the line: {key}: ")


def test_several_tables_each_say_which_files_are_theirs():
    text = HEAD + "schema:\n  - {name: a, physicalName: 'a/*'}\n  - {name: b%s}\n"
    refused(text % "", "table 'b' needs a physicalName")
    contract = Contract.load(text % ", physicalName: '**'")
    assert contract.table_for("a/x.csv").name == "a"
    assert contract.table_for("a/b/x.csv").name == "b"
    refused(HEAD + "schema:\n  - {name: a, physicalName: x}\n  - {name: A, physicalName: y}\n", "same name")


def test_words_stay_as_they_were_written():
    text = (
        HEAD + "schema: [{name: t, properties: [{name: no, examples: [yes, off, 012, 1:30, 2013-01-01, 1e3, ~, 0.5]}]}]"
    )
    (column,) = Contract.load(text).tables[0].properties
    assert column.name == "no"
    assert column.examples == ["yes", "off", "012", "1:30", "2013-01-01", "1e3", None, 0.5]
    assert Contract.load(Contract.load(text).dump()).tables[0].properties[0] == column


def test_names_of_odcs_3_0_are_understood():
    text = HEAD + "schema: [{name: t, properties: [{name: a, quality: [{rule: nullCheck, mustBe: 0}]}]}]"
    assert Contract.load(text).tables[0].properties[0].quality[0].measure == "nullValues"
    flag = HEAD + (
        "schema: [{name: t, properties: [{name: a, logicalType: integer,"
        " logicalTypeOptions: {minimum: 0, exclusiveMinimum: true}}]}]"
    )
    assert Contract.load(flag).tables[0].properties[0].logical_type_options.lower == (0, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a contract is a mapping"),
        ("- a", "a contract is a mapping"),
        ("a: [1", "line 1: not valid YAML"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
        ("a: 1\na: 2", "line 2: the key 'a' is written twice (first on line 1)"),
        ("a: {b: 1, b: 2}", "written twice"),
        ("1: x", "a key must be text"),
        ("? [a]\n: x", "a key must be text"),
        ("a: !!python/object/apply:os.system ['true']", "not allowed"),
        ("a: !!binary aGk=", "not allowed"),
        ("!!set {a}", "not allowed"),
        ("a: !custom x", "not allowed"),
        ("a: \x07", "control characters"),
        (b"a: \xff", "not UTF-8"),
        ('a: "\\ud800"', "surrogate"),
        ("a: " + "9" * 5000, "a number longer than"),
        ("a: " + "[" * 5000, "nested deeper"),
        ("a: " + "[" * 50 + "]" * 50, "nested deeper"),
        ("a: " + "x" * (3 << 20), "too large"),
        ("a: &a [*a]", "nested deeper"),
        ("a: *b", "not valid YAML"),
        ("<<: {id: x}", "line 1"),
        ("a: 1" + "0" * 39 + ".0e+999", "a number longer"),
    ],
)
def test_hostile_and_broken_yaml_is_refused(text, expected):
    refused(text, expected)


def test_an_alias_bomb_is_refused_quickly():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    refused("\n".join(lines), "aliases counted where they are used")


def test_merge_keys_do_not_smuggle_values_in():
    assert "<<" in refused(HEAD + "<<: {status: draft}\n", "not known")


def test_pii_and_scope_may_be_written_as_custom_properties():
    text = HEAD + (
        "schema: [{name: t, properties: [{name: a, customProperties:"
        " [{property: pii, value: true}, {property: scope, value: partition}]}]}]"
    )
    (column,) = Contract.load(text).tables[0].properties
    assert column.withheld
    assert column.effective_scope == "partition"
    refused(text.replace("partition", "everything"), "scope is one of new, partition, all")


def test_files_that_are_no_tables():
    text = HEAD + "schema: [{name: t}]\ncustomProperties: [{property: notTables, value: ['raw/**', '*.tsv']}]\n"
    contract = Contract.load(text)
    assert contract.ignores("raw/a/b.csv")
    assert contract.ignores("x.tsv")
    assert not contract.ignores("a/x.tsv")


@pytest.mark.parametrize(
    ("operator", "bound", "good", "bad", "words"),
    [
        ("mustBe", 3, 3, 4, "must be 3"),
        ("mustBe", True, True, False, "must be true"),
        ("mustNotBe", 3, 4, 3, "must not be 3"),
        ("mustBeGreaterThan", 3, 4, 3, "must be greater than 3"),
        ("mustBeGreaterOrEqualTo", 3, 3, 2, "must be at least 3"),
        ("mustBeLessThan", 3, 2, 3, "must be less than 3"),
        ("mustBeLessOrEqualTo", 3, 3, 4, "must be at most 3"),
        ("mustBeBetween", [1, 3], 3, 4, "must be between 1 and 3"),
        ("mustNotBeBetween", [1, 3], 4, 3, "must not be between 1 and 3"),
    ],
)
def test_operators(operator, bound, good, bad, words):
    from lakefs_repro.model.contract_check import Check

    check = Check.model_validate({"type": "sql", "query": "SELECT 1", operator: bound})
    assert check.holds(good)
    assert not check.holds(bad)
    assert check.demand() == words


def test_reports_show_values_to_people_and_keep_none():
    from lakefs_repro.model.table_report import MAX_VIOLATIONS, ValidationReport, Violation

    violations = [Violation("t", f"{n}.csv", "a", "type", 2, ("9h15", "x\ny"), "not an integer") for n in range(1500)]
    violations.append(Violation("t", "", "", "row-count", 5, (), "5 rows", "warning"))
    report = ValidationReport.of(violations)
    assert len(report.violations) == MAX_VIOLATIONS
    assert report.omitted == 501
    assert not report.ok
    assert "9h15" not in str(report.to_json())
    lines = report.render().splitlines()
    assert lines[0] == "0.csv, column a: not an integer [type]"
    assert lines[1] == r"    2 rows, such as 9h15, 'x\ny'"
    assert lines[10] == "  … column a, rule type: 995 more files, 1,990 rows"
    assert lines[11] == "and 501 more violations"
    assert ValidationReport().render() == ""
