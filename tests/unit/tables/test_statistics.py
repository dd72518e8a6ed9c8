from __future__ import annotations

import datetime as dt
import json

from lakefs_repro.model.table import FileStatistics, TableSchema, TableStatistics, merge_statistics


def named(columns):
    return {column.name: (column.nulls, column.minimum, column.maximum) for column in columns}


def test_every_format_gives_the_same_statistics(data, make_contract):
    import pyarrow as pa

    promised = make_contract(
        *[{"name": name, "logicalType": kind} for name, kind in (("i", "integer"), ("n", "number"), ("s", "string"))],
        *[{"name": name, "logicalType": kind} for name, kind in (("b", "boolean"), ("d", "date"), ("t", "timestamp"))],
    )
    csv = data.write("f.csv", "i,n,s,b,d,t\n3,1.5,b,true,2013-01-05,2013-01-05 10:00:00\n,-2,a,false,2013-01-06,\n")
    jsonl = data.write(
        "f.jsonl",
        '{"i": 3, "n": 1.5, "s": "b", "b": true, "d": "2013-01-05", "t": "2013-01-05T10:00:00"}\n'
        '{"i": null, "n": -2, "s": "a", "b": false, "d": "2013-01-06"}\n',
    )
    moment = dt.datetime(2013, 1, 5, 10)  # noqa: DTZ001 (naive, as in the file)
    parquet = data.parquet(
        "f.parquet",
        {
            "i": [3, None],
            "n": [1.5, -2],
            "s": ["b", "a"],
            "b": [True, False],
            "d": [dt.date(2013, 1, 5), dt.date(2013, 1, 6)],
            "t": pa.array([moment, None], pa.timestamp("us")),
        },
    )
    for file in (csv, jsonl, parquet):
        (found,) = data.statistics(promised, file)
        assert (found.path, found.table, found.rows) == (file.path, "t", 2)
        assert named(found.columns) == {
            "i": (1, 3, 3),
            "n": (0, -2.0, 1.5),
            "s": (0, "a", "b"),
            "b": (0, False, True),
            "d": (0, "2013-01-05", "2013-01-06"),
            "t": (1, "2013-01-05T10:00:00", "2013-01-05T10:00:00"),
        }, file.path


def test_footers_and_rows_agree(data, make_contract, monkeypatch):
    import pyarrow as pa

    promised = make_contract(
        {"name": "a", "logicalType": "integer", "logicalTypeOptions": {"minimum": 0}},
        {"name": "x", "logicalType": "number"},
        {"name": "m", "logicalType": "integer"},
    )
    table = pa.table({"a": [5, None, -1], "x": pa.array([1, 2, None], pa.int32())})
    file = data.parquet("m=7/f.parquet", table)
    by_footer = data.validate(promised, file)
    monkeypatch.setattr("lakefs_repro.tables.profile.from_footer", lambda *_: None)
    by_rows = data.validate(promised, file)
    assert by_footer == by_rows
    assert [(v.rule, v.rows) for v in by_rows.violations] == [("range", 1)]
    assert named(by_rows.statistics[0].columns)["m"] == (0, 7, 7)


def test_footers_alone_answer_for_parquet_without_other_checks(data, make_contract, monkeypatch):
    def forbidden(*_):
        raise AssertionError("rows were read")

    monkeypatch.setattr("lakefs_repro.tables.profile.relation", forbidden)
    promised = make_contract(
        {"name": "a", "logicalType": "integer", "required": True},
        {"name": "v", "logicalType": "array"},
        {"name": "i", "logicalType": "string"},
    )
    report = data.validate(
        promised, data.parquet("f.parquet", {"a": [1, 2], "v": [[0.5], [0.25]], "i": [b"\xff", None]})
    )
    assert report.ok
    assert report.rows == 2


def test_nan_and_infinity_are_no_bounds(data, make_contract):
    promised = make_contract({"name": "x", "logicalType": "number"})
    for file in (
        data.write("f.csv", "x\ninf\n1\n"),
        data.parquet("f.parquet", {"x": [float("nan"), float("inf"), 1.0]}),
    ):
        (found,) = data.statistics(promised, file)
        assert json.dumps(found.to_json(), allow_nan=False)
        assert named(found.columns)["x"][1] in (None, 1.0)


def test_long_text_is_cut_and_pii_withheld(data, make_contract):
    promised = make_contract(
        {"name": "s", "logicalType": "string"}, {"name": "p", "logicalType": "string", "pii": True}
    )
    (found,) = data.statistics(promised, data.write("f.csv", "s,p\n" + "x" * 500 + ",secret\n"))
    assert len(found.columns[0].maximum) == 100
    assert found.columns[1].to_json() == {"name": "p", "nulls": 0, "withheld": True}


def test_statistics_turn_into_json_and_back_and_merge(data, make_contract):
    promised = make_contract(
        {"name": "a", "logicalType": "integer"}, {"name": "b", "logicalType": "string", "pii": True}
    )
    files = data.statistics(promised, data.write("1.csv", "a,b\n1,x\n"), data.write("2.csv", "a,b\n,y\n-5,z\n"))
    back = [FileStatistics.from_json(json.loads(json.dumps(file.to_json()))) for file in files]
    assert tuple(back) == files
    (total,) = merge_statistics(back)
    assert (total.rows, total.files, named(total.columns)) == (3, 2, {"a": (1, -5, 1), "b": (0, None, None)})
    assert TableStatistics.from_json(json.loads(json.dumps(total.to_json()))) == total


def test_a_column_that_a_file_lacks_counts_as_null():
    from lakefs_repro.model.table import ColumnStatistics

    files = [FileStatistics("1", "t", 2, (ColumnStatistics("a", 0, 1, 2),)), FileStatistics("2", "t", 3)]
    (total,) = merge_statistics(files)
    assert total.columns[0].nulls == 3


def test_schemas_say_how_columns_lie_in_the_files(data, make_contract):
    import pyarrow as pa

    promised = make_contract({"name": "a", "logicalType": "integer", "required": True})
    report = data.validate(promised, data.parquet("f.parquet", {"a": pa.array([1], pa.int32()), "new": ["x"]}))
    (schema,) = report.schemas
    assert [(c.name, c.logical_type, c.physical_type) for c in schema.columns] == [
        ("a", "integer", "int32"),
        ("new", "string", "string"),
    ]
    assert TableSchema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_binary_values_have_no_bounds(data, make_contract, monkeypatch):
    promised = make_contract({"name": "i", "logicalType": "string"})
    file = data.parquet("f.parquet", {"i": [b"\xff", None]})
    by_footer = data.statistics(promised, file)
    assert named(by_footer[0].columns) == {"i": (1, None, None)}
    monkeypatch.setattr("lakefs_repro.tables.profile.from_footer", lambda *_: None)
    assert data.statistics(promised, file) == by_footer
