"""SQL of a contract that nobody has vouched for can read and write nothing but its tables."""

from __future__ import annotations

import pytest

from lakefs_repro.errors import InvalidError
from lakefs_repro.tables.session import Session


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret.csv"
    file.write_text("a\n42\n")
    return file


ATTACKS = [
    "SELECT count(*) FROM read_csv('{secret}')",
    "SELECT count(*) FROM read_text('{secret}')",
    "SELECT count(*) FROM read_blob('{secret}')",
    "SELECT count(*) FROM '{secret}'",
    'SELECT count(*) FROM "{secret}"',
    "SELECT count(*) FROM glob('/etc/*')",
    "SELECT count(*) FROM query('SELECT * FROM read_text(''{secret}'')')",
    "SELECT (SELECT count(*) FROM sniff_csv('{secret}'))",
    "WITH x AS (SELECT * FROM read_csv('{secret}')) SELECT count(*) FROM x",
    "SELECT count(*) FROM {{table}} WHERE a IN (SELECT a FROM read_csv('{secret}'))",
    "SELECT count(*) FROM (SELECT 1) AS x, LATERAL (SELECT * FROM read_text('{secret}')) AS y",
    "SELECT count(*) FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT count(*) FROM arrow_scan(1::POINTER, 1::POINTER, 1::POINTER)",
    "SELECT count(*) FROM duckdb_settings()",
    "SELECT count(*) FROM enable_logging()",
    "SELECT count(*) FROM parquet_metadata('{secret}')",
    "COPY (SELECT 1) TO '{target}'",
    "SELECT 1; COPY (SELECT 1) TO '{target}'",
    "ATTACH '{target}'",
    "INSTALL httpfs",
    "SET enable_external_access = true",
    "PRAGMA database_list",
    "CREATE TABLE x AS SELECT 1",
    "EXPORT DATABASE '{target}'",
    "WITH x AS (COPY (SELECT 1) TO '{target}') SELECT 1",
    "SELECT count(*) FROM secret_variable",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_can_leave_its_tables_in_no_way(data, make_contract, secret, tmp_path, attack):
    secret_variable = [1]  # DuckDB would read Python variables by their names, were it not told otherwise
    target = tmp_path / "target"
    query = attack.format(secret=secret, target=target)
    promised = make_contract({"name": "a"}, quality=[{"type": "sql", "query": query, "mustBe": 0}])
    with pytest.raises(InvalidError) as refused:
        data.validate(promised, data.write("f.csv", "a\n1\n"))
    assert "42" not in str(refused.value)
    assert not target.exists()
    assert secret.read_text() == "a\n42\n"
    assert secret_variable == [1]


def test_the_connection_itself_is_locked_even_if_a_query_got_through(data, secret, tmp_path):
    import duckdb

    file = data.write("f.csv", "a\n1\n")
    with Session([file], spill_dir=tmp_path / "spill", memory_limit="64MB", threads=1) as session:
        for sql in (
            f"SELECT * FROM read_csv('{secret}')",
            f"SELECT * FROM read_text('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
            f"COPY (SELECT 1) TO '{file.local.parent / 'out.csv'}'",
            f"ATTACH '{tmp_path / 'x.db'}'",
            "SET memory_limit = '1TB'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
            "LOAD httpfs",
        ):
            with pytest.raises(duckdb.Error):
                session.rows(sql)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "secret.csv", "spill"}


def test_a_query_that_does_not_end_is_stopped(data, make_contract, monkeypatch):
    monkeypatch.setattr("lakefs_repro.tables.queries.SECONDS", 0.3)
    query = "SELECT count(*) FROM range(100000000000) a WHERE hash(range) = 1"
    promised = make_contract({"name": "a"}, quality=[{"type": "sql", "query": query, "mustBe": 5}])
    assert "ran for more than" in data.only(promised, data.write("f.csv", "a\n1\n")).message


def test_rows_that_are_made_are_allowed(data, make_contract):
    query = "SELECT count(*) FROM range(3), unnest([1, 2]), {table}"
    promised = make_contract({"name": "a"}, quality=[{"type": "sql", "query": query, "mustBe": 6}])
    data.passes(promised, data.write("f.csv", "a\n1\n"))
