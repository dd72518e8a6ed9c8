"""Delta tables: only what the newest version of their log names are rows."""

from __future__ import annotations

import json
import shutil
import uuid

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakefs_repro.errors import IntegrityError, InvalidError
from lakefs_repro.tables import DeltaTables, TableFile, is_delta_log

deltalake = pytest.importorskip("deltalake")


def rows(start: int, count: int, **more: list[object]) -> pa.Table:
    return pa.table({"id": range(start, start + count), "city": [f"c {i % 2}" for i in range(count)], **more})


class Table:
    """A Delta table below a dataset's folder, written by its own library."""

    def __init__(self, root, folder: str = "trips") -> None:
        self.root, self.folder = root, folder
        self.path = root / folder

    def write(self, data: pa.Table, mode: str = "append", **options) -> None:
        deltalake.write_deltalake(str(self.path), data, mode=mode, **options)

    @property
    def table(self):
        return deltalake.DeltaTable(str(self.path))

    @property
    def files(self) -> list[TableFile]:
        found = sorted(path for path in self.root.rglob("*") if path.is_file())
        return [TableFile(path.relative_to(self.root).as_posix(), path) for path in found]

    @property
    def active(self) -> set[str]:
        """The files that hold rows, as this package sees it."""
        return {file.path for file in DeltaTables.among(self.files).rows(self.files)}

    @property
    def expected(self) -> set[str]:
        """The same as the library that wrote the table sees it."""
        uris = self.table.file_uris()
        return {uri.partition(f"{self.root}/")[2] for uri in uris}

    def commit(self, *actions: object, version: int | None = None) -> None:
        number = self.table.version() + 1 if version is None else version
        text = "".join(action if isinstance(action, str) else json.dumps(action) + "\n" for action in actions)
        (self.path / "_delta_log" / f"{number:020}.json").write_text(text)

    def problem(self) -> str:
        (table,) = DeltaTables.among(self.files).tables
        return table.problem


@pytest.fixture
def table(tmp_path) -> Table:
    made = Table(tmp_path / "data")
    made.root.mkdir()
    return made


def test_appended_deleted_and_compacted_files(table, data):
    table.write(rows(0, 10))
    table.write(rows(10, 10))
    assert table.active == table.expected
    assert len(table.active) == 2
    table.table.delete("id >= 15")
    table.table.optimize.compact()
    assert table.active == table.expected
    assert len(table.active) == 1
    parquet = [file for file in table.files if file.path.endswith(".parquet")]
    assert len(parquet) >= 4, "what was removed still lies there"
    found = data.read(*table.files)
    assert sorted(found["id"].to_pylist()) == list(range(15))
    table.write(rows(90, 3), mode="overwrite")
    assert data.read(*table.files)["id"].to_pylist() == [90, 91, 92]


def test_a_checkpoint_stands_for_the_commits_before_it(table, data):
    for start in range(0, 50, 10):
        table.write(rows(start, 10))
    table.table.delete("id < 20")
    table.table.create_checkpoint()
    table.write(rows(100, 5))
    assert table.active == table.expected
    for version in range(5):
        (table.path / "_delta_log" / f"{version:020}.json").unlink()
    assert table.active == table.expected
    assert sorted(data.read(*table.files)["id"].to_pylist()) == [*range(20, 50), *range(100, 105)]


def test_a_checkpoint_in_several_parts_counts_only_when_whole(table):
    for start in range(0, 30, 10):
        table.write(rows(start, 10))
    table.table.create_checkpoint()
    log = table.path / "_delta_log"
    (whole,) = log.glob("*.checkpoint.parquet")
    content = pq.read_table(whole)
    version = whole.name.partition(".")[0]
    parts = [log / f"{version}.checkpoint.{part:010}.{2:010}.parquet" for part in (1, 2)]
    pq.write_table(content[:2], parts[0])
    pq.write_table(content[2:], parts[1])
    whole.unlink()
    expected = table.expected
    for commit in log.glob("*.json"):
        commit.unlink()
    assert table.active == expected
    parts[1].unlink()
    assert "no whole checkpoint" in table.problem() or "no protocol" in table.problem()


