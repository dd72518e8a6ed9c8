"""Every finding and every repair, on real repositories over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from support.lakes import Watch, data_at, ingest_files, leftovers, make_context, pins, tags, write_files

import lakefs_repro
from lakefs_repro.doctor.diagnose import diagnose
from lakefs_repro.doctor.ingests import check_open_branches
from lakefs_repro.doctor.repair import repair
from lakefs_repro.errors import IntegrityError, InvalidError
from lakefs_repro.ingest.branch.opened import open_branch
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.ledger.append import has_record
from lakefs_repro.model.annotation import Annotation
from lakefs_repro.model.names import LEDGER_BRANCH, ingest_branch, new_ulid
from lakefs_repro.snapshot.line import first_commit, read_line

DRIVER = Path(__file__).parents[2] / "faults" / "ingest_driver.py"
NO_LEASE = timedelta(0)
PATTERNS = ("main", "pin-*", "repro-ledger")


@pytest.fixture
def ctx(engine, tmp_path):
    """A fresh repository, protected as `init` does it."""
    made = make_context(engine, engine.new_repository(), tmp_path / "state")
    made.repository.settings.protect(PATTERNS)
    return made


@pytest.fixture
def two_versions(ctx, tmp_path):
    """``flights@1.0.0`` and ``flights@1.1.0``."""
    return [ingest_files(ctx, tmp_path, files) for files in ({"a": b"1"}, {"a": b"1", "b": b"2"})]


class Died(BaseException):
    """Stands for a SIGKILL inside this process."""


def die():
    raise Died


def killed_at(ctx, tmp_path, step, files=None, **options) -> str:
    """An ingest that dies at a step, its journal unlocked as after a kill; its ULID."""
    source = write_files(tmp_path / os.urandom(4).hex(), files or {"new": b"n"})
    before = {p.name for p in ctx.journals.glob("*.json")}
    request = IngestRequest("flights", (source,), **{"mode": "append", **options})
    with pytest.raises(Died):
        ingest(replace(ctx, progress=Watch(**{step: die})), request)
    (journal,) = {p.name for p in ctx.journals.glob("*.json")} - before
    return journal.rpartition("-")[2].removesuffix(".json")


def elsewhere(ctx, tmp_path):
    """The same repository from another machine: no journals."""
    return replace(ctx, state=tmp_path / "another-machine")


def bad(diagnosis) -> list[str]:
    return [f"{f.check}: {f.message}" for f in diagnosis if f.state != "ok"]


def one(diagnosis, check, state="problem"):
    (found,) = [f for f in diagnosis if f.check == check and f.state == state]
    return found


def repaired(ctx, finding, **options) -> str:
    """Repair, see that it is gone, and that doing it again changes nothing."""
    said = repair(ctx, finding, **options)
    assert not [f for f in diagnose(ctx, **options) if f.repair == finding.repair]
    assert repair(ctx, finding, **options).startswith("Nothing to do any more")
    return said


def test_a_sound_repository_has_nothing_but_ok(ctx, two_versions):
    diagnosis = diagnose(ctx)
    assert bad(diagnosis) == []
    assert diagnosis.ok
    assert not diagnosis.repairable
    assert {f.check for f in diagnosis} == {
        "endpoint", "credentials", "server-version", "storage", "clock", "repository", "writing", "protection",
        "main-clean", "ledger", "ingest", "retained", "version", "foreign-change",
    }  # fmt: skip
    assert any("2 versions" in f.message for f in diagnosis)
    assert not [b.name for b in ctx.repository.branches.list("doctor-")]


def test_with_rules_the_server_is_asked_what_it_would_keep(ctx, engine, two_versions):
    rules = {"default_retention_days": 1, "branches": []}
    path = f"/repositories/{ctx.repository.name}/settings/gc_rules"
    assert engine.call("PUT", path, json=rules).status == 204
    (said,) = [f.message for f in diagnose(ctx) if f.check == "retained"]
    if engine.name == "lakefs" and engine.namespace_prefix.startswith("local:"):
        assert "unproven" in said
    else:
        assert said == "The server says that garbage collection keeps all 2 versions today."


def test_a_repository_without_an_ingest_is_sound(ctx):
    assert bad(diagnose(ctx)) == []


def test_diagnosing_changes_nothing(ctx, two_versions):
    before = [(b.name, b.commit) for b in ctx.repository.branches.list()], tags(ctx)
    diagnose(ctx)
    assert ([(b.name, b.commit) for b in ctx.repository.branches.list()], tags(ctx)) == before


def test_a_dataset_that_is_not_there_is_named(ctx, two_versions):
    assert "'trains'" in one(diagnose(ctx, dataset="trains"), "dataset").message


def test_a_repository_that_is_not_there_ends_the_list(engine, tmp_path):
    ctx = make_context(engine, "no-such-repository", tmp_path)
    diagnosis = diagnose(ctx)
    assert one(diagnosis, "repository").hint.startswith("make it with `lakefs-repro init`")
    assert diagnosis.findings[-1].check == "repository"


def test_a_main_branch_that_is_not_there_is_named(ctx):
    assert "'trunk'" in one(diagnose(replace(ctx, main="trunk")), "repository").message


def test_a_server_that_went_away_is_a_finding(ctx):
    gone = make_dead(ctx)
    assert [f.check for f in diagnose(gone)] == ["endpoint"]


def make_dead(ctx):
    from lakefs_repro.lake.endpoint import Endpoint
    from lakefs_repro.lake.repository import Server
    from lakefs_repro.lake.wire import Wire

    return replace(ctx, repository=Server(Wire(Endpoint("http://127.0.0.1:1", "k", "s"))).repository("r"))


def test_missing_protection_is_added_and_others_rules_stay(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path)
    ctx.repository.settings.protect(("release-*",))
    found = one(diagnose(ctx), "protection", "warning")
    assert repaired(ctx, found).startswith("Protected main, pin-*, repro-ledger")
    assert set(ctx.repository.settings.protected()) == {"release-*", *PATTERNS}


def test_a_wider_protection_is_enough(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path)
    ctx.repository.settings.protect(("*",))
    assert one(diagnose(ctx, try_writing=False), "protection", "ok")


def test_a_pattern_that_breaks_writes_is_named(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path)
    ctx.repository.settings.protect(("x[", *PATTERNS))
    assert "'x['" in one(diagnose(ctx, try_writing=False), "protection").message


def test_a_server_that_refuses_writes_is_named(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path)
    ctx.repository.settings.protect(("doctor-*",))
    deadline = time.monotonic() + 90  # a real lakeFS takes up to a minute to heed a rule
    while not (found := [f for f in diagnose(ctx) if f.check == "writing" and f.state == "problem"]):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert "written" in found[0].message
    assert not list(ctx.repository.branches.list("doctor-"))


def test_what_is_staged_on_main_is_named(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path)
    ctx.repository.objects.put("main", "flights/stray.csv", b"x")
    found = one(diagnose(ctx), "main-clean")
    assert "flights/stray.csv" in found.message
    assert "lakectl branch reset" in found.hint
    assert found.repair is None


def test_a_missing_pin_is_made_again_at_the_ingest_commit(ctx, two_versions):
    ctx.repository.branches.delete("pin-flights-v1_0_0")
    found = one(diagnose(ctx), "pin")
    assert "flights@1.0.0" in found.message
    assert "can still be read" in repaired(ctx, found)
    assert ctx.repository.branches.get("pin-flights-v1_0_0").commit == two_versions[0].ingest_commit
    assert bad(diagnose(ctx)) == []


def test_a_moved_pin_is_put_back(ctx, two_versions):
    ctx.repository.branches.delete("pin-flights-v1_0_0")
    ctx.repository.branches.create("pin-flights-v1_0_0", two_versions[1].ingest_commit, hidden=True)
    found = one(diagnose(ctx), "pin")
    assert "was moved" in found.message
    assert "was moved" not in repaired(ctx, found)
    assert ctx.repository.branches.get("pin-flights-v1_0_0").commit == two_versions[0].ingest_commit
    assert not list(ctx.repository.branches.list("doctor-"))
    assert bad(diagnose(ctx)) == []


def test_a_pin_that_others_wrote_to_is_a_moved_one(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    first = ingest_files(ctx, tmp_path, {"a": b"1"})
    ctx.repository.objects.put("pin-flights-v1_0_0", "flights/more", b"x")
    ctx.repository.commits.create("pin-flights-v1_0_0", "an unwelcome commit")
    found = one(diagnose(ctx), "pin")
    assert "an unwelcome commit" in found.message
    repaired(ctx, found)
    assert ctx.repository.branches.get("pin-flights-v1_0_0").commit == first.ingest_commit


def test_a_moved_pin_stays_when_the_data_of_its_commit_is_gone(fresh_engine, tmp_path):
    ctx = make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")
    ingest_files(ctx, tmp_path, {"a": os.urandom(1 << 20)})
    second = ingest_files(ctx, tmp_path, {"a": b"2"})
    ctx.repository.branches.delete("pin-flights-v1_0_0")
    ctx.repository.branches.create("pin-flights-v1_0_0", second.ingest_commit, hidden=True)
    largest = max((p for p in fresh_engine.root.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    assert largest.stat().st_size >= 1 << 20
    largest.unlink()
    found = one(diagnose(ctx), "pin")
    with pytest.raises(IntegrityError) as caught:
        repair(ctx, found)
    assert "left where it is" in caught.value.message
    assert ctx.repository.branches.get("pin-flights-v1_0_0").commit == second.ingest_commit
    assert not list(ctx.repository.branches.list("doctor-"))


def test_a_missing_pin_whose_data_is_gone_is_made_and_says_so(fresh_engine, tmp_path):
    ctx = make_context(fresh_engine, fresh_engine.new_repository(), tmp_path / "state")
    ingest_files(ctx, tmp_path, {"a": os.urandom(1 << 20)})
    max((p for p in fresh_engine.root.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size).unlink()
    ctx.repository.branches.delete("pin-flights-v1_0_0")
    assert "came too late" in repair(ctx, one(diagnose(ctx), "pin"))


def test_a_tag_made_again_elsewhere_is_named_and_not_touched(ctx, two_versions):
    ctx.repository.tags.delete("flights-v1.0.0")
    ctx.repository.tags.create("flights-v1.0.0", "main")
    found = one(diagnose(ctx), "version")
    assert "holds flights@1.1.0" in found.message
    assert two_versions[0].commit in found.hint
    assert found.repair is None


def test_a_tag_made_by_hand_is_named(ctx, two_versions):
    ctx.repository.tags.create("flights-v3.0.0", first_commit(ctx, "main").id)
    found = one(diagnose(ctx), "version")
    assert "held nothing of flights yet" in found.message
    assert "lakectl tag delete" in found.hint


def test_a_tag_outside_of_main_is_named(ctx, two_versions):
    ctx.repository.tags.create("flights-v3.0.0", two_versions[0].ingest_commit)
    assert "no commit of main" in one(diagnose(ctx), "version").message


def test_a_forged_merge_that_pin_and_tag_disagree_about_is_named(ctx, tmp_path, two_versions):
    real = ctx.repository.commits.get(two_versions[1].ingest_commit)
    ctx.repository.branches.create("forged", first_commit(ctx, "main").id)
    ctx.repository.objects.put("forged", "elsewhere/x", b"x")
    forged = ctx.repository.commits.create("forged", "forged", real.metadata)
    said = replace(Annotation.decode(real.metadata), commit=forged.id)
    merge = ctx.repository.commits.merge(forged.id, "main", "forged", said.encode())
    ctx.repository.tags.delete("flights-v1.1.0")
    ctx.repository.tags.create("flights-v1.1.0", merge)
    diagnosis = diagnose(ctx)
    assert any("disagree" in f.message and f.repair is None for f in diagnosis if f.check == "pin")


def test_an_annotation_that_no_ingest_made_is_named(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    first = ingest_files(ctx, tmp_path, {"a": b"1"})
    ctx.repository.objects.put("main", "elsewhere/x", b"x")
    forged = ctx.repository.commits.create(
        "main", "looks right", ctx.repository.commits.get(first.ingest_commit).metadata
    )
    found = one(diagnose(ctx), "annotation")
    assert forged.id[:12] in found.message


def test_a_version_whose_tag_was_deleted_is_tagged_again(ctx, two_versions):
    ctx.repository.tags.delete("flights-v1.0.0")
    found = one(diagnose(ctx), "version")
    assert "Tagged flights-v1.0.0" in repaired(ctx, found)
    assert ctx.repository.tags.get("flights-v1.0.0").commit == two_versions[0].commit
    assert bad(diagnose(ctx)) == []


def test_the_latest_version_without_tag_pin_and_record_gets_them_all(ctx, two_versions):
    ctx.repository.tags.delete("flights-v1.1.0")
    ctx.repository.branches.delete("pin-flights-v1_1_0")
    repaired(ctx, one(diagnose(ctx), "version"))
    assert pins(ctx) == ["pin-flights-v1_0_0", "pin-flights-v1_1_0"]
    assert bad(diagnose(ctx)) == []


def test_an_older_version_removed_whole_is_a_warning_without_repair(ctx, two_versions):
    ctx.repository.tags.delete("flights-v1.0.0")
    ctx.repository.branches.delete("pin-flights-v1_0_0")
    found = one(diagnose(ctx), "version", "warning")
    assert "neither tag nor pin" in found.message
    assert found.repair is None


def test_a_missing_record_is_written_from_the_commits(ctx, two_versions):
    head = ctx.repository.branches.get(LEDGER_BRANCH).commit
    ctx.repository.branches.delete(LEDGER_BRANCH)
    ctx.repository.branches.create(LEDGER_BRANCH, f"{head}~1", hidden=True)
    found = one(diagnose(ctx), "record")
    assert "flights@1.1.0" in found.message
    repaired(ctx, found)
    assert has_record(ctx.repository, two_versions[1].ingest)
    assert bad(diagnose(ctx)) == []


def test_a_deleted_ledger_comes_back_where_main_saw_it_last(ctx, tmp_path, two_versions):
    ingest_files(ctx, tmp_path, {"a": b"3"})
    ctx.repository.branches.delete(LEDGER_BRANCH)
    found = one(diagnose(ctx), "ledger")
    repaired(ctx, found)
    assert all(has_record(ctx.repository, v.ingest) for v in two_versions)
    record = one(diagnose(ctx), "record")
    repaired(ctx, record)
    assert bad(diagnose(ctx)) == []


def test_a_rewritten_ledger_is_named(ctx, tmp_path, two_versions):
    root = first_commit(ctx, "main").id
    ctx.repository.branches.delete(LEDGER_BRANCH)
    ctx.repository.branches.create(LEDGER_BRANCH, root, hidden=True)
    found = one(diagnose(ctx), "ledger")
    assert "rewritten" in found.message
    assert found.repair is None


def test_a_foreign_commit_is_named_with_its_committer(engine, tmp_path):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    ingest_files(ctx, tmp_path, {"a": b"1"})
    ingest_files(ctx, tmp_path, {"t": b"1"}, dataset="trains")
    ctx.repository.objects.put("main", "flights/uninvited", b"x")
    foreign = ctx.repository.commits.create("main", "quick fix")
    diagnosis = diagnose(ctx)
    found = one(diagnosis, "foreign-change")
    assert foreign.id[:12] in found.message
    assert "quick fix" in found.message
    assert "flights/uninvited" in found.message
    assert "revert" in found.hint
    assert one(diagnosis, "foreign-change", "ok").message.startswith("trains")
    assert not [f for f in diagnose(ctx, dataset="trains") if f.check == "foreign-change" and f.state != "ok"]


@pytest.mark.parametrize("step", ["upload", "commit", "pin", "merge"])
def test_a_dead_ingest_of_this_machine_is_cleaned_up(ctx, tmp_path, two_versions, step):
    killed_at(ctx, tmp_path, step)
    found = one(diagnose(ctx), "ingest", "warning")
    assert repaired(ctx, found).startswith("Removed what was left")
    assert leftovers(ctx) == []
    assert len(pins(ctx)) == 2
    assert not list(ctx.journals.glob("*.json"))
    assert bad(diagnose(ctx)) == []


@pytest.mark.parametrize("step", ["recheck", "tag", "ledger", "cleanup"])
def test_a_dead_ingest_that_main_holds_is_finished(ctx, tmp_path, two_versions, step):
    ulid = killed_at(ctx, tmp_path, step)
    found = one(diagnose(ctx), "ingest")
    assert repaired(ctx, found).startswith("Finished")
    assert tags(ctx)[-1] == "flights-v1.2.0"
    assert has_record(ctx.repository, ulid)
    assert leftovers(ctx) == []
    assert bad(diagnose(ctx)) == []


@pytest.mark.parametrize("step", ["commit", "pin", "merge", "tag", "ledger"])
def test_an_ingest_of_another_machine_is_left_alone_until_its_lease_runs_out(ctx, tmp_path, two_versions, step):
    killed_at(ctx, tmp_path, step)
    there = elsewhere(ctx, tmp_path)
    before = [(b.name, b.commit) for b in there.repository.branches.list()]
    diagnosis = diagnose(there)
    found = one(diagnosis, "ingest", "warning")
    assert "may be alive elsewhere" in found.message
    assert "UTC" in found.hint
    assert diagnosis.repairable == ()
    assert [(b.name, b.commit) for b in there.repository.branches.list()] == before
    expired = diagnose(there, lease=NO_LEASE)
    for each in expired.repairable:
        repair(there, each, lease=NO_LEASE)
    assert bad(diagnose(there)) == []
    assert leftovers(there) == []


def test_an_old_branch_without_a_sign_of_life_has_expired(ctx, two_versions):
    old = new_ulid(int((datetime.now(tz=timezone.utc) - timedelta(hours=25)).timestamp() * 1000), os.urandom(10))
    ctx.repository.branches.create(ingest_branch("flights", old), read_line(ctx, "flights").head.id, hidden=True)
    found = one(diagnose(ctx), "ingest", "warning")
    assert "lease has run out" in found.message
    repaired(ctx, found)


def test_an_upload_that_still_goes_on_is_alive_however_old_its_ulid(ctx, two_versions):
    old = new_ulid(int((datetime.now(tz=timezone.utc) - timedelta(hours=25)).timestamp() * 1000), os.urandom(10))
    branch = ingest_branch("flights", old)
    ctx.repository.branches.create(branch, read_line(ctx, "flights").head.id, hidden=True)
    ctx.repository.objects.put(branch, "flights/big", b"still coming")
    assert "may be alive" in one(diagnose(ctx), "ingest", "warning").message


def test_a_clock_that_runs_ahead_ends_no_lease(ctx, tmp_path, two_versions):
    killed_at(ctx, tmp_path, "commit")
    ahead = replace(elsewhere(ctx, tmp_path), now=lambda: datetime.now(tz=timezone.utc) + timedelta(days=3))
    assert diagnose(ahead).repairable == ()


def test_a_live_ingest_is_ok_and_never_touched(engine, ctx, tmp_path, two_versions):
    source = write_files(tmp_path / "live", {"a": b"1", "b": b"2", "c": b"3"})
    flag = tmp_path / "flag"
    with LiveTwin(engine, ctx, source, flag, "merge") as twin:
        diagnosis = diagnose(ctx, lease=NO_LEASE)
        assert "under way" in one([f for f in diagnosis if f.check == "ingest"], "ingest", "ok").message
        assert diagnosis.repairable == ()
        branches = [(b.name, b.commit) for b in ctx.repository.branches.list()]
        stale = found_dead(ctx, tmp_path)
        assert repair(ctx, stale, lease=NO_LEASE).startswith("Nothing to do any more")
        assert [(b.name, b.commit) for b in ctx.repository.branches.list()] == branches
        Path(f"{flag}.go").touch()
        assert twin.wait(60) == 0
    assert tags(ctx)[-1] == "flights-v1.2.0"
    assert bad(diagnose(ctx)) == []


def found_dead(ctx, tmp_path):
    """The finding of a live ingest by somebody who can't see its journal."""
    there = elsewhere(ctx, tmp_path)
    return one(diagnose(there, lease=NO_LEASE), "ingest", "warning")


