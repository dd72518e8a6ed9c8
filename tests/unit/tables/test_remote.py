"""Tables whose bytes lie elsewhere: the same answers as from local files, from as few bytes as it takes."""

from __future__ import annotations

import gzip
import random
import threading
import time
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakefs_repro.errors import IntegrityError, InternalError, UnavailableError
from lakefs_repro.tables import TableFile
from lakefs_repro.tables.session import Session

ROWS = 60_000
PARTS = 4


class Elsewhere:
    """Bytes behind a road that counts, and can break or dawdle."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[tuple[int, int]] = []
        self.fails: Callable[[], Exception] | None = None
        self.fails_after = 0
        self.dawdles_s = 0.0
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        return len(self.content)

    @property
    def fetched(self) -> int:
        return sum(length for _, length in self.asked)

    def read(self, start: int, length: int) -> bytes:
        assert 0 <= start < start + length <= self.size
        with self._lock:
            self.asked.append((start, length))
            if self.fails and len(self.asked) > self.fails_after:
                raise self.fails()
        time.sleep(self.dawdles_s)
        return self.content[start : start + length]


def away(file: TableFile) -> tuple[TableFile, Elsewhere]:
    """The same file, its bytes elsewhere."""
    remote = Elsewhere(file.here.read_bytes())
    return TableFile(file.path, remote=remote), remote


def wide(seed: int = 1) -> pa.Table:
    pick = random.Random(seed)
    return pa.table({f"c{i}": [pick.getrandbits(60) for _ in range(ROWS)] for i in range(8)})


@pytest.fixture
def parquet(data):
    file = data.write("wide.parquet")
    pq.write_table(wide(), file.here, row_group_size=ROWS // PARTS)
    return file


TEXT = "id,name,score\n" + "".join(f"{i},n{i % 7},{i / 3:.4f}\n" for i in range(40_000))
LINES = "".join(f'{{"id": {i}, "name": "n{i % 7}"}}\n' for i in range(40_000))


@pytest.fixture(params=["a.csv", "a.csv.gz", "a.jsonl", "a.jsonl.gz", "wide.parquet"])
def file(request, data, parquet):
    if request.param == "wide.parquet":
        return parquet
    content = (TEXT if ".csv" in request.param else LINES).encode()
    return data.write(request.param, gzip.compress(content) if request.param.endswith(".gz") else content)


def test_a_remote_file_is_inferred_read_and_measured_as_a_local_one(data, file):
    there, _ = away(file)
    contract = data.infer(file)
    assert data.infer(there) == contract
    assert data.read(there, contract=contract).equals(data.read(file, contract=contract))
    assert data.statistics(contract, there) == data.statistics(contract, file)


def test_local_and_remote_files_are_one_table(data, make_contract):
    promised = make_contract({"name": "id", "logicalType": "integer", "unique": True})
    here = data.write("a.csv", "id\n1\n2\n")
    there, _ = away(data.write("b.csv", "id\n3\n2\n"))
    assert data.only(promised, there, rest=[here]).file == "b.csv"
    assert data.only(promised, here, rest=[there]).message == "a key occurs more than once (also in b.csv)"
    assert data.read(here, there, contract=promised)["id"].to_pylist() == [1, 2, 3, 2]


def test_a_file_lies_either_here_or_elsewhere(tmp_path):
    with pytest.raises(InternalError):
        TableFile("a.csv")
    with pytest.raises(InternalError):
        TableFile("a.csv", tmp_path, Elsewhere(b""))
    with pytest.raises(InternalError):
        _ = TableFile("a.csv", remote=Elsewhere(b"")).here


def test_a_footer_that_says_enough_is_all_that_is_fetched(data, parquet, make_contract):
    there, remote = away(parquet)
    columns = [{"name": f"c{i}", "logicalType": "integer", "required": True} for i in range(8)]
    data.passes(make_contract(*columns), there)
    assert remote.fetched < 100_000 < remote.size


def test_only_the_columns_of_a_key_are_fetched(data, parquet, make_contract):
    there, remote = away(parquet)
    promised = make_contract(
        {"name": "c3", "logicalType": "integer", "unique": True},
        customProperties=[{"property": "additionalColumns", "value": "allowed"}],
    )
    data.passes(promised, there)
    assert remote.size / 8 < remote.fetched < remote.size / 8 + 300_000


def test_many_threads_read_one_file_rightly(data, parquet, tmp_path):
    """DuckDB seeks and reads in two calls, from several threads: the one must not move the other's place."""
    there, remote = away(parquet)
    remote.dawdles_s = 0.001
    expected = sum(wide()["c5"].to_pylist())
    with Session([there], spill_dir=tmp_path / "spill", memory_limit="160MB", threads=4) as session:
        for _ in range(10):
            ((total,),) = session.rows(f"SELECT sum(c5) FROM read_parquet('{session.link(0)}')")
            assert total == expected


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("kind", ["connection-lost", "object-gone"])
def test_a_network_that_fails_is_never_a_damaged_file(data, file, kind, after):
    error = UnavailableError if kind == "connection-lost" else IntegrityError
    there, remote = away(file)
    contract = data.infer(file)
    remote.fails, remote.fails_after = lambda: error("It broke.", kind=kind), after
    for work in (data.validate, lambda c, f: data.read(f, contract=c), data.statistics):
        remote.asked.clear()
        said = ""
        try:
            work(contract, there)
        except error as raised:
            said = raised.kind
        assert said == (kind if len(remote.asked) > after else "")


