"""Every way to name a snapshot leads to it, or to an error that says what there is instead."""

from __future__ import annotations

import pytest
from support.forging import forge
from support.lakes import ingest_files, make_context

from lakefs_repro.errors import ConflictError, IntegrityError, InvalidError, NotFoundError
from lakefs_repro.restore.rollback import roll_back
from lakefs_repro.snapshot.resolve import datasets_at, resolve

ONE = {"month=1/a.bin": b"one", "month=2/b.bin": b"two", "readme": b"!"}
TWO = {**ONE, "month=3/c.bin": b"three"}


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


@pytest.fixture
def lake(ctx, tmp_path):
    """``flights`` in three versions and ``planes`` in one."""
    for version, files in (("1.0.0", ONE), ("1.1.0", TWO), ("2.0.0-rc.1", {**TWO, "d": b"4"})):
        ingest_files(ctx, tmp_path, files, version=version)
    ingest_files(ctx, tmp_path, {"p.bin": b"p"}, dataset="planes")
    return ctx


def paths(snapshot):
    return [entry.path for entry in snapshot.files]


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ("flights@1.0.0", "1.0.0"),
        ("flights@v1.0.0", "1.0.0"),
        ("flights-v1.1.0", "1.1.0"),
        ("flights@2.0.0-rc.1", "2.0.0-rc.1"),
        ("flights@^1", "1.1.0"),
        ("flights@~1.0", "1.0.0"),
        ("flights@>=1,<1.1", "1.0.0"),
        ("flights@1.x", "1.1.0"),
        ("flights@latest", "1.1.0"),
        ("flights", "1.1.0"),
        ("flights@main", "2.0.0-rc.1"),
        ("flights@main~1", "2.0.0-rc.1"),
    ],
)
def test_versions_ranges_and_branches(lake, ref, version):
    found = resolve(lake, ref)
    assert (found.dataset, found.version) == ("flights", version)
    tag = lake.repository.tags.get(f"flights-v{version}")
    said = lake.repository.commits.get(tag.commit).metadata
    assert (found.digest, found.ingest_commit) == (said["repro.digest"], said["repro.commit"])


def test_commits_and_digests_whole_and_by_their_beginning(lake):
    wanted = resolve(lake, "flights@1.0.0")
    names = [
        wanted.digest, wanted.digest[:8], f"sha256:{wanted.digest[:10]}", f"flights@sha256:{wanted.digest}",
        wanted.ingest_commit, wanted.ingest_commit[:12], f"flights@{wanted.commit}", wanted.commit,
        f"lakefs://{lake.repository.name}/{wanted.ingest_commit}/flights/",
        f"lakefs://{lake.repository.name}/flights-v1.0.0/flights",
        f"lakefs://{lake.repository.name}/flights-v1.0.0",
    ]  # fmt: skip
    for name in names:
        found = resolve(lake, name)
        assert (found.version, found.digest, found.ingest_commit) == ("1.0.0", wanted.digest, wanted.ingest_commit), (
            name
        )
    assert paths(resolve(lake, names[0])) == sorted(ONE)


def test_a_part_by_partition_or_folder(lake):
    assert paths(resolve(lake, "flights@1.1.0#month=3")) == ["month=3/c.bin"]
    uri = f"lakefs://{lake.repository.name}/flights-v1.1.0/flights"
    assert paths(resolve(lake, f"{uri}/month=1/")) == ["month=1/a.bin"]
    assert paths(resolve(lake, f"{uri}/month=1")) == ["month=1/a.bin"]
    assert paths(resolve(lake, f"{uri}/month=")) == [], "a folder is meant, not the beginning of names"
    assert str(resolve(lake, "flights@^1#month=1")) == "flights@1.1.0#month=1"
    assert len(resolve(lake, "flights#month=2").files) == 1


def test_the_dataset_is_asked_for_where_there_are_several(lake):
    with pytest.raises(InvalidError, match="flights, planes") as caught:
        resolve(lake, "main")
    assert caught.value.kind == "which-dataset"
    assert resolve(lake, "main", dataset="planes").version == "1.0.0"
    assert datasets_at(lake, "main") == ("flights", "planes")


def test_a_version_alone_is_of_the_only_dataset(ctx, tmp_path):
    ingest_files(ctx, tmp_path, ONE)
    for ref in ("1.0.0", "^1", "latest", "main", "1.0.0#month=1"):
        assert resolve(ctx, ref).version == "1.0.0", ref
    with pytest.raises(NotFoundError, match=r"flights has no version 2\.0\.0"):
        resolve(ctx, "2.0.0")


