"""An ingest branch: fresh or found, it ends up holding exactly the plan."""

from __future__ import annotations

import pytest
from support.lakes import Watch, data_at, ingest_files, leftovers, make_context, write_files

from lakefs_repro.errors import ConflictError, IntegrityError, LakefsReproError
from lakefs_repro.ingest import journal as journals
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.ingest.write import carry_actions, open_draft
from lakefs_repro.model.names import ingest_branch
from lakefs_repro.snapshot.line import read_line

ULID = "01J9ZZZZZZZZZZZZZZZZZZZZZA"
BRANCH = ingest_branch("flights", ULID)


@pytest.fixture
def ctx(embedded_engine, tmp_path):
    return make_context(embedded_engine, embedded_engine.new_repository(), tmp_path / "state")


def resume(ctx, folder, files, **options):
    """Ingest ``files`` as the continuation of an interrupted run under ULID."""
    request = IngestRequest("flights", (write_files(folder / "again", files),), **options)
    intent = journals.Intent(ctx.repository.wire.endpoint.url, ctx.repository.name, "flights", request.fingerprint)
    journals.open_journal(ctx.journals, intent, ULID).close()
    return ingest(ctx, request)


def test_a_fresh_branch_grows_from_the_line_and_is_hidden(ctx, tmp_path):
    first = ingest_files(ctx, tmp_path, {"a": b"1"})
    draft = open_draft(ctx, read_line(ctx, "flights"), ULID)
    assert draft.fresh
    assert ctx.repository.branches.get(draft.branch).commit == first.ingest_commit
    assert not open_draft(ctx, read_line(ctx, "flights"), ULID).fresh


def test_what_an_interrupted_run_sent_is_not_sent_again(ctx, tmp_path):
    ctx.repository.branches.create(BRANCH, "main", hidden=True)
    ctx.repository.objects.put(BRANCH, "flights/a", b"1")
    result = resume(ctx, tmp_path, {"a": b"1", "b": b"2"})
    assert (result.outcome, result.uploaded) == ("resumed", 1)
    assert data_at(ctx, "flights-v1.0.0") == {"a": b"1", "b": b"2"}
    assert leftovers(ctx) == []


def test_what_is_no_longer_in_the_source_leaves_the_branch(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"old": b"0", "gone": b"0", "kept": b"0"})
    ctx.repository.branches.create(BRANCH, read_line(ctx, "flights").head.id, hidden=True)
    for path, data in {"stale": b"?", "old": b"half"}.items():
        ctx.repository.objects.put(BRANCH, f"flights/{path}", data)
    resume(ctx, tmp_path, {"old": b"1", "kept": b"0", "new": b"2"})
    assert data_at(ctx, "flights-v1.1.0") == {"old": b"1", "kept": b"0", "new": b"2"}


def test_a_branch_from_before_the_latest_version_is_brought_up_to_it(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    ctx.repository.branches.create(BRANCH, read_line(ctx, "flights").head.id, hidden=True)
    ctx.repository.objects.put(BRANCH, "flights/c", b"3")
    ingest_files(ctx, tmp_path, {"a": b"1", "b": b"2"})
    result = resume(ctx, tmp_path, {"c": b"3"}, mode="append")
    assert (result.version, result.uploaded) == ("1.2.0", 0)
    assert data_at(ctx, "flights-v1.2.0") == {"a": b"1", "b": b"2", "c": b"3"}
    assert ctx.repository.commits.get(result.ingest_commit).metadata["repro.previous"] == "1.1.0"


def test_the_hooks_of_main_come_along_and_outdated_ones_go(ctx, tmp_path):
    objects, commits = ctx.repository.objects, ctx.repository.commits
    action = b"name: gate one\non:\n  pre-merge:\n    branches: [nowhere]\nhooks: []\n"
    objects.put("main", "_lakefs_actions/gate.yaml", action)
    commits.create("main", "a hook")
    draft = open_draft(ctx, read_line(ctx, "flights"), ULID)
    objects.put(draft.branch, "_lakefs_actions/outdated.yaml", action)
    carry_actions(draft)
    assert [o.path for o in objects.list(draft.branch, "_lakefs_actions/")] == ["_lakefs_actions/gate.yaml"]
    assert objects.get(draft.branch, "_lakefs_actions/gate.yaml") == action


def test_a_version_holds_its_manifest_s_chunks_and_no_other_s(ctx, tmp_path):
    # 1,500 files make several chunks, of which a change of one file replaces two.
    files = {f"{n:05d}": b"" for n in range(1500)}
    first = ingest_files(ctx, tmp_path, files)
    second = ingest_files(ctx, tmp_path, {**files, "00700": b"changed"})
    chunks = {}
    for result in (first, second):
        listed = ctx.repository.objects.list(result.ingest_commit, "_lakefs_repro/flights/manifest/")
        chunks[result.version] = {o.path.rpartition("/")[2]: o.address for o in listed}
        assert result.digest in chunks[result.version]
    one, two = chunks.values()
    assert len(one) > 2
    assert 1 <= len(two.keys() - one.keys()) <= 3
    for name in one.keys() & two.keys():
        assert one[name].partition(",")[0] == two[name].partition(",")[0]


def test_the_same_content_makes_no_version_and_leaves_nothing(ctx, tmp_path):
    first = ingest_files(ctx, tmp_path, {"a": b"1"})
    main = ctx.repository.branches.get("main").commit
    again = resume(ctx, tmp_path, {"a": b"1"})
    assert (again.outcome, again.version, again.digest) == ("unchanged", "1.0.0", first.digest)
    assert ctx.repository.branches.get("main").commit == main
    assert leftovers(ctx) == []
    assert list(ctx.journals.iterdir()) == []


def test_a_refused_ingest_leaves_no_branch_and_no_journal(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    with pytest.raises(ConflictError):
        resume(ctx, tmp_path, {"a": b"other"}, mode="append")
    assert leftovers(ctx) == []
    assert list(ctx.journals.iterdir()) == []


def test_a_source_that_changes_after_it_was_hashed_is_refused_whole(embedded_engine, tmp_path):
    source = write_files(tmp_path / "source", {"a": b"1", "b": b"2"})
    watch = Watch(upload=lambda: (source / "b").write_bytes(b"3"))
    ctx = make_context(embedded_engine, embedded_engine.new_repository(), tmp_path / "state", progress=watch)
    with pytest.raises(IntegrityError) as caught:
        ingest(ctx, IngestRequest("flights", (source,)))
    assert caught.value.kind == "source-changed"
    assert data_at(ctx, "main") == {}
    assert leftovers(ctx) == []


def test_a_source_that_vanishes_after_it_was_hashed_is_refused_whole(embedded_engine, tmp_path):
    source = write_files(tmp_path / "source", {"a": b"1", "b": b"2"})
    watch = Watch(upload=(source / "b").unlink)
    ctx = make_context(embedded_engine, embedded_engine.new_repository(), tmp_path / "state", progress=watch)
    with pytest.raises(LakefsReproError) as caught:
        ingest(ctx, IngestRequest("flights", (source,)))
    assert caught.value.kind == "unreadable-file"
    assert data_at(ctx, "main") == {}
    assert leftovers(ctx) == []