def test_partitions_get_the_values_of_the_log(table, data):
    table.write(rows(0, 4), partition_by=["city"])
    table.write(pa.table({"id": [7, 8], "city": pa.array([None, "x/y=ü %"])}))
    contract = data.infer(*table.files)
    assert [c.name for c in contract.tables[0].properties if c.partitioned] == ["city"]
    found = data.read(*table.files, contract=contract)
    assert sorted(found.to_pylist(), key=lambda row: row["id"]) == [
        {"id": 0, "city": "c 0"},
        {"id": 1, "city": "c 1"},
        {"id": 2, "city": "c 0"},
        {"id": 3, "city": "c 1"},
        {"id": 7, "city": None},
        {"id": 8, "city": "x/y=ü %"},
    ]
    data.passes(contract, *table.files)


def test_values_are_those_of_the_log_where_folders_say_nothing(table, data):
    table.write(rows(0, 2))
    (name,) = table.expected
    shutil.move(table.root / name, table.path / "ab%20c.parquet")
    commit = table.path / "_delta_log" / f"{0:020}.json"
    text = commit.read_text()
    for line in text.splitlines():
        action = json.loads(line)
        if "add" in action:
            action["add"] |= {"path": "ab%2520c.parquet", "partitionValues": {"year": "2024", "none": ""}}
            text = text.replace(line, json.dumps(action))
    commit.write_text(text)
    assert table.active == {"trips/ab%20c.parquet"}
    found = data.read(*table.files)
    assert found["year"].to_pylist() == [2024, 2024]
    assert found["none"].to_pylist() == [None, None]


def test_a_contract_is_inferred_and_held_to(table, data, make_contract):
    table.write(rows(0, 10))
    table.table.delete("id = 3")
    (table.root / "other.csv").write_text("a\n1\n")
    contract = data.infer(*table.files)
    assert [(t.name, t.physical_name) for t in contract.tables] == [
        ("d", "*.csv"),
        ("trips", "trips/**/*.parquet"),
    ]
    data.passes(contract, *table.files)
    promised = make_contract(
        {"name": "id", "logicalType": "integer", "unique": True, "logicalTypeOptions": {"maximum": 8}},
        {"name": "city"},
        physicalName="trips/**/*.parquet",
        quality=[{"metric": "rowCount", "mustBe": 9}],
    )
    assert data.only(promised, *[f for f in table.files if f.path.startswith("trips/")]).column == "id"


def test_the_dataset_itself_may_be_the_table(tmp_path, data):
    table = Table(tmp_path / "d", "")
    table.path.mkdir()
    table.write(rows(0, 3))
    table.write(rows(5, 1), mode="overwrite")
    (table.path / "inner").mkdir()
    inner = Table(table.root, "inner")
    inner.write(rows(0, 7))
    assert {file.root for file in DeltaTables.among(table.files).rows(table.files)} == {"", "inner"}
    assert [t.physical_name for t in data.infer(*table.files).tables] == ["inner/**/*.parquet", "**/*.parquet"]
    assert data.read(*table.files, table="inner").num_rows == 7


PROTOCOL = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7}}


@pytest.mark.parametrize(
    ("feature", "said"),
    [("fromTheFuture", "fromTheFuture, which is not known"), ("columnMapping", ""), ("timestampNtz", "")],
)
def test_features_that_are_not_known_are_said_and_not_guessed(table, data, feature, said):
    table.write(rows(0, 3))
    promised = data.infer(*table.files)
    table.commit({"protocol": {**PROTOCOL["protocol"], "readerFeatures": [feature], "writerFeatures": [feature]}})
    assert said in table.problem()
    if not said:
        data.passes(promised, *table.files)
        return
    found = data.only(promised, *table.files)
    assert (found.rule, found.severity, found.file) == ("delta-log", "error", "trips/_delta_log")
    assert data.only(data.infer(*table.files), *table.files).severity == "warning"
    with pytest.raises(InvalidError, match="fromTheFuture"):
        data.read(*table.files)


