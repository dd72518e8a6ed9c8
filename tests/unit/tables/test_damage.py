"""Files that are not what their names promise are violations, never crashes."""

from __future__ import annotations

import gzip

import pytest

from lakefs_repro.errors import IntegrityError


def column(name, logical=None):
    return {"name": name, **({"logicalType": logical} if logical else {})}


@pytest.fixture
def promised(make_contract):
    return make_contract(column("a", "integer"), column("b", "string"))


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("x.csv", b"", "empty"),
        ("x.csv", b"\n\n", "empty"),
        ("x.csv", b"a,b\n1,x\n2,y,z\n", "line 3: 3 values where the header has 2 columns"),
        ("x.csv", b"a,b\n1,x\n2\n", "line 3: 1 values where the header has 2 columns"),
        ("x.csv", b"a,b\n1,x\n2,\xff\xfe\n", "line 3: not UTF-8"),
        ("x.csv", b'a,b\n1,"x\n2,y\n', "quoted value has no end"),
        ("x.csv", "a,b\n1,x\n".encode("utf-16"), "UTF-16"),
        ("x.csv", b"a,a\n1,2\n", "column 'a' twice"),
        ("x.csv.gz", b"a,b\n1,x\n", "not a whole gzip file"),
        ("x.jsonl", b'{"a": 1}\n{"a": \n', "line 2: not valid JSON"),
        ("x.jsonl", b'{"a": 1}\n[1]\n5\nnull\n', "not JSON objects"),
        ("x.jsonl", b'{"b": "\xff"}\n', "line 1: not UTF-8"),
        ("x.parquet", b"", "not a whole Parquet file"),
        ("x.parquet", b"PAR1 nothing PAR1", "not a whole Parquet file"),
    ],
)
def test_an_unreadable_file_is_named_with_the_reason(data, promised, name, content, complaint):
    good = data.write("good.csv", "a,b\n1,x\n")
    violation = data.only(promised, good, data.write(name, content))
    assert (violation.file, violation.rule) == (name, "readable")
    assert complaint in violation.message
    assert "/" not in violation.message


def test_a_truncated_gzip_and_parquet(data, promised):
    whole = gzip.compress(b"a,b\n" + b"1,x\n" * 100_000)
    assert data.only(promised, data.write("cut.csv.gz", whole[: len(whole) // 2])).rule == "readable"
    file = data.parquet("p.parquet", {"a": [1], "b": ["x"]})
    file.local.write_bytes(file.local.read_bytes()[:-20])
    assert data.only(promised, file).rule == "readable"


def test_broken_pages_of_a_parquet_file_are_found_when_rows_are_read(data, make_contract):
    check = {"metric": "invalidValues", "arguments": {"pattern": "^x"}, "mustBe": 0}
    promised = make_contract(column("a", "integer"), {**column("b", "string"), "quality": [check]})
    file = data.parquet("p.parquet", {"a": list(range(5000)), "b": [f"x{n}" for n in range(5000)]})
    raw = bytearray(file.local.read_bytes())
    raw[4:4000] = b"\xff" * 3996
    file.local.write_bytes(bytes(raw))
    assert data.only(promised, file).rule == "readable"


def test_many_unreadable_files_among_many_are_all_named(data, promised):
    files = [data.write(f"{n:03}.csv", "a,b\n1,x\n" if n % 10 else "a,b\n1,x,y\n") for n in range(200)]
    report = data.validate(promised, *files)
    assert {v.file for v in report.violations} == {f"{n:03}.csv" for n in range(0, 200, 10)}
    assert report.rows == 180


def test_a_broken_older_file_does_not_hide_what_is_new(data, make_contract):
    unique = make_contract({**column("a", "integer"), "unique": True})
    rest = [data.write("old.csv", "a\n1\n"), data.write("broken.csv", "a\n1,2\n")]
    report = data.validate(unique, data.write("new.csv", "a\n1\n"), rest=rest)
    assert {(v.file, v.rule) for v in report.violations} == {("broken.csv", "readable"), ("new.csv", "unique")}


@pytest.mark.parametrize(
    "name",
    [
        "a[1]*.csv",
        "b?.csv",
        "it's.csv",
        'say "x".csv',
        "new\nline.csv",
        "semi;colon -- x.csv",
        "{a,b}.csv",
        "back\\slash.csv",
        "ünï [ö].csv.gz",
        "key=val/a[1]*.csv",
        "%25.jsonl",
        "c[a-z]/x*.parquet",
    ],
)
def test_a_file_s_name_is_never_a_glob_nor_sql(data, promised, name):
    decoys = [data.write("a1x.csv", "a,b\nz,z\n"), data.write("bx.csv", "a,b\nz,z\n"), data.write("ca/xy.parquet", "")]
    content = b"a,b\nbad,x\n"
    if ".jsonl" in name:
        content = b'{"a": "bad", "b": "x"}\n'
    if name.endswith(".gz"):
        content = gzip.compress(content)
    file = data.write(name, content)
    if name.endswith(".parquet"):
        file = data.parquet(name, {"a": ["bad"], "b": ["x"]})
    assert decoys
    violation = data.only(promised, file)
    assert (violation.file, violation.rule, violation.rows, violation.examples) == (name, "type", 1, ("bad",))
    rendered = data.validate(promised, file).render()
    assert len(rendered.splitlines()) == 2


def test_a_spill_folder_with_glob_letters_is_no_trouble(data, promised, tmp_path):
    from lakefs_repro.tables import validate

    spill = tmp_path / "s[1]*'"
    assert validate(promised, [data.write("f.csv", "a,b\n1,x\n")], spill_dir=spill).ok
    assert list(spill.iterdir()) == []


def test_nothing_is_left_in_the_spill_folder(data, promised):
    data.validate(promised, data.write("f.csv", "a,b\nx,x\n"))
    assert list((data.root / "spill").iterdir()) == []


def test_odd_column_names(data):
    import pyarrow as pa

    names = ['a"b', "a'b", "a", "A", "x; DROP TABLE t", "new\nline", "~/", "{table}", "n0", "t0", "f"]
    for file in (
        data.parquet("p.parquet", pa.table([[1]] * len(names), names=names)),
        data.write("j.jsonl", _json(dict.fromkeys(names, 1)) + "\n"),
        data.write("c.csv", ",".join('"' + name.replace('"', '""') + '"' for name in names) + "\n" + "1," * 10 + "1\n"),
    ):
        contract = data.infer(file)
        assert [c.name for c in contract.tables[0].properties] == names
        data.passes(contract, file)
        assert data.read(file, contract=contract).column_names == names


def _json(text):
    import json

    return json.dumps(text)


@pytest.mark.parametrize("seen", [True, False])
def test_a_large_gzip_file_that_was_cut_off_is_found_with_any_duckdb(data, make_contract, monkeypatch, seen):
    """Before 2.0 DuckDB takes what is left of it for the whole file."""
    if not seen:
        monkeypatch.setattr("lakefs_repro.tables.lazy.duckdb_sees_cut_gzip", lambda: False)
    promised = make_contract({"name": "c0", "logicalType": "integer"})
    file = data.write("a.csv.gz", gzip.compress(b"c0\n" + b"1\n" * 200_000)[:-50])
    assert data.only(promised, file).rule == "readable"
    with pytest.raises(IntegrityError):
        data.read(file, contract=promised)
    data.passes(promised, data.write("b.csv.gz", gzip.compress(b"c0\n" + b"1\n" * 200_000)))
