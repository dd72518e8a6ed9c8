"""An ingest of one partition: it alone changes, wherever it lies; everything else stays, unread."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.lakes import Watch, data_at, ingest_files, leftovers, make_context, write_files

from lakefs_repro.errors import ConflictError, InvalidError, RejectedError
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.partition import scope_of
from lakefs_repro.ingest.publish import LostRaceError
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.model.contract import Contract
from lakefs_repro.snapshot.history import log
from lakefs_repro.snapshot.resolve import resolve

YEARS = {"year=2023/month=1/a": b"a", "year=2023/month=2/b": b"b", "year=2024/month=1/c": b"c", "notes": b"n"}


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


@pytest.fixture
def lake(ctx, tmp_path):
    ingest_files(ctx, tmp_path, YEARS)
    return ctx


def test_it_alone_is_replaced(lake, tmp_path):
    made = ingest_files(lake, tmp_path, {"month=1/a": b"A", "month=3/d": b"d"}, partition="year=2023")
    assert data_at(lake, "main") == {
        "year=2023/month=1/a": b"A", "year=2023/month=3/d": b"d", "year=2024/month=1/c": b"c", "notes": b"n",
    }  # fmt: skip
    assert (made.files, made.added, made.changed, made.removed, made.uploaded) == (4, 1, 1, 1, 2)
    assert made.partition == "year=2023"
    said = resolve(lake, "flights").annotation
    assert said.extra["repro.partition"] == "year=2023"
    assert resolve(lake, "flights").version == "1.1.0"
    assert [e.version for e in log(lake, "flights#year=2024")] == ["1.0.0"]
    again = ingest_files(lake, tmp_path, {"month=1/a": b"A", "month=3/d": b"d"}, partition="year=2023")
    assert again.outcome == "unchanged"


def test_the_others_are_the_same_objects(lake, tmp_path):
    def addresses():
        listed = lake.repository.objects.list("main", "flights/")
        return {o.path: o.address for o in listed if "2024" in o.path or "notes" in o.path}

    before = addresses()
    ingest_files(lake, tmp_path, {"z": b"z"}, partition="year=2023", allow_shrink=True)
    assert addresses() == before
    assert sorted(data_at(lake, "main")) == ["notes", "year=2023/z", "year=2024/month=1/c"]


def test_appended_to(lake, tmp_path):
    ingest_files(lake, tmp_path, {"z": b"z"}, partition="year=2023/month=1", mode="append")
    assert data_at(lake, "main") == {**YEARS, "year=2023/month=1/z": b"z"}
    with pytest.raises(ConflictError) as caught:
        ingest_files(lake, tmp_path, {"z": b"other"}, partition="year=2023/month=1", mode="append")
    assert caught.value.kind == "append-would-change"


def test_a_new_partition_and_the_first_of_all(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"}, partition="year=2023")
    ingest_files(ctx, tmp_path, {"a": b"2"}, partition="year=2024")
    assert data_at(ctx, "main") == {"year=2023/a": b"1", "year=2024/a": b"2"}


@pytest.mark.parametrize("partition", ["year=2023/month=1", "month=1/year=2023"])
def test_keys_in_the_order_of_the_dataset(lake, tmp_path, partition):
    made = ingest_files(lake, tmp_path, {"new": b"!"}, partition=partition, allow_shrink=True)
    assert made.partition == "year=2023/month=1"
    assert data_at(lake, "main") == {**{p: d for p, d in YEARS.items() if p[-1] != "a"}, "year=2023/month=1/new": b"!"}


def test_paths_that_lie_in_it_already_are_taken_as_they_are(lake, tmp_path):
    ingest_files(lake, tmp_path, {"year=2024/month=1/c": b"C", "year=2024/x": b"x"}, partition="year=2024")
    assert data_at(lake, "main") == {**YEARS, "year=2024/month=1/c": b"C", "year=2024/x": b"x"}


@pytest.mark.parametrize(
    "files",
    [
        {"year=2024/a": b"1", "b": b"2"},
        {"year=2024/a": b"1", "year=2025/b": b"2"},
        {"year=2025/b": b"2"},
        {"deep/year=2025/b": b"2"},
    ],
)
def test_what_would_lie_outside_is_refused_by_name(lake, tmp_path, files):
    with pytest.raises(InvalidError) as caught:
        ingest_files(lake, tmp_path, files, partition="year=2024")
    assert caught.value.kind == "outside-partition"
    assert "b" in caught.value.message
    assert data_at(lake, "main") == YEARS


@pytest.mark.parametrize(
    ("partition", "under", "kind"),
    [
        ("2024", "", "invalid-partition"),
        ("year=2024/", "", "invalid-partition"),
        ("=2024", "", "invalid-partition"),
        ("year=2024/year=2025", "", "invalid-partition"),
        ("day=1", "", "no-such-partition"),
        ("month=1", "", "no-such-partition"),
        ("year=2024/month=1/day=1", "", "no-such-partition"),
        ("year=2024", "flights", "no-such-partition"),
    ],
)
def test_what_is_no_partition_of_the_dataset(lake, tmp_path, partition, under, kind):
    with pytest.raises(InvalidError) as caught:
        ingest_files(lake, tmp_path, {"a": b"1"}, partition=partition, under=under)
    assert caught.value.kind == kind
    assert leftovers(lake) == []


def test_partitions_of_a_table_in_a_folder(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"f/year=2023/a": b"a", "f/year=2024/b": b"b", "p/year=2023/c": b"c"})
    with pytest.raises(InvalidError, match="lie under f, p") as caught:
        ingest_files(ctx, tmp_path, {"x": b"x"}, partition="year=2023")
    assert caught.value.hint == "say --under f"
    ingest_files(ctx, tmp_path, {"x": b"x"}, partition="year=2023", under="f/", allow_shrink=True)
    assert data_at(ctx, "main") == {"f/year=2023/x": b"x", "f/year=2024/b": b"b", "p/year=2023/c": b"c"}
    ingest_files(ctx, tmp_path, {"f/year=2024/y": b"y"}, partition="year=2024", under="f", allow_shrink=True)
    assert sorted(data_at(ctx, "main")) == ["f/year=2023/x", "f/year=2024/y", "p/year=2023/c"]


@pytest.mark.parametrize(("table", "under"), [("", ""), ("t/", "t")])
def test_a_delta_table_is_left_to_delta(ctx, tmp_path, table, under):
    ingest_files(ctx, tmp_path, {f"{table}_delta_log/0.json": b"{}", f"{table}m=1/a": b"a"})
    with pytest.raises(InvalidError) as caught:
        ingest_files(ctx, tmp_path, {"a": b"b"}, partition="m=1", under=under)
    assert caught.value.kind == "partition-of-delta"


def test_values_as_the_folders_spell_them(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"city=New%20York/a": b"a", "city=Oslo/b": b"b"})
    made = ingest_files(ctx, tmp_path, {"a": b"A"}, partition="city=New York")
    assert made.partition == "city=New%20York"
    assert data_at(ctx, "main") == {"city=New%20York/a": b"A", "city=Oslo/b": b"b"}


def test_a_loss_counts_within_the_partition(ctx, tmp_path):
    many = {f"m=2/{n}": b"%d" % n for n in range(10)}
    ingest_files(ctx, tmp_path, {**many, "m=1/a": b"a", "m=1/b": b"b", "m=1/c": b"c"})
    with pytest.raises(RejectedError, match="2 of the 3 files of the partition") as caught:
        ingest_files(ctx, tmp_path, {"a": b"a"}, partition="m=1")
    assert caught.value.kind == "shrinks-too-much"
    ingest_files(ctx, tmp_path, {"x": b"a", "y": b"b"}, partition="m=1")
    assert sorted(data_at(ctx, "main")) == sorted([*many, "m=1/x", "m=1/y"]), "other names are no loss"


def test_a_dry_run(lake, tmp_path):
    planned = ingest_files(lake, tmp_path, {"a": b"!"}, partition="year=2024", dry_run=True, allow_shrink=True)
    assert (planned.outcome, planned.version, planned.added, planned.removed) == ("planned", "1.1.0", 1, 1)
    assert data_at(lake, "main") == YEARS


def test_two_jobs_for_two_partitions_do_not_hinder_each_other(lake, tmp_path):
    def other():
        ingest_files(lake, tmp_path / "other", {"month=1/c": b"other"}, partition="year=2024")

    mine = replace(lake, progress=Watch(pin=other))
    made = ingest_files(mine, tmp_path, {"month=1/a": b"mine", "month=2/b": b"b"}, partition="year=2023")
    assert made.version == "1.2.0"
    assert data_at(lake, "main") == {**YEARS, "year=2023/month=1/a": b"mine", "year=2024/month=1/c": b"other"}
    assert leftovers(lake) == []


def test_two_jobs_for_one_partition_do(lake, tmp_path):
    def other():
        ingest_files(lake, tmp_path / "other", {"month=1/a": b"other", "month=2/b": b"b"}, partition="year=2023")

    mine = replace(lake, progress=Watch(pin=other))
    with pytest.raises(LostRaceError):
        ingest_files(mine, tmp_path, {"month=1/a": b"mine", "month=2/b": b"b"}, partition="year=2023")
    assert data_at(lake, "main")["year=2023/month=1/a"] == b"other"
    assert leftovers(lake) == []


class Died(BaseException):
    """Stands for a SIGKILL inside this process."""


def die():
    raise Died


@pytest.mark.parametrize("step", ["upload", "sidecar", "commit", "pin", "merge", "tag", "cleanup"])
def test_killed_at_a_step_then_the_same_command_completes(lake, tmp_path, step):
    source = write_files(tmp_path / "new", {"month=1/c": b"C"})
    request = IngestRequest("flights", (source,), partition="year=2024")
    with pytest.raises(Died):
        ingest(replace(lake, progress=Watch(**{step: die})), request)
    ingest(lake, request)
    assert data_at(lake, "main") == {**YEARS, "year=2024/month=1/c": b"C"}
    assert resolve(lake, "flights").version == "1.1.0"
    assert leftovers(lake) == []


def test_folders_of_under_that_are_partitions_belong_to_the_partition(lake):
    scope = scope_of(lake, "flights", "month=1", under="year=2023")
    assert (scope.table, scope.folder) == ("", "year=2023/month=1")
    assert scope.holds("year=2023/month=1/deeper/a")
    assert not scope.holds("year=2024/month=1/a")
    assert not scope.holds("other/year=2023/month=1/a")


def test_checks_over_the_whole_dataset_still_see_all_of_it(ctx, tmp_path):
    contract = Contract.load(
        "apiVersion: v3.1.0\nkind: DataContract\nid: flights\nversion: 1.0.0\nstatus: active\nschema:\n"
        "  - name: flights\n    physicalName: '**/*.csv'\n    properties:\n"
        "      - {name: id, logicalType: integer, unique: true}\n"
    )
    ingest_files(ctx, tmp_path, {"m=1/a.csv": b"id\n1\n2\n", "m=2/a.csv": b"id\n3\n"}, contract=contract)
    with pytest.raises(RejectedError) as caught:
        ingest_files(ctx, tmp_path, {"a.csv": b"id\n1\n"}, partition="m=2")
    assert caught.value.kind == "contract-violated"
    made = ingest_files(ctx, tmp_path, {"a.csv": b"id\n4\n5\n"}, partition="m=2")
    assert made.rows == 4
