"""Branches that others wrote to become versions: nothing is copied, and only what is new is read."""

from __future__ import annotations

import pytest
from support.lakes import Watch, data_at, ingest_files, leftovers, make_context, pins, tags

from lakefs_repro.errors import ConflictError, InvalidError, LakefsReproError, NotFoundError, RejectedError
from lakefs_repro.ingest.branch.source import BranchSource, FromBranch
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.snapshot.line import read_line
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.snapshot.verify import verify


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


def take(ctx, ref, *, adopt=False, dataset="flights", said=None, **options):
    """Ingest what lies on a ref."""
    asked = FromBranch(dataset, ref, adopt=adopt, **(said or {}), dry_run=bool(options.get("dry_run")))
    return ingest(ctx, IngestRequest(dataset, (), source=BranchSource(ctx, asked), adopt=adopt, **options))


def write(ctx, branch, files, *, commit=True, source="main"):
    """What another client writes to a branch, made at ``source`` when it is not there."""
    try:
        ctx.repository.branches.get(branch)
    except NotFoundError:
        ctx.repository.branches.create(branch, source)
    for path, data in files.items():
        if data is None:
            ctx.repository.objects.delete(branch, [path])
        else:
            ctx.repository.objects.put(branch, path, data)
    return ctx.repository.commits.create(branch, "by another client").id if commit else ""


def places(ctx, ref):
    return {o.path: (o.address, o.checksum, o.size) for o in ctx.repository.objects.list(ref, "flights/")}


def test_a_branch_of_main_becomes_a_version_without_copying(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"t": b"trains"}, "trains")
    head = write(ctx, "spark", {"flights/a": b"1", "flights/sub/b": b"22"})
    result = take(ctx, "spark")
    assert (result.outcome, result.version, result.files, result.bytes) == ("created", "1.0.0", 2, 3)
    assert (result.hashed, result.hashed_bytes, result.reused, result.uploaded) == (2, 3, 0, 0)
    assert data_at(ctx, "flights-v1.0.0") == {"a": b"1", "sub/b": b"22"}
    assert places(ctx, result.ingest_commit) == places(ctx, head), "the very objects that were written"
    assert data_at(ctx, result.ingest_commit, "trains") == {}, "an ingest commit holds its dataset alone"
    assert data_at(ctx, "main", "trains") == {"t": b"trains"}
    assert leftovers(ctx) == []
    assert "pin-flights-v1_0_0" in pins(ctx)
    said = read_line(ctx, "flights").annotation
    assert (said.sha256_by, said.extra["repro.from"], said.extra["repro.from_commit"]) == ("client", "spark", head)
    assert verify(ctx, resolve(ctx, "flights@1.0.0"), deep=True).ok


def test_siblings_of_any_number_are_trimmed_without_a_trace(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {f"t{n}": b"t" for n in range(1100)}, "trains")
    ingest_files(ctx, tmp_path, {"p": b"p"}, "planes")
    write(ctx, "spark", {"flights/a": b"1"})
    result = take(ctx, "spark")
    held = [
        o.path
        for o in ctx.repository.objects.list(result.ingest_commit)
        if not o.path.startswith("_lakefs_repro/flights/")
    ]
    assert held == ["flights/a"]
    assert len(data_at_names(ctx, "main", "trains/")) == 1100


def data_at_names(ctx, ref, prefix):
    return [o.path for o in ctx.repository.objects.list(ref, prefix)]


