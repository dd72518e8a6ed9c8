"""Each rule of a contract, kept and broken."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from lakefs_repro.errors import InvalidError

FORMATS = ("csv", "jsonl", "parquet")


def table(data, kind, name, rows):
    """The same rows in one of the formats."""
    import csv
    import io
    import json

    path = f"{name}.{kind}"
    if kind == "parquet":
        import pyarrow as pa

        return data.parquet(path, pa.Table.from_pylist(rows))
    if kind == "jsonl":
        return data.write(path, "".join(json.dumps(row) + "\n" for row in rows))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return data.write(path, out.getvalue())


def column(name, logical=None, **more):
    return {"name": name, **({"logicalType": logical} if logical else {}), **more}


@pytest.mark.parametrize("kind", FORMATS)
def test_required(data, make_contract, kind):
    promised = make_contract(column("a", "integer", required=True), column("b", "string"))
    data.passes(promised, table(data, kind, "good", [{"a": 1, "b": None}]))
    violation = data.only(promised, table(data, kind, "bad", [{"a": 1, "b": "x"}, {"a": None, "b": "y"}]))
    assert (violation.file, violation.column, violation.rule, violation.rows) == (f"bad.{kind}", "a", "required", 1)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("logical", "good", "bad"),
    [
        ("integer", 3, "9h15"),
        ("number", 3.5, "x"),
        ("boolean", True, "maybe"),
        ("date", "2013-01-05", "5th"),
        ("timestamp", "2013-01-05T10:00:00Z", "soon"),
        ("time", "10:15:00", "noon"),
    ],
)
def test_type(data, make_contract, kind, logical, good, bad):
    promised = make_contract(column("a", logical))
    value = good
    if kind == "parquet" and logical in ("date", "timestamp", "time"):
        whole = dt.datetime(2013, 1, 5, 10, 15)  # noqa: DTZ001 (a local time of day)
        value = {"date": whole.date(), "timestamp": whole, "time": whole.time()}[logical]
    data.passes(promised, table(data, kind, "good", [{"a": value}, {"a": None}]))
    violation = data.only(promised, table(data, kind, "bad", [{"a": bad}, {"a": bad}, {"a": None}]))
    assert (violation.rule, violation.rows, violation.examples) == ("type", 2, (bad,))
    assert logical in violation.message


def test_a_type_is_shown_by_five_examples_the_most_frequent_first(data, make_contract):
    values = ["z", "z", "a", "b", "c", "d", "e", "1"]
    violation = data.only(make_contract(column("a", "integer")), data.write("f.csv", "a\n" + "\n".join(values)))
    assert violation.rows == 7
    assert violation.examples == ("z", "a", "b", "c", "d")


def test_an_integer_in_text_may_end_in_point_zero_but_have_no_fraction(data, make_contract):
    promised = make_contract(column("a", "integer"))
    data.passes(promised, data.write("good.csv", "a\n517.0\n-3\n+4\nNA\n"))
    assert data.only(promised, data.write("bad.csv", "a\n3.7\n0x1F\n")).rows == 2
    assert data.only(promised, data.write("bad.jsonl", '{"a": 3.0}\n{"a": 3.5}\n{"a": "4"}\n{"a": true}\n')).rows == 3


def test_parquet_widening_is_no_change_but_another_logical_type_is(data, make_contract):
    import pyarrow as pa

    whole, real = make_contract(column("a", "integer")), make_contract(column("a", "number"))
    for found in (pa.int8(), pa.int32(), pa.int64(), pa.uint64()):
        data.passes(whole, data.parquet("i.parquet", {"a": pa.array([1, None], found)}))
        data.passes(real, data.parquet("i.parquet", {"a": pa.array([1, None], found)}))
    data.passes(real, data.parquet("d.parquet", {"a": pa.array([Decimal("1.5")])}))
    data.passes(whole, data.parquet("n.parquet", {"a": pa.nulls(3)}))
    violation = data.only(whole, data.parquet("f.parquet", {"a": pa.array([1.5, None])}))
    assert (violation.rule, violation.rows, violation.examples) == ("type", 1, ("1.5",))
    assert "number" in violation.message


@pytest.mark.parametrize("kind", FORMATS)
def test_range(data, make_contract, kind):
    promised = make_contract(column("a", "integer", logicalTypeOptions={"minimum": 1, "exclusiveMaximum": 10}))
    data.passes(promised, table(data, kind, "good", [{"a": 1}, {"a": 9}, {"a": None}]))
    violation = data.only(promised, table(data, kind, "bad", [{"a": 0}, {"a": 10}, {"a": 5}]))
    assert (violation.rule, violation.rows, violation.examples) == ("range", 2, ("0", "10"))
    assert violation.message == "must be at least 1 and below 10"


def test_range_of_dates_and_times(data, make_contract):
    promised = make_contract(
        column("d", "date", logicalTypeOptions={"minimum": "2013-01-01"}),
        column("t", "timestamp", logicalTypeOptions={"maximum": "2013-12-31T23:59:59+01:00"}),
        column("u", "time", logicalTypeOptions={"exclusiveMinimum": "06:00:00"}),
    )
    data.passes(promised, data.write("good.csv", "d,t,u\n2013-01-01,2013-12-31T22:59:59Z,06:00:01\n"))
    report = data.validate(promised, data.write("bad.csv", "d,t,u\n2012-12-31,2013-12-31T23:00:00Z,06:00:00\n"))
    assert [(v.column, v.rule) for v in report.violations] == [("d", "range"), ("t", "range"), ("u", "range")]


def test_multiple_length_pattern_and_items(data, make_contract):
    promised = make_contract(
        column("m", "number", logicalTypeOptions={"multipleOf": 0.25}),
        column("l", "string", logicalTypeOptions={"minLength": 2, "maxLength": 3}),
        column("p", "string", logicalTypeOptions={"pattern": "^[A-Z]'?\\d$"}),
        column("i", "array", logicalTypeOptions={"minItems": 1, "maxItems": 2}),
    )
    good = '{"m": 1.75, "l": "äöü", "p": "A\'1", "i": [1, "x"]}\n{}\n'
    data.passes(promised, data.write("good.jsonl", good))
    report = data.validate(promised, data.write("bad.jsonl", '{"m": 1.7, "l": "a", "p": "AB", "i": []}\n'))
    assert [(v.column, v.rule) for v in report.violations] == [
        ("m", "multiple-of"),
        ("l", "length"),
        ("p", "pattern"),
        ("i", "items"),
    ]
    import pyarrow as pa

    lists = make_contract(column("i", "array", logicalTypeOptions={"maxItems": 1}))
    assert data.only(lists, data.parquet("l.parquet", {"i": pa.array([["a b", "c"], ["d"], None])})).rows == 1


@pytest.mark.parametrize("kind", FORMATS)
def test_allowed_values(data, make_contract, kind):
    check = {"metric": "invalidValues", "arguments": {"validValues": ["EWR", "O'Hare", "no"]}, "mustBe": 0}
    promised = make_contract(column("a", "string", quality=[check]))
    data.passes(promised, table(data, kind, "good", [{"a": "EWR"}, {"a": "O'Hare"}, {"a": None}, {"a": "no"}]))
    violation = data.only(promised, table(data, kind, "bad", [{"a": "LHR"}, {"a": "EWR"}]))
    assert (violation.rule, violation.rows, violation.examples) == ("allowed-values", 1, ("LHR",))


def test_allowed_numbers(data, make_contract):
    check = {"metric": "invalidValues", "arguments": {"validValues": [1, 2]}, "mustBe": 0}
    promised = make_contract(column("a", "number", quality=[check]))
    data.passes(promised, data.write("good.csv", "a\n1.0\n2\n"))
    assert data.only(promised, data.write("bad.csv", "a\n1.5\n")).rule == "allowed-values"


def test_a_threshold_is_judged_over_all_new_files(data, make_contract):
    check = {"metric": "nullValues", "mustBeLessThan": 50, "unit": "percent"}
    promised = make_contract(column("a", "integer", quality=[check]), column("b"))
    mostly_null, full = data.write("x.csv", "a,b\n,1\n,1\n1,1\n"), data.write("y.csv", "a,b\n1,1\n2,1\n3,1\n")
    data.passes(promised, mostly_null, full)
    violation = data.only(promised, mostly_null)
    assert (violation.file, violation.rows) == ("x.csv", 2)
    assert violation.message.startswith("66.67 % of 3 rows")


def test_missing_values_and_severity(data, make_contract):
    arguments = {"missingValues": [None, "", "N/A"]}
    check = {"metric": "missingValues", "arguments": arguments, "mustBe": 0, "severity": "warning"}
    report = data.validate(
        make_contract(column("a", "string", quality=[check]), column("b")), data.write("f.csv", "a,b\nN/A,1\n,1\nx,1\n")
    )
    assert [(v.rule, v.rows, v.severity) for v in report.violations] == [("missing-values", 2, "warning")]
    assert report.ok
    assert "warning: " in report.render()


@pytest.mark.parametrize("kind", FORMATS)
def test_unique_column(data, make_contract, kind):
    promised = make_contract(column("a", "integer", unique=True))
    data.passes(promised, table(data, kind, "good", [{"a": 1}, {"a": None}, {"a": None}]))
    violation = data.only(promised, table(data, kind, "bad", [{"a": 7}, {"a": 7}, {"a": 1}]))
    assert (violation.rule, violation.rows, violation.examples) == ("unique", 2, ("7",))


def test_a_composite_key_is_ordered_by_position_and_required(data, make_contract):
    promised = make_contract(
        column("n", "integer", primaryKey=True, primaryKeyPosition=2),
        column("c", "string", primaryKey=True, primaryKeyPosition=1),
    )
    data.passes(promised, data.write("good.csv", "n,c\n1,a\n1,b\n"))
    violation = data.only(promised, data.write("bad.csv", "n,c\n1,a\n2,a\n1,a\n"))
    assert (violation.column, violation.examples) == ("c, n", ("c=a, n=1",))
    assert data.only(promised, data.write("null.csv", "n,c\n1,\n")).rule == "required"


def test_duplicate_values_of_a_table_with_a_threshold(data, make_contract):
    check = {"metric": "duplicateValues", "arguments": {"properties": ["a", "b"]}, "mustBeLessThan": 2}
    promised = make_contract(column("a"), column("b"), quality=[check])
    data.passes(promised, data.write("good.csv", "a,b\n1,1\n1,1\n1,2\n"))
    violation = data.only(promised, data.write("bad.csv", "a,b\n1,1\n1,1\n1,1\n"))
    assert (violation.rule, violation.rows) == ("unique", 2)


def test_a_key_is_unique_across_old_and_new_files_and_only_new_ones_are_blamed(data, make_contract):
    promised = make_contract(column("a", "integer", unique=True))
    old = data.write("old.csv", "a\n1\n2\n9\n9\n")
    data.passes(promised, data.write("new.csv", "a\n3\n"), rest=[old])
    violation = data.only(promised, data.write("again.csv", "a\n2\n3\n"), rest=[old])
    assert (violation.file, violation.rows, violation.examples) == ("again.csv", 1, ("2",))
    assert "also in old.csv" in violation.message


def test_scopes_of_a_key(data, make_contract):
    rest = [data.write("day=1/old.csv", "a\n1\n"), data.write("day=2/old.csv", "a\n2\n")]
    for scope, expected in (("new", 0), ("partition", 1), ("all", 2)):
        promised = make_contract(column("a", "integer", unique=True, scope=scope))
        report = data.validate(promised, data.write("day=2/new.csv", "a\n1\n2\n"), rest=rest)
        assert sum(v.rows for v in report.violations) == expected, scope


def test_row_wise_checks_look_at_older_rows_only_when_told_to(data, make_contract):
    rest = [data.write("day=1/old.csv", "a\n-1\n"), data.write("day=2/old.csv", "a\n-2\n")]
    for scope, files in ((None, []), ("partition", ["day=2/old.csv"]), ("all", ["day=1/old.csv", "day=2/old.csv"])):
        own = {"scope": scope} if scope else {}
        promised = make_contract(column("a", "integer", logicalTypeOptions={"minimum": 0}, **own))
        report = data.validate(promised, data.write("day=2/new.csv", "a\n1\n"), rest=rest)
        assert [v.file for v in report.violations] == files


def test_older_files_are_asked_for_only_when_a_check_needs_them(data, make_contract):
    from lakefs_repro.tables import validate

    def forbidden():
        raise AssertionError("asked for")

    new = data.write("n.csv", "a\n1\n")
    promised = make_contract(column("a", "integer", required=True, unique=True, scope="new"))
    assert validate(promised, [new], rest=forbidden, spill_dir=data.root / "spill").ok
    counted = make_contract(column("a"), quality=[{"metric": "rowCount", "mustBe": 3}])
    assert validate(counted, [new], rest=forbidden, rest_rows={"o.csv": 2}, spill_dir=data.root / "spill").ok
    with pytest.raises(AssertionError, match="asked for"):
        validate(counted, [new], rest=forbidden, spill_dir=data.root / "spill")


@pytest.mark.parametrize("kind", FORMATS)
def test_row_count(data, make_contract, kind):
    promised = make_contract(column("a", "integer"), quality=[{"metric": "rowCount", "mustBeBetween": [2, 3]}])
    old = table(data, kind, "old", [{"a": 1}, {"a": 2}])
    data.passes(promised, table(data, kind, "new", [{"a": 3}]), rest=[old])
    violation = data.only(promised, table(data, kind, "more", [{"a": 3}, {"a": 4}]), rest=[old])
    assert (violation.rule, violation.rows) == ("row-count", 4)
    assert violation.message == "4 rows; the number must be between 2 and 3"


def test_row_count_notices_that_files_are_gone(data, make_contract):
    promised = make_contract(column("a"), quality=[{"metric": "rowCount", "mustBeGreaterThan": 1}])
    assert data.only(promised, rest=[data.write("left.csv", "a\n1\n")]).rule == "row-count"


def test_sql(data, make_contract):
    check = {"type": "sql", "name": "sum", "query": "SELECT sum(a) FROM {object}", "mustBe": 3}
    promised = make_contract(column("a", "integer"), quality=[check])
    data.passes(promised, data.write("new.csv", "a\n1\n"), rest=[data.write("old.csv", "a\n2\n")])
    violation = data.only(promised, data.write("new.csv", "a\n2\n"), rest=[data.write("old.csv", "a\n2\n")])
    assert (violation.rule, violation.message) == ("sql", "sum: the query answered 4; must be 3")


@pytest.mark.parametrize("placeholder", ["{table}", "${table}", "{object}", "t"])
def test_sql_names_table_and_column(data, make_contract, placeholder):
    query = f"SELECT count(*) FROM {placeholder} WHERE {{property}} < 0"
    check = {"type": "sql", "query": query, "mustBeLessOrEqualTo": 0}
    promised = make_contract(column('odd "name"', "integer", quality=[check]))
    data.passes(promised, data.parquet("good.parquet", {'odd "name"': [1, 2]}))
    violation = data.only(promised, data.parquet("bad.parquet", {'odd "name"': [1, -2]}))
    assert (violation.column, violation.rows) == ('odd "name"', 1)


def test_sql_scope_new_sees_the_new_rows_only(data, make_contract):
    check = {"type": "sql", "query": "SELECT count(*) FROM {table}", "mustBe": 1, "scope": "new"}
    promised = make_contract(column("a"), quality=[check])
    data.passes(promised, data.write("new.csv", "a\n1\n"), rest=[data.write("old.csv", "a\n2\n")])


def test_sql_reaches_the_other_tables(data):
    from lakefs_repro.model.contract import Contract

    query = "SELECT count(*) FROM {table} f ANTI JOIN planes p USING (tailnum)"
    promised = Contract.model_validate(
        {
            "id": "d",
            "schema": [
                {
                    "name": "flights",
                    "physicalName": "flights*.csv",
                    "properties": [{"name": "tailnum"}],
                    "quality": [{"type": "sql", "query": query, "mustBe": 0}],
                },
                {"name": "planes", "physicalName": "planes.csv", "properties": [{"name": "tailnum"}]},
            ],
        }
    )
    planes = data.write("planes.csv", "tailnum\nN1\nN2\n")
    data.passes(promised, data.write("flights1.csv", "tailnum\nN1\n"), rest=[planes])
    assert data.only(promised, data.write("flights2.csv", "tailnum\nN3\n"), rest=[planes]).rows == 1
    data.passes(promised, planes)


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("SELECT count(*) FROM nowhere", "can't be run"),
        ("SELECT 1, 2", "one row with one column"),
        ("SELECT a FROM {table}", "one row with one column"),
        ("SELECT 'x'", "a number or a boolean"),
        ("SELEC 1", "not a single SELECT"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("DELETE FROM {table}", "not a single SELECT"),
    ],
)
def test_sql_that_is_no_check_is_the_contract_s_fault(data, make_contract, query, complaint):
    promised = make_contract(column("a"), quality=[{"type": "sql", "query": query, "mustBe": 0}])
    with pytest.raises(InvalidError, match=complaint):
        data.validate(promised, data.write("f.csv", "a\n1\n2\n"))


def test_sql_that_fails_on_a_value_is_a_violation_that_does_not_quote_it(data, make_contract):
    check = {"type": "sql", "query": "SELECT sum(CAST(a AS INTEGER)) FROM {table}", "mustBe": 0}
    violation = data.only(make_contract(column("a", pii=True), quality=[check]), data.write("f.csv", "a\nsecret\n"))
    assert violation.rule == "sql"
    assert "secret" not in violation.message


def test_a_pattern_that_re2_does_not_know_is_refused(data, make_contract):
    with pytest.raises(InvalidError, match="look-ahead"):
        data.validate(make_contract(column("a", "string", logicalTypeOptions={"pattern": "(?=x)"})))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_missing_and_unexpected_columns(data, make_contract, kind):
    promised = make_contract(column("tail_num", "string", required=True), column("a", "integer"))
    file = table(data, kind, "f", [{"tailnum": "x", "a": 1}])
    report = data.validate(promised, file)
    assert [(v.rule, v.column, v.rows) for v in report.violations] == [
        ("missing-column", "tail_num", 1),
        ("unexpected-column", "tailnum", 1),
    ]
    assert "now called 'tailnum'" in report.violations[0].message
    lax = [{"property": "additionalColumns", "value": "allowed"}, {"property": "missingColumns", "value": "allowed"}]
    relaxed = make_contract(column("tail_num", "string"), column("a", "integer"), customProperties=lax)
    data.passes(relaxed, file)


def test_keys_of_json_may_be_absent_but_not_unknown(data, make_contract):
    promised = make_contract(column("a", "integer"), column("b", "string"))
    data.passes(promised, data.write("good.jsonl", '{"a": 1}\n\n{"b": null}\n'))
    violation = data.only(promised, data.write("bad.jsonl", '{"a": 1, "c/d": 2}\n{"c/d": 3}\n'))
    assert (violation.rule, violation.column, violation.rows) == ("unexpected-column", "c/d", 2)


def test_order_of_csv_columns_does_not_matter(data, make_contract):
    promised = make_contract(column("a", "integer"), column("b", "string"))
    data.passes(promised, data.write("x.csv", "b,a\nx,1\n"), data.write("y.csv", "a,b\n1,x\n"))


def test_a_file_of_no_table(data):
    from lakefs_repro.model.contract import Contract

    promised = Contract.model_validate(
        {
            "id": "d",
            "schema": [{"name": "t", "physicalName": "*.csv", "properties": [{"name": "a"}]}],
            "customProperties": [{"property": "notTables", "value": ["raw/**"]}],
        }
    )
    data.passes(promised, data.write("a.csv", "a\n1\n"), data.write("readme.md", "x"), data.write("raw/x.csv", "?"))
    assert data.only(promised, data.write("sub/a.csv", "a\n1\n")).rule == "unknown-table"
    assert data.only(promised, data.write("sub/a.parquet", "PAR")).rule == "readable"


def test_values_of_pii_columns_appear_nowhere(data, make_contract):
    promised = make_contract(
        column("mail", "string", pii=True, unique=True, logicalTypeOptions={"pattern": "@"}),
        column("age", "integer", customProperties=[{"property": "pii", "value": True}]),
    )
    report = data.validate(promised, data.write("f.csv", "mail,age\nsecret-a,secret-b\nsecret-a,77\n"))
    assert {v.rule for v in report.violations} == {"pattern", "type", "unique"}
    for text in (report.render(), str(report.to_json()), str(report.totals()), str(report.statistics)):
        assert "secret" not in text
        assert "77" not in text