@pytest.mark.parametrize(
    ("ref", "kind", "said"),
    [
        ("flights@1.0.1", "version-not-found", "flights@1.0.0"),
        ("flights@^9", "version-not-found", "flights@"),
        ("flight@1.0.0", "dataset-not-found", "did you mean flights?"),
        ("flights@nowhere", "ref-not-found", ""),
        ("mian", "ref-not-found", "did you mean main?"),
        ("deadbeefdeadbeef", "ref-not-found", ""),
        ("sha256:deadbeef", "ref-not-found", "list"),
        ("trains@main", "dataset-not-found", ""),
    ],
)
def test_what_is_not_there_is_said_with_what_is(lake, ref, kind, said):
    with pytest.raises(NotFoundError) as caught:
        resolve(lake, ref)
    assert caught.value.kind == kind
    assert said in caught.value.hint


def test_another_repository(lake):
    with pytest.raises(InvalidError, match="other-data") as caught:
        resolve(lake, "lakefs://other-data/main/flights/")
    assert caught.value.kind == "other-repository"


def test_a_digest_that_several_versions_have_is_the_newest_of_them(lake, tmp_path):
    first = resolve(lake, "flights@1.0.0")
    back = roll_back(lake, "flights", first.ingest_commit)
    found = resolve(lake, first.digest)
    assert (found.version, found.digest) == (back.version, first.digest)
    assert paths(found) == sorted(ONE)
    assert paths(resolve(lake, "flights@main")) == sorted(ONE), "head.json of a rollback names the older version"


def test_a_name_that_means_two_things(lake):
    digest = resolve(lake, "flights@1.0.0").digest
    lake.repository.branches.create(digest[:8], "main")
    with pytest.raises(InvalidError, match=f"branch {digest[:8]}.*flights@1.0.0") as caught:
        resolve(lake, digest[:8])
    assert caught.value.kind == "ambiguous-ref"


def test_a_tag_that_was_moved_to_another_version(lake):
    other = lake.repository.tags.get("flights-v1.1.0").commit
    lake.repository.tags.delete("flights-v1.0.0")
    lake.repository.tags.create("flights-v1.0.0", other)
    with pytest.raises(IntegrityError, match="was moved") as caught:
        resolve(lake, "flights@1.0.0")
    assert caught.value.kind == "tag-moved"


def test_a_tag_and_an_annotation_forged_against_a_pin(lake):
    merge = forge(lake, {"evil": b"!"}, dataset="trains", version="9.0.0")
    said = dict(lake.repository.commits.get(merge).metadata)
    said |= {"repro.dataset": "flights", "repro.version": "1.0.0"}
    said = {key: value for key, value in said.items() if key.startswith("repro.")}
    lake.repository.branches.create("forged", merge)
    lake.repository.objects.put("forged", "x", b"x")
    forged = lake.repository.commits.create("forged", "forged", said).id
    lake.repository.tags.delete("flights-v1.0.0")
    lake.repository.tags.create("flights-v1.0.0", forged)
    with pytest.raises(IntegrityError) as caught:
        resolve(lake, "flights@1.0.0")
    assert caught.value.kind == "tag-moved"


def test_a_tag_at_a_commit_without_annotation(lake):
    first = list(lake.repository.commits.log("main", first_parent=True))[-1].id
    lake.repository.tags.create("flights-v7.0.0", first)
    with pytest.raises(IntegrityError) as caught:
        resolve(lake, "flights@7.0.0")
    assert caught.value.kind == "bad-annotation"


def test_a_lost_pin_does_not_hide_a_version(lake):
    lake.repository.branches.delete("pin-flights-v1_0_0")
    assert resolve(lake, "flights@1.0.0").version == "1.0.0"


def test_foreign_changes_on_a_branch_are_no_snapshot(lake):
    lake.repository.objects.put("main", "flights/foreign", b"?")
    with pytest.raises(ConflictError, match="flights/foreign is added on the branch main, and not committed"):
        resolve(lake, "flights@main")
    lake.repository.commits.create("main", "around the gate")
    with pytest.raises(ConflictError, match="flights/foreign was added in branch main by another client") as caught:
        resolve(lake, "flights@main")
    assert caught.value.kind == "foreign-change"
    assert resolve(lake, "planes@main").version == "1.0.0", "other datasets are as they were"
    assert resolve(lake, "flights@latest").version == "1.1.0", "and so are versions"


def test_a_merge_that_carried_foreign_changes_along(ctx, tmp_path):
    ingest_files(ctx, tmp_path, ONE)
    commit = ctx.repository.branches.get("main").commit
    ctx.repository.branches.create("side", commit)
    ctx.repository.objects.put("side", "flights/readme", b"other")
    ctx.repository.commits.create("side", "side")
    with pytest.raises(ConflictError, match="flights/readme was changed"):
        resolve(ctx, "flights@side")
