from __future__ import annotations

import datetime as dt

import pytest

from lakefs_repro.errors import IntegrityError, InvalidError, NotFoundError
from lakefs_repro.tables import read_pandas, write_table


def test_rows_come_in_the_order_of_paths_and_lines(data):
    files = [
        data.write(f"{n:02}.csv", f"a,b\n{n},x\n{n}5,\n" if n % 2 else f"b,a\nx,{n}\n,{n}5\n") for n in range(9, 0, -1)
    ]
    found = data.read(*files)
    assert found.column("a").to_pylist() == [value for n in range(1, 10) for value in (n, int(f"{n}5"))]
    assert found.column("b").to_pylist() == ["x", None] * 9


def test_the_contract_s_types_are_used(data, make_contract):
    promised = make_contract(
        {"name": "n", "logicalType": "number"},
        {"name": "t", "logicalType": "timestamp", "logicalTypeOptions": {"timezone": True}},
        {"name": "d", "logicalType": "date", "logicalTypeOptions": {"format": "dd.MM.yyyy"}},
    )
    found = data.read(data.write("f.csv", "t,n,d\n2013-01-05T12:00:00+02:00,1,31.12.2013\n"), contract=promised)
    assert [str(kind) for kind in found.schema.types] == ["double", "timestamp[us, tz=UTC]", "date32[day]"]
    moment = dt.datetime(2013, 1, 5, 10, tzinfo=dt.timezone.utc)
    row = found.to_pylist()[0]
    assert (row["n"], row["t"].timestamp(), row["d"]) == (1.0, moment.timestamp(), dt.date(2013, 12, 31))


def test_a_value_of_another_type_is_not_silently_lost(data, make_contract):
    promised = make_contract({"name": "a", "logicalType": "integer"})
    with pytest.raises(IntegrityError, match=r"column 'a' is no integer") as raised:
        data.read(data.write("f.csv", "a\n1\n9h15\n"), contract=promised)
    assert raised.value.kind == "unreadable-table"
    with pytest.raises(IntegrityError, match=r"f\.csv"):
        data.read(data.write("f.csv", "a\n1,2\n"), contract=promised)
    with pytest.raises(IntegrityError, match=r"f\.parquet"):
        data.read(data.write("f.parquet", "PAR1"), contract=promised)


def test_parquet_keeps_its_types_and_widens_where_files_differ(data):
    import pyarrow as pa

    one = data.parquet("1.parquet", {"a": pa.array([1], pa.int32()), "v": pa.array([[1.0]], pa.list_(pa.float32()))})
    two = data.parquet("2.parquet", {"v": pa.array([[2.0]], pa.list_(pa.float32())), "a": pa.array([2], pa.int64())})
    found = data.read(one, two)
    assert found.schema.field("a").type == pa.int64()
    assert found.schema.field("v").type == pa.list_(pa.float32())
    assert found.column("a").to_pylist() == [1, 2]


def test_one_of_several_tables_has_to_be_named(data):
    files = [data.write("a.csv", "x\n1\n"), data.write("b.csv", "y\n2\n")]
    with pytest.raises(InvalidError, match="name one of them: a, b"):
        data.read(*files)
    assert data.read(*files, table="b").to_pylist() == [{"y": 2}]
    with pytest.raises(NotFoundError, match="tables: a, b"):
        data.read(*files, table="c")
    with pytest.raises(InvalidError, match="no table"):
        data.read(data.write("x.png"))
    assert data.read(files[0]).num_rows == 1


def test_a_table_without_rows_keeps_its_columns(data, make_contract):
    promised = make_contract({"name": "a", "logicalType": "integer"})
    assert data.read(contract=promised).schema.names == ["a"]
    assert data.read(data.write("f.csv", "a\n"), contract=promised).num_rows == 0


def test_pandas(data):
    frame = read_pandas([data.write("k=5/f.jsonl", '{"a": 1}\n{"a": null}\n')])
    assert frame.shape == (2, 2)
    assert frame["k"].tolist() == [5, 5]


def test_equal_tables_give_equal_bytes(tmp_path):
    import pandas as pd
    import pyarrow as pa

    frame = pd.DataFrame({"a": range(1000), "b": [f"x{n}" for n in range(1000)]})
    whole = pa.Table.from_pandas(frame, preserve_index=False)
    pieces = pa.concat_tables([whole.slice(0, 300), whole.slice(300)])
    for name, table in (("1", frame), ("2", frame.copy()), ("3", whole), ("4", pieces)):
        write_table(table, tmp_path / name)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert (tmp_path / "3").read_bytes() == (tmp_path / "4").read_bytes()
    filtered = frame[frame.a % 2 == 0]
    write_table(filtered, tmp_path / "5")
    write_table(filtered.reset_index(drop=True), tmp_path / "6")
    assert (tmp_path / "5").read_bytes() == (tmp_path / "6").read_bytes()


def test_a_named_index_is_kept_and_an_unnamed_one_is_not(tmp_path):
    import pandas as pd
    import pyarrow.parquet as pq

    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index([7, 9], name="id"))
    write_table(frame, tmp_path / "n.parquet")
    assert pq.read_table(tmp_path / "n.parquet").column_names == ["a", "id"]
    assert pq.read_metadata(tmp_path / "n.parquet").row_group(0).column(0).compression == "ZSTD"
    write_table(frame.reset_index(drop=True)[1:], tmp_path / "u.parquet")
    assert pq.read_table(tmp_path / "u.parquet").column_names == ["a"]


def test_what_is_no_table_is_refused(tmp_path):
    import pandas as pd
    import pyarrow as pa

    for bad in ([1, 2], pd.DataFrame({"a": [object()]}), pa.table([[1], [2]], names=["a", "a"])):
        with pytest.raises(InvalidError) as raised:
            write_table(bad, tmp_path / "x.parquet")
        assert raised.value.kind == "bad-table"
