"""What pyarrow and deltalake write to an open branch becomes versions: no byte is uploaded, only what is new is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.lakes import data_at, leftovers, make_context, tags

from lakefs_repro.ingest.branch.opened import finish_branch, open_branch
from lakefs_repro.ingest.branch.roads_in import KEY_VARIABLE, SECRET_VARIABLE, RoadsIn
from lakefs_repro.ingest.branch.source import FromBranch
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.snapshot.verify import verify
from lakefs_repro.testing.faults import FaultPlan, FaultProxy

lakefs_spec = pytest.importorskip("lakefs_spec")


def month(number: int) -> pa.Table:
    days = [date(2024, number, day) for day in range(1, 29)]
    return pa.table({"day": days, "delay": [number * 100 + day.day for day in days], "month": [number] * len(days)})


def finish(ctx, branch, *, commit_staged=True):
    return finish_branch(
        ctx, IngestRequest("flights", ()), FromBranch("flights", branch, commit_staged=commit_staged)
    ).result


class Counted:
    """A context whose requests are counted on their way to the server."""

    def __init__(self, engine, ctx, state):
        self._proxy = FaultProxy(engine.endpoint, FaultPlan(""))
        self._engine, self._repository, self._state = engine, ctx.repository.name, state

    def __enter__(self):
        proxy = self._proxy.__enter__()
        ctx = make_context(self._engine, self._repository, self._state, url=proxy.url)
        # The roads that every lakeFS has, so that each object is a request that can be counted.
        self.ctx = replace(ctx, server=replace(ctx.server, extensions={}))
        return self

    def __exit__(self, *error):
        self._proxy.__exit__(*error)

    def of_data(self, *methods: str) -> list[str]:
        """The objects of the dataset whose content was asked for, or sent."""
        found = []
        for method, target in self._proxy.log:
            parts = urlsplit(target)
            path = parse_qs(parts.query).get("path", [""])[0]
            content = parts.path.endswith(("/objects", "/objects/bulk", "/objects/local")) or "/staging/" in parts.path
            if method in methods and content and path.startswith("flights/"):
                found.append(path)
        return found


def test_a_hive_partitioned_dataset_written_by_pyarrow(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    files = lakefs_spec.LakeFSFileSystem(
        host=engine.endpoint, username=engine.access_key_id, password=engine.secret_access_key
    )

    def write(branch, *months):
        root = f"{ctx.repository.name}/{branch}/flights"
        for number in months:
            pq.write_to_dataset(month(number), root, partition_cols=["month"], filesystem=files,
                                basename_template=f"m{number}-{{i}}.parquet")  # fmt: skip

    first = open_branch(ctx, "flights").branch
    write(first, 1, 2, 3)
    with Counted(engine, ctx, tmp_path / "state") as counted:
        made = finish(counted.ctx, first)
        assert counted.of_data("POST", "PUT") == []
    assert (made.version, made.files, made.rows, made.hashed, made.uploaded) == ("1.0.0", 3, 84, 3, 0)

    night = open_branch(ctx, "flights").branch
    write(night, 4)
    with Counted(engine, ctx, tmp_path / "state") as counted:
        made = finish(counted.ctx, night)
        assert set(counted.of_data("GET")) == {"flights/month=4/m4-0.parquet"}, "only the new object is read"
        assert counted.of_data("POST", "PUT") == []
    assert (made.version, made.files, made.rows, made.added) == ("1.1.0", 4, 112, 1)
    assert (made.hashed, made.reused, made.uploaded) == (1, 3, 0)
    assert len(data_at(ctx, "flights-v1.0.0")) == 3
    frame = resolve(ctx, "flights@1.1.0").to_pandas()
    assert (len(frame), sorted(frame["month"].astype(int).unique())) == (112, [1, 2, 3, 4])
    assert verify(ctx, resolve(ctx, "flights@1.0.0"), deep=True).ok
    assert leftovers(ctx) == []


@pytest.fixture
def gateway(lakefs_engine):
    """A real lakeFS: the embedded engine has no S3 gateway."""
    return lakefs_engine


def test_a_delta_table_written_through_the_gateway(gateway, tmp_path):
    deltalake = pytest.importorskip("deltalake")
    ctx = make_context(gateway, gateway.new_repository(), tmp_path / "state")
    secrets = {f"${KEY_VARIABLE}": gateway.access_key_id, f"${SECRET_VARIABLE}": gateway.secret_access_key}

    def write(branch, number, **options):
        roads = RoadsIn(ctx.repository.name, branch, "flights", gateway.endpoint)
        said = {name: secrets.get(value, value) for name, value in roads.deltalake.items()}
        deltalake.write_deltalake(
            roads.uri("s3"), month(number), partition_by=["month"], storage_options=said, **options
        )

    first = open_branch(ctx, "flights").branch
    write(first, 1)
    write(first, 2, mode="append")
    with Counted(gateway, ctx, tmp_path / "state") as counted:
        made = finish(counted.ctx, first)
        assert counted.of_data("POST", "PUT") == []
    # Two Parquet files, and a commit of Delta's log for each write.
    assert (made.version, made.files, made.rows, made.hashed, made.uploaded) == ("1.0.0", 4, 56, 4, 0)

    night = open_branch(ctx, "flights").branch
    write(night, 3, mode="append")
    with Counted(gateway, ctx, tmp_path / "state") as counted:
        made = finish(counted.ctx, night)
        assert counted.of_data("POST", "PUT") == []
    assert (made.version, made.rows, made.added, made.removed) == ("1.1.0", 84, 2, 0)
    assert (made.hashed, made.reused, made.uploaded) == (2, 4, 0)

    third = open_branch(ctx, "flights").branch
    write(third, 5, mode="overwrite")
    made = finish(ctx, third)
    assert (made.version, made.rows, made.files) == ("1.2.0", 28, 8), "Delta keeps the old files, which are no rows"
    assert len(resolve(ctx, "flights@1.1.0").to_pandas()) == 84
    assert len(resolve(ctx, "flights@1.2.0").to_pandas()) == 28
    assert verify(ctx, resolve(ctx, "flights@1.2.0"), deep=True).ok
    assert tags(ctx) == ["flights-v1.0.0", "flights-v1.1.0", "flights-v1.2.0"]
    assert leftovers(ctx) == []
