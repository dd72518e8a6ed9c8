"""Several at once, and other clients in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.lakes import Watch, data_at, ingest_files, leftovers, make_context, pins, tags

from lakefs_repro.errors import ConflictError, IntegrityError
from lakefs_repro.restore.rollback import roll_back
from lakefs_repro.snapshot.line import read_line
from lakefs_repro.testing.faults import FaultPlan, FaultProxy


def test_of_two_replacements_at_once_one_wins_and_the_other_is_told(engine, tmp_path):
    repository = engine.new_repository()

    def work(number: int):
        ctx = make_context(engine, repository, tmp_path / f"state{number}")
        try:
            return ingest_files(ctx, tmp_path / f"s{number}", {"a": b"%d" % number})
        except ConflictError as error:
            return error

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(work, range(2)))
    ctx = make_context(engine, repository, tmp_path / "state")
    failed = [r for r in results if isinstance(r, ConflictError)]
    if failed:  # they may also have run one after the other
        assert "again" in failed[0].hint
        assert tags(ctx) == ["flights-v1.0.0"]
    else:
        assert sorted(r.version for r in results) == ["1.0.0", "1.1.0"]
    assert len(pins(ctx)) == len(tags(ctx))
    assert leftovers(ctx) == []


@pytest.mark.parametrize("step", ["validate", "commit", "pin", "merge"])
def test_the_loser_of_a_race_leaves_nothing_behind(engine, tmp_path, step):
    repository = engine.new_repository()
    other = make_context(engine, repository, tmp_path / "other")
    ingest_files(other, tmp_path, {"a": b"0"})
    watch = Watch(**{step: lambda: ingest_files(other, tmp_path, {"a": b"other"}, version="1.5.0")})
    ctx = make_context(engine, repository, tmp_path / "state", progress=watch)
    with pytest.raises(ConflictError) as caught:
        ingest_files(ctx, tmp_path, {"a": b"mine"})
    assert caught.value.kind == "lost-race"
    assert "again" in caught.value.hint
    assert tags(other) == ["flights-v1.0.0", "flights-v1.5.0"]
    assert pins(other) == ["pin-flights-v1_0_0", "pin-flights-v1_5_0"]
    assert leftovers(other) == []
    assert data_at(other, "main") == {"a": b"other"}


def test_sixteen_backfill_workers_all_land(engine, tmp_path):
    repository = engine.new_repository()
    ctx = make_context(engine, repository, tmp_path / "state")
    ingest_files(ctx, tmp_path, {"month=0/x.bin": b"0"})

    def work(number: int):
        mine = make_context(engine, repository, tmp_path / f"state{number}", threads=1)
        return ingest_files(
            mine, tmp_path / f"s{number}", {f"month={number}/x.bin": b"%d" % number}, mode="append"
        ).version

    with ThreadPoolExecutor(16) as pool:
        versions = list(pool.map(work, range(1, 17)))
    assert len(set(versions)) == 16
    assert sorted(data_at(ctx, "main")) == sorted(f"month={n}/x.bin" for n in range(17))
    assert len(tags(ctx)) == 17
    assert len(pins(ctx)) == 17
    assert leftovers(ctx) == []
    line = read_line(ctx, "flights")
    assert line.annotation.files == 17


def test_two_datasets_at_once_both_land(engine, tmp_path):
    repository = engine.new_repository()

    def work(dataset: str):
        ctx = make_context(engine, repository, tmp_path / dataset)
        return ingest_files(ctx, tmp_path / f"s-{dataset}", {"a": dataset.encode()}, dataset=dataset)

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(work, ["flights", "planes"]))
    assert [r.version for r in results] == ["1.0.0", "1.0.0"]
    ctx = make_context(engine, repository, tmp_path / "state")
    assert tags(ctx) == ["flights-v1.0.0", "planes-v1.0.0"]


def test_an_append_that_lost_sends_nothing_twice(engine, tmp_path):
    repository = engine.new_repository()
    other = make_context(engine, repository, tmp_path / "other")
    ingest_files(other, tmp_path, {"a": b"0"})
    watch = Watch(merge=lambda: ingest_files(other, tmp_path, {"b": b"other"}, version="1.5.0", mode="append"))
    ctx = make_context(engine, repository, tmp_path / "state", progress=watch)
    result = ingest_files(ctx, tmp_path, {"c": b"mine"}, mode="append")
    assert result.version == "1.6.0"
    assert result.uploaded == 1
    assert data_at(other, "main") == {"a": b"0", "b": b"other", "c": b"mine"}
    assert leftovers(other) == []


def test_an_append_that_would_change_a_file_is_refused(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    ingest_files(ctx, tmp_path, {"a": b"0"})
    with pytest.raises(ConflictError) as caught:
        ingest_files(ctx, tmp_path, {"a": b"1", "b": b"2"}, mode="append")
    assert caught.value.kind == "append-would-change"
    assert data_at(ctx, "main") == {"a": b"0"}


def foreign_commit(ctx, path: str, data: bytes = b"foreign") -> str:
    objects, commits = ctx.repository.objects, ctx.repository.commits
    objects.put("main", path, data)
    return commits.create("main", "by hand").id


def test_a_foreign_file_on_main_is_found_before_the_next_merge_and_named(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    ingest_files(ctx, tmp_path, {"a": b"0"})
    commit = foreign_commit(ctx, "flights/evil.csv")
    with pytest.raises(ConflictError) as caught:
        ingest_files(ctx, tmp_path, {"a": b"1"})
    assert caught.value.kind == "foreign-change"
    assert "flights/evil.csv" in caught.value.message
    assert commit[:12] in caught.value.message
    assert tags(ctx) == ["flights-v1.0.0"]
    assert leftovers(ctx) == []


@pytest.mark.parametrize("step", ["commit", "merge"])
def test_a_foreign_file_that_comes_during_the_ingest_is_found(engine, tmp_path, step):
    repository = engine.new_repository()
    other = make_context(engine, repository, tmp_path / "state")
    ingest_files(other, tmp_path, {"a": b"0"})
    watch = Watch(**{step: lambda: foreign_commit(other, "flights/evil.csv")})
    ctx = make_context(engine, repository, tmp_path / "state", progress=watch)
    with pytest.raises(ConflictError) as caught:
        ingest_files(ctx, tmp_path, {"a": b"1"})
    assert "flights/evil.csv" in caught.value.message
    assert tags(ctx) == ["flights-v1.0.0"]
    assert pins(ctx) == ["pin-flights-v1_0_0"]
    assert leftovers(ctx) == []


def test_a_foreign_file_that_slips_in_with_the_merge_is_never_tagged(engine, tmp_path):
    repository = engine.new_repository()
    other = make_context(engine, repository, tmp_path / "state")
    ingest_files(other, tmp_path, {"a": b"0"})
    plan = FaultPlan("slow", method="POST", path="/merge/main")
    with FaultProxy(engine.endpoint, plan) as proxy, ThreadPoolExecutor(1) as pool:
        ctx = make_context(engine, repository, tmp_path / "state", url=proxy.url)
        future = pool.submit(ingest_files, ctx, tmp_path / "mine", {"a": b"1"})
        while not plan.matched:
            assert not future.done(), future.exception()
        foreign_commit(other, "flights/evil.csv")
        with pytest.raises(ConflictError) as caught:
            future.result()
    assert "flights/evil.csv" in caught.value.message
    assert tags(other) == ["flights-v1.0.0"]
    # Once it is undone, the same command completes the version that was merged.
    other.repository.objects.delete("main", ["flights/evil.csv"])
    other.repository.commits.create("main", "undo")
    (folder,) = (tmp_path / "mine").iterdir()
    from lakefs_repro.ingest.ingest import ingest
    from lakefs_repro.ingest.request import IngestRequest

    result = ingest(other, IngestRequest("flights", (folder,)))
    assert result.version == "1.1.0"
    assert data_at(other, "flights-v1.1.0") == {"a": b"1"}


def test_something_staged_on_main_is_named(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    ctx.repository.objects.put("main", "elsewhere/x", b"staged")
    with pytest.raises(ConflictError) as caught:
        ingest_files(ctx, tmp_path, {"a": b"1"})
    assert caught.value.kind == "main-dirty"
    assert "elsewhere/x" in caught.value.message
    assert leftovers(ctx) == []
    assert pins(ctx) == []


def test_another_client_on_the_ingest_branch_is_found(engine, tmp_path):
    repository = engine.new_repository()
    other = make_context(engine, repository, tmp_path / "other")

    def meddle():
        (branch,) = leftovers(other)
        other.repository.objects.put(branch, "flights/stranger", b"?")

    ctx = make_context(engine, repository, tmp_path / "state", progress=Watch(commit=meddle))
    with pytest.raises(IntegrityError) as caught:
        ingest_files(ctx, tmp_path, {"a": b"1"})
    assert "flights/stranger" in caught.value.message
    assert tags(ctx) == []
    assert leftovers(ctx) == []


def test_a_pin_holds_its_dataset_alone_and_rollback_sends_nothing(engine, tmp_path):
    repository = engine.new_repository()
    ctx = make_context(engine, repository, tmp_path / "state")
    first = ingest_files(ctx, tmp_path, {"a": b"1", "b": b"2"})
    ingest_files(ctx, tmp_path, {"p": b"planes"}, dataset="planes")
    ingest_files(ctx, tmp_path, {"a": b"changed", "b": b"2"})
    for pin, dataset in (("pin-flights-v1_1_0", "flights"), ("pin-planes-v1_0_0", "planes")):
        paths = [o.path for o in ctx.repository.objects.list(pin)]
        assert all(p.startswith((f"{dataset}/", f"_lakefs_repro/{dataset}/")) for p in paths)
    with FaultProxy(engine.endpoint, FaultPlan("")) as proxy:
        watched = make_context(engine, repository, tmp_path / "state", url=proxy.url)
        result = roll_back(watched, "flights", first.ingest_commit)
        writes = [path for method, path in proxy.log if method in ("POST", "PUT") and "/branches/" in path]
        uploads = [p for p in writes if "/objects" in p and "/objects/delete" not in p and "/ledger-" not in p]
    assert uploads == []
    assert result.version == "1.1.1"
    assert result.digest == first.digest
    assert data_at(ctx, "main") == {"a": b"1", "b": b"2"}
    assert data_at(ctx, "main", "planes") == {"p": b"planes"}
    assert read_line(ctx, "flights").annotation.rolled_back_to == "1.0.0"
    again = ingest_files(ctx, tmp_path, {"a": b"next"}, allow_shrink=True)
    assert again.version == "1.2.0"
    assert data_at(ctx, "flights-v1.1.1") == {"a": b"1", "b": b"2"}


def test_a_rollback_keeps_the_hooks_of_main(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    action = b"name: %s\non:\n  pre-merge:\n    branches: [nowhere]\nhooks: []\n"
    commits, objects = ctx.repository.commits, ctx.repository.objects
    objects.put("main", "_lakefs_actions/gate.yaml", action % b"gate one")
    commits.create("main", "hooks")
    first = ingest_files(ctx, tmp_path, {"a": b"1"})
    objects.put("main", "_lakefs_actions/gate.yaml", action % b"gate two")
    commits.create("main", "better hooks")
    ingest_files(ctx, tmp_path, {"a": b"2"})
    result = roll_back(ctx, "flights", first.ingest_commit)
    assert result.digest == first.digest
    assert data_at(ctx, "main") == {"a": b"1"}
    assert objects.get("main", "_lakefs_actions/gate.yaml") == action % b"gate two"
    after = ingest_files(ctx, tmp_path, {"a": b"3"})
    assert after.previous == result.version
