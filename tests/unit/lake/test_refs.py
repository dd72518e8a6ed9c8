"""Branches, tags and commits through our port, alike on every engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lakefs_repro.errors import AlreadyExistsError, ConflictError, InvalidError, LakefsReproError, NotFoundError


def commit(repository, branch, files, message="m", **metadata):
    for path, data in files.items():
        repository.objects.put(branch, path, data)
    return repository.commits.create(branch, message, metadata)


def test_a_branch_is_created_at_its_source_found_and_deleted(repository):
    head = repository.branches.get("main").commit
    assert repository.branches.create("side", "main") == head
    assert repository.branches.get("side").commit == head
    repository.branches.delete("side")
    for call in (repository.branches.get, repository.branches.delete):
        with pytest.raises(NotFoundError):
            call("side")


def test_a_hidden_branch_is_listed_by_us(repository):
    repository.branches.create("pin-x", "main", hidden=True)
    repository.branches.create("pine", "main")
    assert [b.name for b in repository.branches.list()] == ["main", "pin-x", "pine"]
    assert [b.name for b in repository.branches.list("pin-")] == ["pin-x"]


def test_of_many_who_create_a_name_one_succeeds(repository):
    def race(make):
        def one(_):
            try:
                make()
            except AlreadyExistsError as error:
                return error.kind
            return "made"

        with ThreadPoolExecutor(8) as pool:
            return sorted(pool.map(one, range(8)))

    expected = ["already-exists"] * 7 + ["made"]
    assert race(lambda: repository.branches.create("b", "main", hidden=True)) == expected
    assert race(lambda: repository.tags.create("t", "main")) == expected


def test_a_branch_from_nowhere_is_not_found(repository):
    with pytest.raises(NotFoundError):
        repository.branches.create("side", "no-such-ref")


@pytest.mark.parametrize("name", ["a.b", "a/b", "-a", "a b"])
def test_a_bad_branch_name_is_refused(repository, name):
    with pytest.raises(InvalidError):
        repository.branches.create(name, "main")


def test_what_is_staged_is_told_by_kind(repository):
    commit(repository, "main", {"changed": b"1", "removed": b"1"})
    repository.objects.put("main", "changed", b"2")
    repository.objects.put("main", "added", b"1")
    repository.objects.delete("main", ["removed"])
    assert {d.path: d.type for d in repository.branches.staged("main")} == {
        "added": "added", "changed": "changed", "removed": "removed",
    }  # fmt: skip
    assert len(list(repository.branches.staged("main", most=1))) == 1
    assert [d.path for d in repository.branches.staged("main", "re")] == ["removed"]


def test_a_tag_stays_where_it_is(repository):
    first = commit(repository, "main", {"a": b"1"})
    made = repository.tags.create("x-v1.0.0+build", "main")
    assert (made.name, made.commit) == ("x-v1.0.0+build", first.id)
    commit(repository, "main", {"a": b"2"})
    with pytest.raises(AlreadyExistsError):
        repository.tags.create("x-v1.0.0+build", "main")
    assert repository.tags.get("x-v1.0.0+build").commit == first.id
    assert [t.name for t in repository.tags.list("x-v")] == ["x-v1.0.0+build"]
    repository.tags.delete("x-v1.0.0+build")
    with pytest.raises(NotFoundError):
        repository.tags.get("x-v1.0.0+build")


def test_a_commit_keeps_message_and_metadata(repository):
    made = commit(repository, "main", {"a": b"1"}, "Über\nzwei Zeilen", **{"repro.x": "é", "k": ""})
    found = repository.commits.get(made.id)
    assert found == made
    assert (found.message, dict(found.metadata)) == ("Über\nzwei Zeilen", {"repro.x": "é", "k": ""})
    assert found.created.tzinfo is not None
    with pytest.raises(NotFoundError):
        repository.commits.get("0" * 64)


def test_committing_nothing_is_refused_unless_allowed(repository):
    with pytest.raises(InvalidError):
        repository.commits.create("main", "nothing")
    assert repository.commits.create("main", "nothing", allow_empty=True).parents


def test_ref_expressions_resolve(repository):
    first = commit(repository, "main", {"a": b"1"})
    second = commit(repository, "main", {"a": b"2"})
    for ref, expected in {"main": second, "main~1": first, second.id[:12]: second, "main^1": first}.items():
        assert repository.commits.resolve(ref).id == expected.id
    with pytest.raises(NotFoundError):
        repository.commits.resolve("nothing-of-the-kind")


def test_history_is_contained_or_not(repository):
    root = repository.branches.get("main").commit
    repository.branches.create("side", "main")
    ours = commit(repository, "side", {"s": b"1"})
    theirs = commit(repository, "main", {"m": b"1"})
    assert repository.commits.contains("main", root)
    assert repository.commits.contains("main", theirs.id)
    assert not repository.commits.contains("main", ours.id)
    assert not repository.commits.contains(root, theirs.id)


def test_the_log_goes_by_first_parents_objects_and_length(repository):
    root = repository.branches.get("main").commit
    repository.branches.create("side", "main")
    ours = commit(repository, "side", {"s": b"1"})
    first = commit(repository, "main", {"m": b"1"})
    merge = repository.commits.merge("side", "main", "merge")
    assert [c.id for c in repository.commits.log("main", first_parent=True)] == [merge, first.id, root]
    assert {c.id for c in repository.commits.log("main")} == {merge, first.id, ours.id, root}
    assert [c.id for c in repository.commits.log("main", objects=("s",))] == [ours.id]
    assert [c.id for c in repository.commits.log("main", prefixes=("m",))] == [first.id]
    assert [c.id for c in repository.commits.log("main", first_parent=True, most=1)] == [merge]
    until = [c.id for c in repository.commits.log("main", first_parent=True, stop_at=first.id)]
    assert until[0] == merge
    assert root not in until


def test_a_merge_has_two_parents_its_metadata_and_is_never_squashed(repository):
    repository.branches.create("side", "main")
    ours = commit(repository, "side", {"s": b"1"})
    before = repository.branches.get("main").commit
    reference = repository.commits.merge(ours.id, "main", "merge", {"k": "v"})
    made = repository.commits.get(reference)
    assert made.parents == (before, ours.id)
    assert dict(made.metadata)["k"] == "v"
    assert repository.branches.get("main").commit == reference


def test_a_merge_of_a_commit_ignores_what_came_later_on_its_branch(repository):
    repository.branches.create("side", "main")
    ours = commit(repository, "side", {"s": b"1"})
    commit(repository, "side", {"later": b"1"})
    repository.commits.merge(ours.id, "main", "merge")
    assert [o.path for o in repository.objects.list("main")] == ["s"]


def test_a_conflict_nothing_to_merge_and_a_dirty_branch_are_told_apart(repository):
    repository.branches.create("side", "main")
    ours = commit(repository, "side", {"x": b"ours"})
    commit(repository, "main", {"x": b"theirs"})
    with pytest.raises(ConflictError):
        repository.commits.merge(ours.id, "main", "merge")
    with pytest.raises(InvalidError):
        repository.commits.merge("main", "main", "merge")
    with pytest.raises(NotFoundError):
        repository.commits.merge("nowhere", "main", "merge")
    repository.objects.put("main", "staged", b"")
    with pytest.raises(InvalidError):
        repository.commits.merge(ours.id, "main", "merge", strategy="source-wins")


@pytest.mark.parametrize(("strategy", "winner"), [("source-wins", b"ours"), ("dest-wins", b"theirs")])
def test_a_strategy_settles_a_conflict(repository, strategy, winner):
    repository.branches.create("side", "main")
    commit(repository, "side", {"x": b"ours"})
    commit(repository, "main", {"x": b"theirs"})
    repository.commits.merge("side", "main", "merge", strategy=strategy)
    assert repository.objects.get("main", "x") == winner


def test_a_tree_is_taken_whole_without_copying(repository):
    first = commit(repository, "main", {"a": b"1", "b": b"2"})
    commit(repository, "main", {"a": b"other", "c": b"3"})
    before = {o.path: o.address for o in repository.objects.list(first.id)}
    made = repository.commits.create("main", "back", source_metarange=first.metarange)
    assert {o.path: o.address.partition(",")[0] for o in repository.objects.list(made.id)} == {
        path: address.partition(",")[0] for path, address in before.items()
    }
    assert made.metarange == first.metarange


def test_a_difference_names_paths_and_kinds(repository):
    first = commit(repository, "main", {"a": b"1", "p/b": b"1", "p/c": b"1"})
    repository.objects.delete("main", ["p/b"])
    second = commit(repository, "main", {"a": b"2", "p/d": b"1"})
    diff = repository.commits.diff
    assert {(d.path, d.type) for d in diff(first.id, second.id)} == {
        ("a", "changed"), ("p/b", "removed"), ("p/d", "added"),
    }  # fmt: skip
    assert [d.path for d in diff(first.id, second.id, prefix="p/")] == ["p/b", "p/d"]
    assert list(diff(first.id, first.id)) == []
    assert len(list(diff(first.id, second.id, most=1))) == 1


def test_a_three_dot_difference_leaves_their_work_out(repository):
    repository.branches.create("side", "main")
    commit(repository, "side", {"ours": b"1"})
    commit(repository, "main", {"theirs": b"1"})
    changes = repository.commits.diff("main", "side", kind="three_dot")
    assert [(d.path, d.type) for d in changes] == [("ours", "added")]


def test_protection_is_added_to_what_is_there_once(repository):
    assert repository.settings.protect(["main"]) == ("main",)
    assert repository.settings.protect(["main", "pin-*"]) == ("pin-*",)
    assert repository.settings.protect(["pin-*"]) == ()
    assert sorted(repository.settings.protected()) == ["main", "pin-*"]


def test_a_repository_says_who_it_is(repository):
    info = repository.info()
    assert (info.name, info.default_branch, info.read_only) == (repository.name, "main", False)
    assert info.storage_namespace.rstrip("/").endswith(repository.name)


def test_a_repository_that_is_not_there_is_not_found(server):
    with pytest.raises(NotFoundError):
        server.repository("no-such-repository").info()


def test_a_repository_s_name_is_taken_once(server, repository):
    taken = repository.info()
    with pytest.raises(AlreadyExistsError):
        server.create_repository(repository.name, taken.storage_namespace + "-other")
    with pytest.raises(AlreadyExistsError) as caught:
        server.create_repository(repository.name + "x", taken.storage_namespace)
    assert caught.value.kind == "namespace-in-use"
    with pytest.raises(LakefsReproError):
        server.create_repository("Not_A_Name", taken.storage_namespace + "-third")


def test_the_server_tells_version_and_store(server):
    info = server.info()
    assert info.version[0].isdigit()
    assert info.blockstore
