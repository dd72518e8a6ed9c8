"""Reservations, the merge, the tag: each atomic, each safe to do again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.lakes import ingest_files, leftovers, make_context, pins, tags

from lakefs_repro.errors import ConflictError, IntegrityError
from lakefs_repro.ingest.publish import (
    LostRaceError,
    ReservedError,
    drop_branch,
    finish,
    merge_to_main,
    release,
    release_others,
    reserve,
    taken_versions,
)
from lakefs_repro.ledger.append import has_record
from lakefs_repro.model.annotation import Annotation
from lakefs_repro.snapshot.line import read_line

ULID = "01J9ZZZZZZZZZZZZZZZZZZZZZ{}"


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


def candidate(ctx, letter="A", version="1.0.0", dataset="flights"):
    """A commit on a branch of the line with an annotation, as an ingest makes it, but without data."""
    ulid = ULID.format(letter)
    branch = f"ingest-{dataset}-{ulid.lower()}"
    ctx.repository.branches.create(branch, read_line(ctx, dataset).head.id, hidden=True)
    said = Annotation(ingest=ulid, dataset=dataset, version=version, digest="d" * 64, extra={"repro.by": "ada@laptop"})
    ctx.repository.objects.put(branch, f"{dataset}/x", letter.encode())
    ctx.repository.objects.put(branch, f"_lakefs_repro/{dataset}/head.json", letter.encode())
    return ctx.repository.commits.create(branch, f"ingest {letter}", said.encode())


def test_a_reservation_is_a_pin_at_the_very_commit(ctx):
    made = candidate(ctx)
    reserve(ctx, "flights", "1.0.0", made)
    assert ctx.repository.branches.get("pin-flights-v1_0_0").commit == made.id
    reserve(ctx, "flights", "1.0.0", made)  # again: nothing changes
    assert pins(ctx) == ["pin-flights-v1_0_0"]


def test_of_two_who_reserve_one_is_told_who_holds_it(ctx):
    one, two = candidate(ctx, "A"), candidate(ctx, "B")

    def attempt(commit):
        try:
            reserve(ctx, "flights", "1.0.0", commit)
        except ReservedError as error:
            return error
        return commit

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(attempt, [one, two]))
    (error,) = [r for r in results if isinstance(r, ReservedError)]
    (winner,) = [r for r in results if r is not error]
    assert error.holder == winner.metadata["repro.ingest"]
    assert error.holder in error.message
    assert "ada@laptop" in error.message
    assert error.kind == "version-reserved"


def test_what_an_ingest_reserved_before_with_other_content_is_replaced(ctx):
    old = candidate(ctx)
    reserve(ctx, "flights", "1.0.0", old)
    branch = f"ingest-flights-{ULID.format('A').lower()}"
    ctx.repository.objects.put(branch, "flights/y", b"more")
    new = ctx.repository.commits.create(branch, "again", old.metadata)
    reserve(ctx, "flights", "1.0.0", new)
    assert ctx.repository.branches.get("pin-flights-v1_0_0").commit == new.id


def test_only_one_s_own_reservation_is_given_back(ctx):
    reserve(ctx, "flights", "1.0.0", candidate(ctx))
    assert not release(ctx, "flights", "1.0.0", ULID.format("B"))
    assert pins(ctx) == ["pin-flights-v1_0_0"]
    assert release(ctx, "flights", "1.0.0", ULID.format("A"))
    assert pins(ctx) == []
    assert not release(ctx, "flights", "1.0.0", ULID.format("A"))


def test_a_branch_of_a_pin_s_name_that_is_no_ingest_is_left_alone(ctx):
    ctx.repository.branches.create("pin-flights-v1_0_0", "main")
    assert not release(ctx, "flights", "1.0.0", ULID.format("A"))
    with pytest.raises(ConflictError):
        reserve(ctx, "flights", "1.0.0", candidate(ctx))
    assert pins(ctx) == ["pin-flights-v1_0_0"]


def test_reservations_under_versions_no_longer_wanted_are_given_back(ctx, tmp_path):
    ingest_files(ctx, tmp_path, {"a": b"1"})
    mine, other = candidate(ctx, "A", "1.1.0"), candidate(ctx, "B", "1.2.0")
    reserve(ctx, "flights", "1.1.0", mine)
    reserve(ctx, "flights", "1.2.0", other)
    release_others(ctx, "flights", "1.3.0", ULID.format("A"))
    assert pins(ctx) == ["pin-flights-v1_0_0", "pin-flights-v1_2_0"]


def test_versions_are_those_of_the_dataset_s_own_tags_in_order(ctx):
    for name in ("flights-v1.10.0", "flights-v1.2.0", "flights-v1.2.0-rc.1", "flights-v2", "flights-old-v1.0.0", "x"):
        ctx.repository.tags.create(name, "main")
    assert [str(v) for v in taken_versions(ctx, "flights")] == ["1.2.0-rc.1", "1.2.0", "1.10.0"]
    assert taken_versions(ctx, "planes") == []


def test_a_merge_is_never_squashed_says_what_it_merged_and_is_done_once(ctx):
    before = read_line(ctx, "flights")
    made = candidate(ctx)
    merge = merge_to_main(ctx, made, before.head.id)
    commit = ctx.repository.commits.get(merge)
    assert commit.parents == (before.main, made.id)
    assert Annotation.decode(commit.metadata).commit == made.id
    assert merge_to_main(ctx, made, before.head.id) == merge


def test_who_began_at_an_older_version_loses_the_race(ctx, tmp_path):
    old = read_line(ctx, "flights").head.id
    made = candidate(ctx)
    ingest_files(ctx, tmp_path, {"a": b"1"})
    with pytest.raises(LostRaceError) as caught:
        merge_to_main(ctx, made, old)
    assert caught.value.kind == "lost-race"


def test_a_tag_of_the_version_s_name_made_by_hand_is_not_moved(ctx, tmp_path):
    root = ctx.repository.branches.get("main").commit
    made = ingest_files(ctx, tmp_path, {"a": b"1"})
    ctx.repository.tags.delete("flights-v1.0.0")
    ctx.repository.tags.create("flights-v1.0.0", root)
    with pytest.raises(IntegrityError) as caught:
        finish(ctx, ctx.repository.commits.get(made.ingest_commit))
    assert caught.value.kind == "tag-moved"
    assert ctx.repository.tags.get("flights-v1.0.0").commit == root


def test_finishing_again_changes_nothing(ctx, tmp_path):
    made = ingest_files(ctx, tmp_path, {"a": b"1"})
    main = ctx.repository.branches.get("main").commit
    ledger = ctx.repository.branches.get("repro-ledger").commit
    published = finish(ctx, ctx.repository.commits.get(made.ingest_commit))
    assert (published.version, published.merge) == ("1.0.0", made.commit)
    assert ctx.repository.branches.get("main").commit == main
    assert ctx.repository.branches.get("repro-ledger").commit == ledger
    assert tags(ctx) == ["flights-v1.0.0"]
    assert leftovers(ctx) == []


def test_finishing_makes_up_for_a_missing_tag_and_record(ctx, tmp_path):
    made = ingest_files(ctx, tmp_path, {"a": b"1"})
    ctx.repository.tags.delete("flights-v1.0.0")
    ctx.repository.branches.delete("repro-ledger")
    finish(ctx, ctx.repository.commits.get(made.ingest_commit))
    assert ctx.repository.tags.get("flights-v1.0.0").commit == made.commit
    assert has_record(ctx.repository, made.ingest)


def test_what_is_not_merged_can_not_be_finished(ctx):
    with pytest.raises(IntegrityError) as caught:
        finish(ctx, candidate(ctx))
    assert caught.value.kind == "not-merged"
    assert tags(ctx) == []


def test_dropping_a_branch_that_is_not_there_is_no_error(ctx):
    drop_branch(ctx, "ingest-nothing")
