import pytest

from lakefs_repro import connect
from lakefs_repro.ingest.branch.source import BranchSource, FromBranch
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest


@pytest.fixture
def written(flights):
    """What a project's colleagues wrote to a branch of their own."""
    repository = flights.server.repository(flights.repository)
    repository.branches.create("spark", "main")
    for n in range(20):
        repository.objects.put("spark", f"flights/day{n}.csv", b"day,carrier\n%d,UA\n" % n)
    repository.objects.put("spark", "flights/_SUCCESS", b"")
    repository.commits.create("spark", "written by Spark")
    return flights


def test_a_branch_is_hashed_once(written):
    said = written.run("hash", "spark", "--dataset", "flights")
    assert said.code == 0, said
    assert said.out.startswith("what spark has new for flights is hashed\n")
    assert "20 objects" in said.out
    assert "1 object" in said.out.partition("left out")[2]
    again = written.run("hash", "spark", "--json").json
    assert (again["objects"], again["hashed"], again["known"], again["excluded"]) == (20, 0, 20, 1)
    assert (again["shard"], again["shards"], again["ref"], again["dataset"]) == (1, 1, "spark", "flights")


def test_shares_are_all_of_it_and_nothing_twice(written):
    told = [written.run("hash", "spark", "--shard", f"{n}/3", "--json").json for n in (1, 2, 3)]
    assert sum(one["objects"] for one in told) == 20
    assert sum(one["hashed"] for one in told) == 20
    assert len({one["commit"] for one in told}) == 1
    assert written.run("hash", "spark", "--json").json["known"] == 20


def test_the_finish_reads_nothing_that_workers_hashed_and_tidies_up(written):
    commit = written.run("hash", "spark", "--json").json["commit"]
    repository = written.server.repository(written.repository)
    assert [b.name for b in repository.branches.list("hashes-")] == ["hashes-flights"]
    context = connect().context
    source = BranchSource(context, FromBranch("flights", "spark"))
    made = ingest(context, IngestRequest("flights", (), source=source))
    assert (made.outcome, made.hashed, made.reused, made.uploaded) == ("created", 0, 22, 0)
    shown = written.run("show", "flights", "--json").json
    assert shown["annotation"]["sha256_by"] == "client,worker"
    assert shown["annotation"]["extra"]["repro.from_commit"] == commit
    assert "hashed by  client,worker" in written.run("show", "flights").out
    assert written.run("log", "flights", "--json").json["entries"][0]["sha256_by"] == "client,worker"
    assert [b.name for b in repository.branches.list("hashes-")] == []


def test_a_commit_may_be_named(written):
    repository = written.server.repository(written.repository)
    head = repository.branches.get("spark").commit
    repository.objects.put("spark", "flights/later.csv", b"day,carrier\n1,UA\n")
    staged = written.run("hash", "spark", "--json")
    assert staged.json["objects"] == 20
    assert "nobody has committed" in staged.err
    repository.commits.create("spark", "more")
    assert written.run("hash", "spark", "--commit", head, "--json").json["objects"] == 20
    assert written.run("hash", head[:16], "--json").json["objects"] == 20
    assert written.run("hash", "spark", "--json").json["objects"] == 21


@pytest.mark.parametrize("share", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3"])
def test_a_share_that_is_none_is_a_wrong_request(written, share):
    said = written.run("hash", "spark", f"--shard={share}", "--json")
    assert (said.code, said.error["kind"]) == (2, "bad-shard")


def test_a_branch_that_is_not_there_is_exit_3(written):
    said = written.run("hash", "nobodys", "--json")
    assert (said.code, said.error["kind"]) == (3, "branch-not-found")