def test_a_damaged_remote_file_is_said_to_be_damaged(data, parquet, make_contract):
    promised = make_contract({"name": "c0", "logicalType": "integer"})
    cut = TableFile("wide.parquet", remote=Elsewhere(parquet.here.read_bytes()[:-10]))
    assert data.only(promised, cut).rule == "readable"
    cut = TableFile("a.csv.gz", remote=Elsewhere(gzip.compress(b"c0\n" + b"1\n" * 200_000)[:-50]))
    found = data.only(promised, cut)
    assert found.rule == "readable"
    assert "ranged:" not in found.message


def test_a_query_on_a_slow_file_is_stopped(data, make_contract, monkeypatch):
    monkeypatch.setattr("lakefs_repro.tables.queries.SECONDS", 0.2)
    file = data.write("wide.parquet")
    pq.write_table(wide(), file.here, row_group_size=ROWS // 40)  # many reads: DuckDB stops between them, not in one
    there, remote = away(file)
    query = "SELECT count(*) FROM {table} WHERE hash(c0, c1, c2, c3) % 2 = 3"  # statistics alone don't answer it
    columns = [{"name": f"c{i}", "logicalType": "integer"} for i in range(8)]
    remote.dawdles_s = 0.2
    found = data.only(make_contract(*columns, quality=[{"type": "sql", "query": query, "mustBe": 0}]), there)
    assert "ran for more than" in found.message


def test_hostile_names_reach_duckdb_as_numbers(data, make_contract):
    promised = make_contract({"name": "a", "logicalType": "integer"}, physicalName="**/*.csv")
    for path in ("x'; ATTACH 'y.csv", "*.csv", "a?[b].csv", "../../etc/x.csv", "ranged://0.csv", "é\u202e\n.csv"):
        data.passes(promised, away(TableFile(path, data.write("f.csv", "a\n1\n").here))[0])


def test_nothing_but_the_sessions_own_names_is_in_reach(data, tmp_path):
    import duckdb

    secret = data.write("secret.csv", "a\n42\n")
    there, _ = away(data.write("f.csv", "a\n1\n"))
    other, unread = away(secret)
    with (
        Session([other], spill_dir=tmp_path / "other", memory_limit="64MB", threads=1) as neighbour,
        Session([there], spill_dir=tmp_path / "spill", memory_limit="64MB", threads=1) as session,
    ):
        assert session.rows(f"SELECT a FROM read_csv('{session.link(0)}')") == [(1,)]
        name = session.link(0)
        for sql in (
            f"SELECT * FROM read_csv('{secret.here}')",
            f"SELECT * FROM read_text('{name[:-5]}1.csv')",
            f"SELECT * FROM read_text('{name}.gz')",
            f"SELECT * FROM read_text('{name}/../../{secret.here}')",
            f"SELECT * FROM glob('{name[:-12]}*')",
            "SELECT * FROM read_text('ranged://*')",
            "SELECT * FROM read_text('memory://x')",
            f"SELECT * FROM read_text('file://{secret.here}')",
            f"SELECT * FROM read_text('local://{secret.here}')",
            f"COPY (SELECT 1) TO '{name}'",
            f"COPY (SELECT 1) TO '{name}x'",
            f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
            f"ATTACH '{tmp_path / 'x.db'}'",
            "SET enable_external_access = true",
            "SET allowed_paths = ['/']",
            "RESET allowed_paths",
            "LOAD httpfs",
        ):
            with pytest.raises(duckdb.Error):
                session.rows(sql)
        assert session.rows(f"SELECT a FROM read_csv('{session.link(0)}')") == [(1,)]
        assert neighbour.rows(f"SELECT a FROM read_csv('{neighbour.link(0)}')") == [(42,)]
    assert unread.asked
    assert {path.name for path in tmp_path.iterdir()} == {"data", "spill", "other"}
