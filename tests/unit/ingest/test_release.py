"""Several datasets released as one: one commit, one pin, one tag, and main where it was."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from support.lakes import Watch, ingest_files, leftovers, make_context, pins, tags, write_files

from lakefs_repro.errors import AlreadyExistsError, IntegrityError, InvalidError, NotFoundError, RejectedError
from lakefs_repro.ingest.release import STEPS, make_release
from lakefs_repro.lake.oracle import ask_what_is_retained
from lakefs_repro.ledger.append import has_record
from lakefs_repro.restore.folder import restore_to
from lakefs_repro.restore.rollback import roll_back
from lakefs_repro.snapshot.releases import find_release, list_releases, verify_release
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.snapshot.verify import verify

FLIGHTS = {"month=1/a.bin": b"one", "month=2/b.bin": b"two"}
USES = ["flights@1.0.0", "planes@1.0.0"]


@pytest.fixture
def ctx(engine, tmp_path):
    return make_context(engine, engine.new_repository(), tmp_path / "state")


@pytest.fixture
def lake(ctx, tmp_path):
    """Two versions of ``flights`` and one of ``planes``."""
    ingest_files(ctx, tmp_path, FLIGHTS)
    ingest_files(ctx, tmp_path, {"p.bin": b"plane"}, dataset="planes")
    ingest_files(ctx, tmp_path, {**FLIGHTS, "month=3/c.bin": b"three"})
    return ctx


def all_branches(ctx):
    return sorted(b.name for b in ctx.repository.branches.list())


def test_one_commit_one_pin_one_tag_and_main_stays(lake):
    main, before = lake.repository.branches.get("main").commit, all_branches(lake)
    made = make_release(lake, "2024-q3.1", USES, message="for the model")
    assert (made.outcome, made.tag, made.files, made.bytes) == ("created", "release-2024-q3.1", 3, 11)
    assert lake.repository.branches.get("main").commit == main
    assert all_branches(lake) == sorted([*before, "pin-release-2024-q3_1"])
    assert lake.repository.tags.get("release-2024-q3.1").commit == made.commit
    assert lake.repository.branches.get("pin-release-2024-q3_1").commit == made.commit
    commit = lake.repository.commits.get(made.commit)
    assert commit.message == "for the model"
    assert commit.metadata["repro.release"] == "2024-q3.1"
    assert "repro.dataset" not in commit.metadata
    assert has_record(lake.repository, commit.metadata["repro.id"])
    listed = {o.path for o in lake.repository.objects.list(made.commit) if not o.path.startswith("_")}
    assert listed == {"flights/month=1/a.bin", "flights/month=2/b.bin", "planes/p.bin"}


def test_nobody_takes_it_for_a_version(lake, tmp_path):
    make_release(lake, "q3", USES)
    assert resolve(lake, "flights").version == "1.1.0"
    assert tags(lake) == ["flights-v1.0.0", "flights-v1.1.0", "planes-v1.0.0", "release-q3"]
    assert ingest_files(lake, tmp_path, {"x": b"x"}, dataset="flights", allow_shrink=True).version == "1.2.0"
    assert ingest_files(lake, tmp_path, {"p": b"2"}, dataset="planes", allow_shrink=True).version == "1.1.0"


def test_read_together(lake):
    made = make_release(lake, "q3", reversed(USES))
    release = find_release(lake, "q3")
    assert list(release.snapshots) == ["flights", "planes"]
    flights = resolve(lake, "release:q3/flights")
    assert flights == release.snapshots["flights"]
    assert (flights.version, flights.commit, flights.digest) == (
        "1.0.0", made.commit, resolve(lake, "flights@1.0.0").digest,
    )  # fmt: skip
    assert flights.open("month=1/a.bin").read() == b"one"
    assert resolve(lake, "release:q3", dataset="planes").dataset == "planes"
    assert [e.path for e in resolve(lake, "release:q3/flights#month=2").files] == ["month=2/b.bin"]
    report = verify_release(lake, release, deep=True)
    assert (report.ok, report.pin, [r.files for r in report.datasets]) == (True, "held", [2, 1])
    assert report.to_json()["bytes"] == 11
    (info,) = list_releases(lake)
    assert (info.name, info.datasets, info.pin) == ("q3", ("flights@1.0.0", "planes@1.0.0"), "held")
    assert list_releases(lake, "planes") == (info,)
    assert list_releases(lake, "trains") == ()


@pytest.mark.parametrize(
    ("ref", "error", "kind"),
    [
        ("release:q3", InvalidError, "which-dataset"),
        ("release:q3/trains", NotFoundError, "dataset-not-found"),
        ("release:q4/flights", NotFoundError, "release-not-found"),
        ("release:q3#month=1", InvalidError, "invalid-ref"),
        ("release:Q3", InvalidError, "invalid-ref"),
        ("release:", InvalidError, "invalid-ref"),
    ],
)
def test_what_can_not_be_meant(lake, ref, error, kind):
    make_release(lake, "q3", USES)
    with pytest.raises(error) as caught:
        resolve(lake, ref)
    assert caught.value.kind == kind


def test_the_same_again_makes_nothing_and_other_content_is_refused(lake):
    made = make_release(lake, "q3", USES)
    before = all_branches(lake)
    again = make_release(lake, "q3", ["planes", "flights@~1.0"])
    assert (again.outcome, again.commit, again.digest) == ("unchanged", made.commit, made.digest)
    for dry_run in (False, True):
        with pytest.raises(AlreadyExistsError) as caught:
            make_release(lake, "q3", ["flights@1.1.0", "planes"], dry_run=dry_run)
        assert caught.value.kind == "release-exists"
        assert "flights@1.0.0" in caught.value.message
    assert all_branches(lake) == before
    assert not list(lake.journals.glob("*.json"))


def test_a_dry_run_looks_and_leaves_nothing(lake):
    before = all_branches(lake)
    planned = make_release(lake, "q3", USES, dry_run=True)
    assert (planned.outcome, planned.commit) == ("planned", "")
    assert all_branches(lake) == before
    assert make_release(lake, "q3", USES).digest == planned.digest
    assert make_release(lake, "q3", USES, dry_run=True).outcome == "unchanged"


@pytest.mark.parametrize(
    ("uses", "kind"),
    [
        ([], "empty-release"),
        (["flights@1.0.0", "flights@1.1.0"], "dataset-twice"),
        (["flights@1.0.0#month=1"], "not-a-version"),
    ],
)
def test_what_is_no_release(lake, uses, kind):
    with pytest.raises(InvalidError) as caught:
        make_release(lake, "q3", uses)
    assert caught.value.kind == kind


@pytest.mark.parametrize("name", ["v1.0.0", "2024-v1", "Q3", "a_b", "-a", "a.", "a..b", "a.lock", "x" * 65, ""])
def test_names_that_can_not_be(lake, name):
    with pytest.raises(InvalidError) as caught:
        make_release(lake, name, USES)
    assert caught.value.kind == "invalid-name"


def test_the_release_keeps_the_data_when_a_version_of_it_loses_its_pin(lake):
    lake.repository.wire.call(
        "PUT", f"/repositories/{lake.repository.name}/settings/gc_rules", doing="keep heads alone",
        json_body={"default_retention_days": -1, "branches": []}, expect=(204,),
    )  # fmt: skip
    made = make_release(lake, "q3", USES)
    lake.repository.branches.delete("pin-flights-v1_0_0")
    retained = ask_what_is_retained(lake.repository.wire.endpoint, lake.repository.name)
    if retained.commits is not None:  # a real lakeFS on a local block store can't tell
        assert resolve(lake, "flights@1.0.0").ingest_commit not in retained.commits
        assert made.commit in retained.commits
    report = verify(lake, resolve(lake, "release:q3/flights"), deep=True)
    assert (report.ok, report.pin) == (True, "held")
    assert verify(lake, resolve(lake, "flights@1.0.0")).pin == "missing"
    held = {o.path: o.address for o in lake.repository.objects.list(made.commit, "flights/")}
    assert held == {o.path: o.address for o in lake.repository.objects.list("flights-v1.0.0~0", "flights/")}


def test_hooks_are_those_that_main_has_now(lake):
    hook = b"name: none\non:\n  post-create-tag:\n    tags: [nothing]\nhooks:\n  - id: none\n    type: webhook\n    properties: {url: 'http://127.0.0.1:9/'}\n"
    lake.repository.branches.create("odd", "main")
    lake.repository.objects.put("odd", "_lakefs_actions/none.yaml", hook)
    lake.repository.commits.create("odd", "hooks")
    lake.repository.commits.merge("odd", "main", "hooks")
    made = make_release(lake, "q3", USES)
    assert lake.repository.objects.get(made.commit, "_lakefs_actions/none.yaml") == hook
    assert find_release(lake, "q3").note.inputs[1].dataset == "planes"


def test_a_hook_that_refuses_the_commit_leaves_nothing(lake):
    hook = (
        b"name: no\non:\n  pre-commit:\n    branches: ['compose-*']\nhooks:\n  - id: nobody-there\n    type: webhook\n"
        b"    properties: {url: 'http://127.0.0.1:9/', timeout: 1s}\n"
    )
    lake.repository.branches.create("odd", "main")
    lake.repository.objects.put("odd", "_lakefs_actions/no.yaml", hook)
    lake.repository.commits.create("odd", "hooks")
    lake.repository.commits.merge("odd", "main", "hooks")
    before = all_branches(lake)
    with pytest.raises(RejectedError):
        make_release(lake, "q3", USES)
    assert all_branches(lake) == before
    assert tags(lake) == ["flights-v1.0.0", "flights-v1.1.0", "planes-v1.0.0"]
    assert not list(lake.journals.glob("*.json"))


def test_versions_whose_lines_carry_other_hooks_are_composed(lake, tmp_path):
    def hook(number):
        return (
            f"name: hook{number}\non:\n  post-create-tag:\n    tags: [nothing]\nhooks:\n  - id: none\n    type: webhook\n"
            "    properties: {url: 'http://127.0.0.1:9/'}\n"
        ).encode()

    for number, dataset in enumerate(("flights", "planes")):
        lake.repository.branches.create(f"odd{number}", "main")
        lake.repository.objects.put(f"odd{number}", "_lakefs_actions/none.yaml", hook(number))
        lake.repository.commits.create(f"odd{number}", "hooks")
        lake.repository.commits.merge(f"odd{number}", "main", "hooks")
        ingest_files(lake, tmp_path, {"n": dataset.encode()}, dataset=dataset, allow_shrink=True)
    made = make_release(lake, "q3", ["flights@main", "planes@main"])
    assert lake.repository.objects.get(made.commit, "_lakefs_actions/none.yaml") == hook(1)


def test_a_version_that_was_rolled_back_to_can_be_released(lake):
    back = roll_back(lake, "flights", resolve(lake, "flights@1.0.0").ingest_commit)
    make_release(lake, "q3", ["flights", "planes"])
    assert find_release(lake, "q3").snapshots["flights"].version == back.version


def test_restored_in_one_piece(lake, tmp_path):
    make_release(lake, "q3", USES)
    target = tmp_path / "restored"
    report = restore_to(lake, find_release(lake, "q3").contents, target, state=lake.state)
    assert (report.action, report.files, report.ref, report.version) == ("created", 3, "release:q3", None)
    assert {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*") if p.is_file()} == {
        "flights/month=1/a.bin": b"one", "flights/month=2/b.bin": b"two", "planes/p.bin": b"plane",
    }  # fmt: skip
    assert restore_to(lake, find_release(lake, "q3").contents, target, state=lake.state).action == "unchanged"
    make_release(lake, "q4", ["flights@1.1.0", "planes"])
    again = restore_to(lake, find_release(lake, "q4").contents, target, state=lake.state)
    assert (again.action, again.downloaded, again.reused) == ("replaced", 1, 3)
    part = restore_to(
        lake, find_release(lake, "q4").contents, tmp_path / "part", include=["planes/*"], state=lake.state
    )
    assert part.files == 1


def test_a_damaged_version_is_not_released(fresh_engine, tmp_path):
    from support.forging import delete

    lake = make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")
    content = bytes(range(256)) * 4096
    ingest_files(lake, tmp_path, {"a.bin": content})
    delete(fresh_engine.root, content)
    with pytest.raises(RejectedError) as caught:
        make_release(lake, "q3", ["flights"])
    assert caught.value.kind == "not-restorable"
    assert [b for b in all_branches(lake) if "release" in b or "compose" in b] == []


def test_many_at_once_make_one_release(lake):
    done, failed = [], []

    def run(number):
        try:
            mine = replace(lake, state=lake.state / str(number))
            done.append(make_release(mine, "q3", USES if number % 2 else ["flights@1.1.0", "planes"]))
        except AlreadyExistsError as error:
            failed.append(error.kind)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 3
    assert failed == ["release-exists"] * 3
    assert len({r.commit for r in done}) == 1
    assert verify_release(lake, find_release(lake, "q3")).ok
    assert [b for b in all_branches(lake) if b.startswith("compose-")] == []
    assert leftovers(lake) == []


class Died(BaseException):
    """Stands for a SIGKILL inside this process."""


def die():
    raise Died


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_then_the_same_command_completes(lake, step):
    with pytest.raises(Died):
        make_release(replace(lake, progress=Watch(**{step: die})), "q3", USES)
    made = make_release(lake, "q3", USES)
    pinned_before = STEPS.index(step) > STEPS.index("pin")
    ended = step == "cleanup"
    assert made.outcome == ("unchanged" if ended else "resumed" if pinned_before else "created")
    assert verify_release(lake, find_release(lake, "q3")).ok
    assert [p for p in pins(lake) if "release" in p] == ["pin-release-q3"]
    assert [b for b in all_branches(lake) if b.startswith("compose-")] == []
    assert leftovers(lake) == []
    assert not list(lake.journals.glob("*.json"))
    assert make_release(lake, "q3", USES).outcome == "unchanged"


def test_a_tag_or_pin_that_was_moved_is_never_believed(lake):
    made = make_release(lake, "q3", USES)
    make_release(lake, "q4", ["flights@1.1.0", "planes"])
    lake.repository.tags.delete("release-q3")
    with pytest.raises(NotFoundError, match="pinned, but not tagged"):
        find_release(lake, "q3")
    lake.repository.tags.create("release-q3", "release-q4")
    with pytest.raises(IntegrityError) as caught:
        find_release(lake, "q3")
    assert caught.value.kind == "tag-moved"
    assert [i.problem for i in list_releases(lake)] == ["tag-moved", ""]
    with pytest.raises(IntegrityError):
        make_release(lake, "q3", USES)
    lake.repository.tags.delete("release-q3")
    assert make_release(lake, "q3", USES).outcome == "resumed"
    lake.repository.branches.delete("pin-release-q3")
    assert verify_release(lake, find_release(lake, "q3")).pin == "missing"
    assert make_release(lake, "q3", USES).outcome == "resumed"
    assert find_release(lake, "q3").pin == "held"
    assert find_release(lake, "q3").commit.id == made.commit


def test_an_ingest_that_runs_meanwhile_changes_nothing(lake, tmp_path):
    source = write_files(tmp_path / "later", {"month=9/z.bin": b"z"})

    def ingest_meanwhile():
        from lakefs_repro.ingest.ingest import ingest
        from lakefs_repro.ingest.request import IngestRequest

        ingest(lake, IngestRequest("flights", (source,), mode="append"))

    make_release(replace(lake, progress=Watch(commit=ingest_meanwhile)), "q3", USES)
    assert resolve(lake, "release:q3/flights").digest == resolve(lake, "flights@1.0.0").digest
    assert resolve(lake, "flights").version == "1.2.0"