def test_mapped_columns_are_not_checked_by_their_names(table):
    table.write(rows(0, 3))
    log = (table.path / "_delta_log" / f"{0:020}.json").read_text().splitlines()
    metadata = next(json.loads(line) for line in log if "metaData" in line)
    metadata["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}
    table.commit(metadata)
    assert "column mapping" in table.problem()


def test_hidden_rows_are_said_and_not_read(table, data):
    table.write(rows(0, 3))
    promised = data.infer(*table.files)
    (name,) = table.expected
    path = name.removeprefix("trips/")
    vector = {"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "offset": 4, "cardinality": 1}
    base = {"path": path, "partitionValues": {}, "size": 1, "modificationTime": 0, "dataChange": True}
    table.commit(
        {"protocol": {**PROTOCOL["protocol"], "readerFeatures": ["deletionVectors"], "writerFeatures": []}},
        {"add": {**base, "deletionVector": vector}},
        {"remove": {"path": path, "dataChange": True}},
    )
    assert table.active == {name}
    found = data.only(promised, *table.files)
    assert found.severity == "warning"
    assert "1 files of the Delta table trips have rows that deletion vectors hide" in found.message
    with pytest.raises(InvalidError, match="deletion vectors"):
        data.read(*table.files, contract=promised)


HOSTILE = {
    "not JSON": "{",
    "is no action": "[]\n",
    "is not JSON": "[" * 100_000,
    "without a path": '{"add": {"path": 7}}\n',
    "a path that is none": '{"add": {"path": "../x.parquet"}}\n',
    "outside of the table's folder": '{"add": {"path": "s3://b/x.parquet"}}\n',
    "outside of the table": '{"add": {"path": "%2Fetc/x.parquet"}}\n',
    "no texts": '{"add": {"path": "x.parquet", "partitionValues": {"a": 1}}}\n',
    "no Parquet files": '{"add": {"path": "x.csv", "partitionValues": {}}}\n',
    "which is not there": '{"add": {"path": "x.parquet", "partitionValues": {}}}\n',
    "deletion vector that is none": '{"add": {"path": "x.parquet", "deletionVector": 1}}\n',
    "an action add that is none": '{"add": 7}\n',
    "names \u0065?[31m": '{"add": {"path": "e%1B[31m.parquet"}}\n',
    "uses a?b": '{"protocol": {"minReaderVersion": 3, "readerFeatures": ["a\\u001bb"]}}\n',
    "no protocol": '{"protocol": {"minReaderVersion": "1"}}\n',
    "reader version 9": '{"protocol": {"minReaderVersion": 9}}\n',
}


@pytest.mark.parametrize("said", HOSTILE)
def test_a_hostile_log_is_a_violation_and_no_crash(table, data, said):
    table.write(rows(0, 3))
    promised = data.infer(*table.files)
    table.commit(HOSTILE[said])
    assert said in table.problem()
    found = data.only(promised, *table.files)
    assert (found.rule, found.severity) == ("delta-log", "error")
    with pytest.raises((IntegrityError, InvalidError)):
        data.read(*table.files, contract=promised)


def test_a_line_without_end_is_refused(table, monkeypatch):
    monkeypatch.setattr("lakefs_repro.tables.delta_log.LONGEST_LINE", 1000)
    table.write(rows(0, 3))
    table.commit('{"commitInfo": "' + "x" * 2000)
    assert "longer than" in table.problem()


def test_damaged_checkpoints_and_gaps_are_errors(table):
    for start in range(0, 30, 10):
        table.write(rows(start, 10))
    (table.path / "_delta_log" / f"{1:020}.json").unlink()
    assert "the commit of version 1 is missing" in table.problem()
    checkpoint = table.path / "_delta_log" / f"{2:020}.checkpoint.parquet"
    checkpoint.write_bytes(b"PAR1 no")
    assert "not a whole Parquet file" in table.problem()
    pq.write_table(rows(0, 1), checkpoint)
    assert "is no checkpoint" in table.problem()
    checkpoint.unlink()


@pytest.mark.parametrize("kind", ["json", "parquet", "classic"])
def test_a_checkpoint_of_the_second_kind_names_files_beside_it(table, kind):
    for start in range(0, 30, 10):
        table.write(rows(start, 10))
    table.table.delete("id < 10")
    expected = table.active
    table.table.create_checkpoint()
    log = table.path / "_delta_log"
    (whole,) = log.glob("*.checkpoint.parquet")
    version = whole.name.partition(".")[0]
    content = pq.read_table(whole)
    adds = content.filter(pc.is_valid(content["add"]))
    (log / "_sidecars").mkdir()
    pq.write_table(adds.select(["add"]), log / "_sidecars" / "one.parquet")
    features = {"readerFeatures": ["v2Checkpoint"], "writerFeatures": ["v2Checkpoint"]}
    (metadata,) = [row for row in content["metaData"].to_pylist() if row]
    metadata["configuration"] = {}
    actions = [
        {"checkpointMetadata": {"version": int(version)}},
        {"protocol": {**PROTOCOL["protocol"], **features}},
        {"metaData": metadata},
        {"sidecar": {"path": "one.parquet", "sizeInBytes": 1, "modificationTime": 0}},
    ]
    unique = f"{version}.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11"
    for commit in [whole, *log.glob("*.json")]:
        commit.unlink()
    if kind == "json":
        (log / f"{unique}.json").write_text("".join(json.dumps(action) + "\n" for action in actions))
    else:
        names = [next(iter(action)) for action in actions]
        lists = {name: [action.get(name) for action in actions] for name in names}
        lists["metaData"] = [
            {key: value for key, value in row.items() if key in ("id", "schemaString")} if row else None
            for row in lists["metaData"]
        ]
        pq.write_table(
            pa.table(lists), log / (f"{version}.checkpoint.parquet" if kind == "classic" else f"{unique}.parquet")
        )
    assert table.problem() == ""
    assert table.active == expected
    (log / "_sidecars" / "one.parquet").unlink()
    assert "names one.parquet, which is not there" in table.problem()


def test_what_of_a_log_is_needed():
    name = f"a/_delta_log/{7:020}"
    assert is_delta_log(f"{name}.json")
    assert is_delta_log(f"_delta_log/{7:020}.checkpoint.parquet")
    assert is_delta_log(f"{name}.checkpoint.0000000001.0000000002.parquet")
    assert is_delta_log("a/_delta_log/_sidecars/one.parquet")
    for other in (f"{name}.crc", "_delta_log/_last_checkpoint", "a/_delta_log/7.json", f"x_delta_log/{7:020}.json"):
        assert not is_delta_log(other)


def test_a_checkpoint_that_claims_billions_of_parts_costs_nothing(table):
    table.write(rows(0, 3))
    (table.path / "_delta_log" / f"{0:020}.checkpoint.{1:010}.{9_999_999_999}.parquet").write_bytes(b"")
    assert table.active == table.expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.sampled_from(["append", "overwrite", "delete", "compact", "checkpoint", "restore", "vacuum", "clean"]),
        max_size=12,
    ),
    partitioned=st.booleans(),
)
def test_whatever_is_done_to_a_table_the_log_is_followed_as_its_library_does(tmp_path, steps, partitioned):
    table = Table(tmp_path / uuid.uuid4().hex)
    table.root.mkdir()
    by = {"partition_by": ["city"]} if partitioned else {}
    table.write(rows(0, 4), **by)
    for number, step in enumerate(steps, start=1):
        now = table.table
        if step in ("append", "overwrite"):
            table.write(rows(10 * number, 4), mode=step, **by)
        elif step == "delete":
            now.delete(f"id % {number + 1} = 1")
        elif step == "compact":
            now.optimize.compact()
        elif step == "checkpoint":
            now.create_checkpoint()
        elif step == "restore" and now.version():
            now.restore(now.version() // 2)
        elif step == "vacuum":
            now.vacuum(retention_hours=24 * 30, dry_run=False)
        elif step == "clean":
            now.cleanup_metadata()
    assert table.active == table.expected
    (found,) = DeltaTables.among(table.files).tables
    assert found.version == table.table.version()