def test_only_what_is_new_is_read(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1", "b": b"2", "gone": b"3"})
    write(ctx, "nightly", {"flights/c": b"333", "flights/b": b"changed", "flights/gone": None})
    result = take(ctx, "nightly", allow_shrink=True)
    assert (result.added, result.changed, result.removed) == (1, 1, 1)
    assert (result.hashed, result.hashed_bytes, result.reused, result.reused_bytes) == (2, 10, 1, 1)
    assert data_at(ctx, "main") == {"a": b"1", "b": b"changed", "c": b"333"}
    again = take(ctx, "nightly")
    assert (again.outcome, again.hashed) == ("unchanged", 0)


def test_a_branch_may_go_on_after_a_version_was_taken_from_it(ctx):
    write(ctx, "stream", {"flights/a": b"1"})
    take(ctx, "stream")
    write(ctx, "stream", {"flights/b": b"2"})
    result = take(ctx, "stream")
    assert (result.version, result.hashed, result.reused) == ("1.1.0", 1, 1)
    assert data_at(ctx, "flights-v1.0.0") == {"a": b"1"}
    assert data_at(ctx, "flights-v1.1.0") == {"a": b"1", "b": b"2"}


def test_a_commit_of_a_branch_can_be_named(ctx):
    first = write(ctx, "spark", {"flights/a": b"1"})
    write(ctx, "spark", {"flights/half": b"?"})
    ctx.repository.objects.put("spark", "flights/staged", b"?")
    result = take(ctx, first[:20])
    assert data_at(ctx, "main") == {"a": b"1"}
    assert result.version == "1.0.0"


def test_rewritten_bytes_are_no_new_version(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    write(ctx, "spark", {"flights/a": b"2"})
    write(ctx, "spark", {"flights/a": b"1"})
    assert take(ctx, "spark").outcome == "unchanged"


def test_a_dry_run_changes_nothing(ctx):
    write(ctx, "spark", {"flights/a": b"1"})
    result = take(ctx, "spark", dry_run=True)
    assert (result.outcome, result.version, result.hashed) == ("planned", "1.0.0", 1)
    assert tags(ctx) == []
    assert leftovers(ctx) == []


def test_what_is_staged_is_refused_or_committed(ctx):
    write(ctx, "spark", {"flights/a": b"1"})
    write(ctx, "spark", {"flights/b": b"2"}, commit=False)
    for options in ({}, {"said": {"commit_staged": True}, "dry_run": True}):
        with pytest.raises(RejectedError, match="flights/b") as caught:
            take(ctx, "spark", **options)
        assert caught.value.kind == "branch-uncommitted"
    result = take(ctx, "spark", said={"commit_staged": True})
    assert data_at(ctx, "main") == {"a": b"1", "b": b"2"}
    assert result.hashed == 2


@pytest.mark.parametrize(
    ("path", "kind"),
    [("trains/x", "branch-touches-others"), ("flights/_temporary/0/part-0", "branch-unfinished")],
)
def test_only_whole_writes_of_the_dataset_are_committed_for_somebody(ctx, path, kind):
    write(ctx, "spark", {"flights/a": b"1"})
    head = ctx.repository.branches.get("spark").commit
    write(ctx, "spark", {path: b"2"}, commit=False)
    with pytest.raises(RejectedError, match=path) as caught:
        take(ctx, "spark", said={"commit_staged": True})
    assert caught.value.kind == kind
    assert ctx.repository.branches.get("spark").commit == head


@pytest.mark.parametrize(
    "path", ["trains/x", "readme.txt", "_lakefs_actions/gate.yaml", "_lakefs_repro/flights/head.json"]
)
def test_changes_to_something_else_are_refused(ctx, tmp_path, path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    write(ctx, "spark", {"flights/b": b"1"})
    ctx.repository.objects.put("spark", path, b"name: gate\non: {post-create-tag: {}}\nhooks: []\n")
    ctx.repository.commits.create("spark", "touches something else")
    with pytest.raises(RejectedError, match=path) as caught:
        take(ctx, "spark")
    assert caught.value.kind == "branch-touches-others"
    assert leftovers(ctx) == []
    assert tags(ctx) == ["flights-v1.0.0"]


@pytest.mark.parametrize(
    "path",
    [
        "_temporary/0/task/part-0.parquet",
        ".spark-staging-1f/year=2024/part-0.parquet",
        "year=2024/_started_7001",
        "part-0.parquet._COPYING_",
        ".part-0-1.inprogress.5a",
        "_delta_log/_commit_1f.json.tmp",
    ],
)
def test_what_a_writer_left_half_done_is_refused_unless_excluded(ctx, path):
    write(ctx, "spark", {"flights/a": b"1", f"flights/{path}": b"2"})
    with pytest.raises(RejectedError, match=path.rpartition("/")[2]) as caught:
        take(ctx, "spark")
    assert caught.value.kind == "branch-unfinished"
    result = take(ctx, "spark", said={"exclude": (f"/{path}",)})
    assert (result.files, result.excluded) == (1, 1)


def test_what_is_no_data_is_left_out_of_the_version(ctx):
    noise = {"_SUCCESS": b"", "y=1/_started_7": b"{}", "y=1/_committed_7": b"{}", "y=1/.p.parquet.crc": b"c",
             "y=1_$folder$": b"", "y=2/": b"", "_spark_metadata/0": b"v1"}  # fmt: skip
    data = {"a.bin": b"1", "_delta_log/00000000000000000000.crc": b"{}", "empty": b""}
    write(ctx, "spark", {f"flights/{path}": body for path, body in {**noise, **data}.items()})
    result = take(ctx, "spark")
    assert (result.files, result.excluded) == (len(data), len(noise))
    assert data_at(ctx, result.ingest_commit) == data
    assert data_at(ctx, "main") == data


def test_everything_can_be_kept(ctx):
    write(ctx, "spark", {"flights/a": b"1", "flights/_SUCCESS": b""})
    result = take(ctx, "spark", said={"default_excludes": False})
    assert (result.files, result.excluded) == (2, 0)


def test_nothing_but_noise_is_nothing(ctx):
    write(ctx, "spark", {"flights/_SUCCESS": b""})
    with pytest.raises(InvalidError) as caught:
        take(ctx, "spark")
    assert caught.value.kind == "empty-source"


def test_a_branch_from_before_the_latest_version_is_refused_until_it_is_merged(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    ctx.repository.branches.create("spark", "main")
    ingest_files(ctx, tmp_path, {"a": b"1", "b": b"2"})
    write(ctx, "spark", {"flights/c": b"3"})
    with pytest.raises(ConflictError) as caught:
        take(ctx, "spark")
    assert caught.value.kind == "branch-behind"
    ctx.repository.commits.merge("main", "spark", "as the hint says")
    result = take(ctx, "spark")
    assert (result.version, result.hashed) == ("1.2.0", 1)
    assert data_at(ctx, "main") == {"a": b"1", "b": b"2", "c": b"3"}


@pytest.mark.parametrize("commit", [True, False])
def test_a_writer_at_work_is_noticed_while_it_is_hashed(ctx, commit):
    write(ctx, "spark", {"flights/a": b"1"})
    ctx_watched = _watching(ctx, hash=lambda: write(ctx, "spark", {"flights/b": b"2"}, commit=commit))
    with pytest.raises(ConflictError) as caught:
        take(ctx_watched, "spark")
    assert caught.value.kind == "writer-at-work"
    assert tags(ctx) == []


def test_a_writer_that_goes_on_later_changes_nothing_in_the_version(ctx):
    write(ctx, "spark", {"flights/a": b"1"})
    watched = _watching(ctx, validate=lambda: write(ctx, "spark", {"flights/b": b"2", "flights/a": b"other"}),
                        merge=lambda: write(ctx, "spark", {"flights/c": b"3"}))  # fmt: skip
    result = take(watched, "spark")
    assert data_at(ctx, "main") == data_at(ctx, result.ingest_commit) == {"a": b"1"}


def test_hooks_of_main_guard_what_others_wrote(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    write(ctx, "spark", {"flights/b": b"2"}, source=read_line(ctx, "flights").head.id)
    gate = b"name: gate\non:\n  pre-revert: {}\nhooks:\n  - {id: told, type: webhook, properties: {url: 'http://127.0.0.1:9/'}}\n"
    write(ctx, "main", {"_lakefs_actions/gate.yaml": gate})
    result = take(ctx, "spark")
    assert ctx.repository.objects.get(result.ingest_commit, "_lakefs_actions/gate.yaml") == gate
    assert ctx.repository.objects.get("main", "_lakefs_actions/gate.yaml") == gate


def test_no_such_branch(ctx):
    with pytest.raises(NotFoundError) as caught:
        take(ctx, "none")
    assert caught.value.kind == "branch-not-found"


def test_a_prefix_of_main_is_adopted_where_it_lies(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"t": b"trains"}, "trains")
    head = write(ctx, "main", {"flights/a": b"1", "flights/_SUCCESS": b""})
    result = take(ctx, "main", adopt=True)
    assert (result.version, result.files, result.uploaded) == ("1.0.0", 2, 0)
    assert places(ctx, "main") == places(ctx, head) == places(ctx, result.ingest_commit)
    assert take(ctx, "main", adopt=True).outcome == "unchanged"
    follow = ingest_files(ctx, tmp_path, {"a": b"1", "b": b"2", "_SUCCESS": b""})
    assert (follow.version, follow.uploaded) == ("1.1.0", 1)


def test_what_a_foreign_client_changed_in_main_is_adopted(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1", "b": b"2"})
    write(ctx, "main", {"flights/a": b"other", "flights/c": b"3"})
    with pytest.raises(ConflictError, match="--adopt"):
        ingest_files(ctx, tmp_path, {"a": b"1"})
    result = take(ctx, "main", adopt=True)
    assert (result.version, result.hashed, result.reused) == ("1.1.0", 2, 1)
    assert data_at(ctx, "flights-v1.1.0") == {"a": b"other", "b": b"2", "c": b"3"}
    assert ingest_files(ctx, tmp_path, {"a": b"other", "b": b"2", "c": b"3"}).outcome == "unchanged"


def test_main_that_changes_while_it_is_adopted_is_not_adopted(ctx):
    write(ctx, "main", {"flights/a": b"1"})
    watched = _watching(ctx, merge=lambda: write(ctx, "main", {"flights/b": b"2"}))
    with pytest.raises(ConflictError) as caught:
        take(watched, "main", adopt=True)
    assert caught.value.kind == "writer-at-work"
    assert (tags(ctx), pins(ctx), leftovers(ctx)) == ([], [], [])


def test_what_is_adopted_is_adopted_whole(ctx):
    with pytest.raises(InvalidError) as caught:
        take(ctx, "main", adopt=True, said={"exclude": ("*.tmp",)})
    assert caught.value.kind == "adopt-as-it-is"


def test_a_table_is_validated_where_it_lies(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a.csv": b"id,name\n1,ada\n"})
    write(ctx, "spark", {"flights/b.csv": b"id,name\nno number,bob\n"})
    with pytest.raises(LakefsReproError) as caught:
        take(ctx, "spark")
    assert caught.value.kind == "contract-violated"
    write(ctx, "spark", {"flights/b.csv": b"id,name\n2,bob\n"})
    assert take(ctx, "spark").rows == 2


def _watching(ctx, **at):
    from dataclasses import replace

    return replace(ctx, progress=Watch(**at))
