"""Pages of the list of what is staged."""

from __future__ import annotations

import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.store import garbage, refs, repositories
from lakefs_repro.embedded.store.engine import Engine
from lakefs_repro.embedded.store.entry import Entry


@pytest.fixture
def engine(tmp_path):
    made = Engine(tmp_path / "root", clock=time.time)
    yield made
    made.close()


@pytest.fixture
def repository(engine):
    def make(connection):
        repository = repositories.create(
            connection, "repo", namespace="local://repo", default_branch="main", read_only=False, now=0
        )
        for name in ("main", "other"):
            refs.create_branch(connection, repository, name, "0" * 64, hidden=False)
            branch = refs.branch(connection, repository, name)
            for number in range(5):
                address = f"{number}{name}".encode().hex().ljust(64, "0")
                engine.staging.put(connection, branch.id, Entry(f"p{number}", "c", 1, number, address, "t", None))
            engine.staging.remove(connection, branch.id, "q")
        return repository

    return engine.writer.submit(make)


def rows(location: str) -> list[str]:
    files = Path(location.removeprefix("local://")).iterdir()
    return sorted(row["physical_address"] for file in files for row in pq.read_table(file).to_pylist())


def test_pages_are_one_run_and_complete(engine, repository):
    token, runs, pages = "", set(), 0
    while pages == 0 or token:
        page = garbage.list_uncommitted(engine, repository, token, 3)
        runs.add((page.run_id, page.location))
        token, pages = page.token, pages + 1
    assert pages == 4
    assert len(runs) == 1
    ((_, location),) = runs
    assert len(rows(location)) == 10
    assert rows(location) == rows(garbage.list_uncommitted(engine, repository, "").location)


def test_a_token_can_not_lead_out_of_the_folder(engine, repository):
    token = garbage._token("../../..", 0, "")
    with pytest.raises(ApiError) as refused:
        garbage.list_uncommitted(engine, repository, token, 3)
    assert refused.value.status == 400