class LiveTwin:
    """An ingest in another process, which waits at a step."""

    def __init__(self, engine, ctx, source, flag, step):
        said = {
            "engine": {"endpoint": engine.endpoint, "access_key_id": engine.access_key_id,
                       "secret_access_key": engine.secret_access_key, "name": engine.name},
            "repository": ctx.repository.name, "source": str(source), "state": str(ctx.state), "wait": step,
            "flag": str(flag),
        }  # fmt: skip
        paths = [str(Path(lakefs_repro.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            [sys.executable, str(DRIVER), json.dumps(said)],
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        self.flag = Path(f"{flag}.reached")

    def __enter__(self):
        deadline = time.monotonic() + 60
        while not self.flag.exists():
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return self.process

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def test_a_reservation_whose_branch_is_gone_is_given_back(ctx, tmp_path, two_versions):
    ulid = killed_at(ctx, tmp_path, "merge")
    ctx.repository.branches.delete(ingest_branch("flights", ulid))
    there = elsewhere(ctx, tmp_path)
    assert "reserved" in one(diagnose(there), "pin", "warning").message
    assert diagnose(there).repairable == ()
    found = one(diagnose(ctx), "pin", "warning")
    assert repaired(ctx, found) == "Gave flights@1.2.0 back."
    assert len(pins(ctx)) == 2


def test_a_merged_version_whose_branch_is_gone_is_finished(ctx, tmp_path, two_versions):
    ulid = killed_at(ctx, tmp_path, "tag")
    ctx.repository.branches.delete(ingest_branch("flights", ulid))
    repaired(ctx, one(diagnose(ctx), "version"))
    assert tags(ctx)[-1] == "flights-v1.2.0"
    assert bad(diagnose(ctx)) == []


def test_a_pin_of_nobody_is_named_and_left(ctx, two_versions):
    ctx.repository.branches.create("pin-flights-v9_0_0", "main", hidden=True)
    found = one(diagnose(ctx), "pin", "warning")
    assert "no pin of ours" in found.message
    assert found.repair is None


def test_a_branch_that_is_open_is_noted_and_after_a_month_asked_about(ctx, two_versions):
    opened = open_branch(ctx, "flights", "nightly")
    ctx.repository.objects.put(opened.branch, "flights/c", b"3")
    found = one(diagnose(ctx), "open-branch", "ok")
    assert f"{opened.branch} is open from flights@1.1.0" in found.message
    assert "something is staged" in found.message
    (later,) = check_open_branches(ctx, datetime.now(tz=timezone.utc) + timedelta(days=31), None)
    assert (later.state, later.repair) == ("warning", None)
    assert f"lakefs-repro branch finish {opened.branch}" in later.hint
    assert not list(check_open_branches(ctx, datetime.now(tz=timezone.utc), "trains"))


@pytest.mark.parametrize("kind", ["ledger", "doctor", "tree"])
def test_a_stray_scratch_branch_is_deleted_after_its_lease(ctx, two_versions, kind):
    now = int(datetime.now(tz=timezone.utc).timestamp() * 1000)
    young = f"{kind}-{new_ulid(now, os.urandom(10)).lower()}"
    old = f"{kind}-{new_ulid(now - 25 * 3_600_000, os.urandom(10)).lower()}"
    for name in (young, old):
        ctx.repository.branches.create(name, LEDGER_BRANCH if kind == "ledger" else "main", hidden=True)
    diagnosis = diagnose(ctx)
    assert {f.state for f in diagnosis if f.check == "stray-branch"} == {"warning"}
    (found,) = diagnosis.repairable
    assert repaired(ctx, found) == f"Deleted {old}."
    assert [b.name for b in ctx.repository.branches.list(f"{kind}-")] == [young]


def test_versions_of_one_dataset_are_looked_at_alone(ctx, tmp_path, two_versions):
    ingest_files(ctx, tmp_path, {"t": b"1"}, dataset="trains")
    ctx.repository.branches.delete("pin-trains-v1_0_0")
    assert bad(diagnose(ctx, dataset="flights")) == []
    assert len(bad(diagnose(ctx))) == 1


def test_nothing_that_was_validated_changes_by_repairs(ctx, tmp_path, two_versions):
    ctx.repository.branches.delete("pin-flights-v1_0_0")
    ctx.repository.tags.delete("flights-v1.1.0")
    killed_at(ctx, tmp_path, "pin")
    main, data = ctx.repository.branches.get("main").commit, data_at(ctx, "main")
    for found in diagnose(ctx).repairable:
        repair(ctx, found)
    assert ctx.repository.branches.get("main").commit == main
    assert data_at(ctx, "main") == data
    assert bad(diagnose(ctx)) == []


def test_a_finding_without_a_repair_is_refused(ctx, two_versions):
    with pytest.raises(InvalidError) as caught:
        repair(ctx, diagnose(ctx).findings[0])
    assert caught.value.kind == "no-repair"


def test_a_diagnosis_turns_into_json(ctx, two_versions):
    ctx.repository.branches.delete("pin-flights-v1_0_0")
    said = diagnose(ctx).to_json()
    assert said["ok"] is False
    (pin,) = [f for f in said["findings"] if f["check"] == "pin"]
    assert pin["repair"]["action"] == "create-pin"
    assert pin["repair"]["version"] == "1.0.0"


def test_more_versions_take_no_more_requests(ctx, tmp_path, two_versions):
    before = requests_of(ctx)
    for number in range(8):
        ingest_files(ctx, tmp_path, {"a": b"%d" % number})
    assert requests_of(ctx) == before


def requests_of(ctx) -> int:
    calls = 0
    real = ctx.repository.wire.call

    def count(*args, **kwargs):
        nonlocal calls
        calls += 1
        return real(*args, **kwargs)

    ctx.repository.wire.call = count
    try:
        diagnose(ctx, try_writing=False)
    finally:
        ctx.repository.wire.call = real
    return calls
