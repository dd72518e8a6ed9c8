"""All the filters of the log at once, on one history, by both engines."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

START = 1_700_000_000


def iso(second: int) -> str:
    return datetime.fromtimestamp(START + second, timezone.utc).isoformat().replace("+00:00", "Z")


class History:
    """Two branches, a merge and a squashed merge, with dates that do not rise; commits by name."""

    def __init__(self, repo) -> None:
        self.repo = repo
        self.ids = {"root": repo.call("GET", "/branches/main").json["commit_id"]}
        self.commit("one", 100, {"a": b"1", "d/x": b"1", "d/e/z": b"1"})
        self.commit("two", 200, {"d/x": b"2"})
        repo.branch("dev")
        self.commit("three", 300, {"d/n": b"1"}, branch="dev")
        self.commit("four", 250, {"g": b"1"})
        self.commit("five", 400, {"a": None})
        self.ids["merge"] = repo.merge("dev", message="merge").json["reference"]
        self.commit("six", 500, {"d/x": b"3"}, branch="dev")
        self.commit("seven", 600, {"h": b"1"})
        squashed = repo.merge("dev", message="squash", squash_merge=True)
        self.ids["squash"] = squashed.json["reference"]
        repo.tag("t1", self.ids["two"])

    def commit(self, name: str, second: int, files, *, branch: str = "main") -> None:
        for path, data in files.items():
            _ = self.repo.delete(path, branch=branch) if data is None else self.repo.put(path, data, branch=branch)
        made = self.repo.commit(name, branch=branch, date=START + second)
        assert made.status == 201, made.data
        self.ids[name] = made.json["id"]

    def named(self, value):
        """``value`` with the names in place of ids."""
        return next((name for name, identifier in self.ids.items() if identifier == value), value)

    def log(self, ref: str, fields) -> tuple[int, object]:
        sent = {key: self.ids.get(value, value) if isinstance(value, str) else value for key, value in fields.items()}
        answer = self.repo.call("GET", f"/refs/{self.ids.get(ref, ref)}/commits", fields=sent)
        if answer.status != 200:
            return answer.status, answer.message
        pagination = answer.json["pagination"]
        shown = [self.named(each["id"]) for each in answer.json["results"]]
        return 200, (shown, pagination["has_more"], self.named(pagination["next_offset"]))


@pytest.fixture(scope="module")
def histories(embedded_engine, lakefs_engine, repository_on):
    return [History(repository_on(engine)) for engine in (embedded_engine, lakefs_engine)]


_commits = st.sampled_from(["one", "two", "four", "merge", "squash", "t1", "dev", "none"])
_fields = st.fixed_dictionaries(
    {},
    optional={
        "objects": st.lists(st.sampled_from(["a", "d/x", "d/n", "nope"]), min_size=1, max_size=2),
        "prefixes": st.lists(st.sampled_from(["d/", "d", "d/e/", "g", "zz"]), min_size=1, max_size=2),
        "since": st.sampled_from([iso(150), iso(300), iso(450), iso(10**8)]),
        "stop_at": _commits,
        "after": _commits,
        "first_parent": st.sampled_from(["true", "false"]),
        "limit": st.sampled_from(["true", "false"]),
        "amount": st.sampled_from([0, 1, 2, 5]),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(ref=st.sampled_from(["main", "dev", "t1", "merge", "main~1", "main@"]), fields=_fields)
def test_the_log_is_the_same(histories, ref, fields):
    embedded, lakefs = histories
    assert embedded.log(ref, fields) == lakefs.log(ref, fields)
