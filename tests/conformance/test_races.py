"""What exactly one of many may do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

WORKERS = 16


def _race(work):
    with ThreadPoolExecutor(WORKERS) as pool:
        return sorted(answer.status for answer in pool.map(work, range(WORKERS)))


def test_one_of_many_makes_the_tag(repo):
    assert _race(lambda _: repo.tag("v1")) == [201] + [409] * (WORKERS - 1)


def test_one_of_many_makes_the_branch(repo):
    assert _race(lambda _: repo.branch("work")) == [201] + [409] * (WORKERS - 1)


def test_one_of_many_makes_the_object(repo):
    star = {"If-None-Match": "*"}
    assert _race(lambda n: repo.put("a", str(n).encode(), headers=star)) == [201] + [412] * (WORKERS - 1)


def test_objects_staged_by_many_are_all_there(repo):
    assert _race(lambda n: repo.put(f"f{n}", str(n).encode())) == [201] * WORKERS
    assert repo.commit().status == 201
    assert [repo.get(f"f{n}").data for n in range(WORKERS)] == [str(n).encode() for n in range(WORKERS)]


def test_one_of_many_takes_the_branch_or_the_tag_away(embedded_repo):
    """The embedded engine's own promise: of a real lakeFS several may be told that they did it."""
    repo = embedded_repo
    assert (repo.branch("work").status, repo.tag("v1").status) == (201, 201)
    for path in ("/branches/work", "/tags/v1"):
        assert _race(lambda _, path=path: repo.call("DELETE", path)) == [204] + [404] * (WORKERS - 1)
