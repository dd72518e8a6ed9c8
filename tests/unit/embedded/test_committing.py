"""What happens between the snapshot that a commit works on and its landing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.store import refs, staging
from lakefs_repro.embedded.store.advance import advance
from lakefs_repro.embedded.store.merging import MergeRequest, merge


def _staged(store, branch="main"):
    connection = store.engine.database.reader()
    found = refs.branch(connection, store.repository, branch)
    return [path for path, _ in staging.edits(connection, found.id)]


@pytest.fixture
def during_commit(store, monkeypatch):
    """Runs something after a commit has worked out its tree and before it lands."""
    from lakefs_repro.embedded.store import committing

    def run(action):
        pending = [action]

        def late(engine, repository, branch_name, prepare, approval=None):
            def prepare_then_act(connection, branch, head):
                draft = prepare(connection, branch, head)
                if pending:
                    pending.pop()()
                return draft

            return advance(engine, repository, branch_name, prepare_then_act)

        monkeypatch.setattr(committing, "advance", late)
        return store.commit()

    return run


def test_what_is_written_meanwhile_stays_staged(store, during_commit):
    store.put("a", b"1")
    store.put("b", b"1")

    def meanwhile():
        store.put("b", b"2")
        store.put("c", b"1")

    during_commit(meanwhile)
    assert sorted(store.tree()) == ["a", "b"]
    assert _staged(store) == ["b", "c"]
    store.commit()
    assert store.tree()["b"] == store.entry("b", b"2").checksum


def test_deletion_meanwhile_is_not_lost(store, during_commit):
    store.put("a", b"1")
    store.put("b", b"1")
    during_commit(lambda: store.remove("a"))
    assert sorted(store.tree()) == ["a", "b"]
    store.commit()
    assert sorted(store.tree()) == ["b"]


def test_head_moved_meanwhile_is_worked_out_again(store, during_commit):
    store.put("a", b"1")
    first = store.commit()
    store.branch("work", first.id)
    store.put("w", b"1", "work")
    second = store.commit("work")
    store.put("b", b"1")

    def meanwhile():
        def move(connection):
            connection.execute("UPDATE branches SET commit_id = ? WHERE name = 'main'", (second.id,))

        store.engine.writer.submit(move)

    made = during_commit(meanwhile)
    assert made.parents == (second.id,)
    assert sorted(store.tree()) == ["a", "b", "w"]


@pytest.mark.parametrize(
    ("kind", "path", "left"),
    [("object", "dir/a", ["b", "dir/c"]), ("common_prefix", "dir/", ["b"]), ("object", "b", ["dir/a", "dir/c"])],
)
def test_reset_meanwhile_is_not_undone(store, during_commit, kind, path, left):
    for each in ("dir/a", "b", "dir/c"):
        store.put(each, b"1")
    during_commit(lambda: store.reset(kind, path))
    assert sorted(store.tree()) == left
    assert _staged(store) == []


def test_reset_of_everything_meanwhile_leaves_nothing_to_commit(store, during_commit):
    store.put("a", b"1")
    before = store.head()
    with pytest.raises(ApiError, match="no changes"):
        during_commit(lambda: store.reset("reset"))
    assert store.head() == before


def test_branch_deleted_meanwhile(store, during_commit):
    store.put("a", b"1")

    def meanwhile():
        store.engine.writer.submit(lambda connection: connection.execute("DELETE FROM branches"))

    with pytest.raises(ApiError, match="branch not found"):
        during_commit(meanwhile)


def test_commits_of_many_writers_on_one_branch_lose_nothing(store):
    def work(number):
        store.put(f"f{number}", b"x")
        # Another one's commit may have taken this file along.
        with suppress(ApiError):
            store.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    assert sorted(store.tree()) == sorted(f"f{number}" for number in range(40))
    assert _staged(store) == []


def test_merges_of_many_sources_at_once(store):
    store.put("base", b"1")
    base = store.commit()
    for number in range(12):
        store.branch(f"b{number}", base.id)
        store.put(f"f{number}", b"x", f"b{number}")
        store.commit(f"b{number}")
    with ThreadPoolExecutor(12) as pool:
        list(
            pool.map(
                lambda number: merge(store.engine, store.repository, "main", MergeRequest(f"b{number}")), range(12)
            )
        )
    assert len(store.tree()) == 13


def test_two_commits_that_say_the_same_are_two(store):
    first = store.commit(allow_empty=True)
    second = store.commit(allow_empty=True)
    assert first.id != second.id
