"""Importing files of the server's own machine, without copying them."""

from __future__ import annotations

import hashlib
import os
import time

import pytest

_POLL = 0.02
_PATIENCE = 30


def location(path, destination, kind="common_prefix"):
    return {"path": str(path) if "://" in str(path) else f"local://{path}", "destination": destination, "type": kind}


class Importer:
    """A fresh repository, and a fresh folder to import from."""

    def __init__(self, repo, folder) -> None:
        self.engine = repo.engine
        self.folder = folder
        self.repo = repo

    def write(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def start(self, *locations, message="import", branch="main", metadata=None, **more):
        commit = {"message": message, **({} if metadata is None else {"metadata": metadata})}
        body = {"paths": list(locations), "commit": commit, **more}
        return self.repo.call("POST", f"/branches/{branch}/import", json=body)

    def status(self, import_id, branch="main"):
        return self.repo.call("GET", f"/branches/{branch}/import", fields={"id": import_id})

    def cancel(self, import_id):
        return self.repo.call("DELETE", "/branches/main/import", fields={"id": import_id})

    def done(self, *locations, **options):
        """Import, and wait for the end of it: the last status."""
        started = self.start(*locations, **options)
        assert started.status == 202, started.data
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            status = self.status(started.json["id"]).json
            if status["completed"] or "error" in status:
                return {**status, "id": started.json["id"]}
            time.sleep(_POLL)
        pytest.fail("the import does not end")


@pytest.fixture
def importer(importing, repository_on, tmp_path):
    engine, folder = importing
    own = folder / tmp_path.name
    own.mkdir()
    return Importer(repository_on(engine), own)


def test_folder_becomes_a_prefix_by_one_commit(importer):
    repo, folder = importer.repo, importer.folder
    files = {"1.txt": b"one", "sub/2.bin": b"two", "sub/deep/ü x": b"three", "zero": b""}
    for name, data in files.items():
        importer.write(name, data)
    repo.committed({"imp/old": b"old", "keep": b"kept"})
    head = repo.call("GET", "/branches/main").json["commit_id"]
    status = importer.done(location(f"{folder}/", "imp/"), message="hello", metadata={"a": "b"})
    assert status["completed"] is True
    assert status["ingested_objects"] == 4
    assert status["metarange_id"] == status["commit"]["meta_range_id"]
    assert status["update_time"].endswith("Z")
    commit = repo.call("GET", "/commits/main").json
    assert commit == status["commit"]
    assert (commit["message"], commit["parents"], commit["committer"]) == ("hello", [head], "admin")
    assert commit["metadata"] == {".lakefs.merge.strategy": "source-wins", "a": "b"}
    assert repo.paths("main") == ["imp/1.txt", "imp/sub/2.bin", "imp/sub/deep/ü x", "imp/zero", "keep"]
    for name, data in files.items():
        assert repo.get(f"imp/{name}").data == data
        stats = repo.stat(f"imp/{name}").json
        assert stats["checksum"] == hashlib.md5(data).hexdigest()
        assert (stats["size_bytes"], stats["content_type"]) == (len(data), "application/octet-stream")
        assert stats["mtime"] == int((folder / name).stat().st_mtime)
        assert stats["physical_address"].endswith(str(folder / name))
    assert repo.staged() == []


def test_one_file(importer):
    path = importer.write("a", b"data")
    assert importer.done(location(path, "d/x", "object"))["ingested_objects"] == 1
    assert importer.repo.get("d/x").data == b"data"


def test_several_at_once_and_the_later_one_wins(importer):
    one, two = importer.write("one", b"1"), importer.write("s/two", b"2")
    status = importer.done(
        location(one, "x", "object"),
        location(two, "x", "object"),
        location(two.parent, "p"),
        location(one, "o", "object"),
    )
    assert status["ingested_objects"] == 4
    found = {path: importer.repo.get(path).data for path in importer.repo.paths("main")}
    # lakeFS does not say which of two wins, and it is not always the same one.
    assert found.pop("x") in ({b"2"} if importer.engine.name == "embedded" else {b"1", b"2"})
    assert found == {"p/two": b"2", "o": b"1"}


def test_everything_that_begins_with_the_destination_is_replaced(importer):
    importer.repo.committed(dict.fromkeys(["p", "p/x", "pq", "o", "o/x", "oz", "a"], b"old"))
    path = importer.write("s/f", b"new")
    importer.done(location(path.parent, "p"), location(path, "o", "object"))
    assert importer.repo.paths("main") == ["a", "o", "p/f"]
    importer.done(location(path.parent, ""))
    assert importer.repo.paths("main") == ["f"]


def test_hidden_files_and_links_are_passed_over(importer, tmp_path):
    for name in (".hidden", ".folder/x", "plain"):
        importer.write(f"s/{name}", b"x")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret").write_bytes(b"secret")
    (importer.folder / "s" / "link").symlink_to(tmp_path / "out" / "secret")
    (importer.folder / "s" / "folder").symlink_to(tmp_path / "out")
    (importer.folder / "s" / "broken").symlink_to("nowhere")
    assert importer.done(location(importer.folder / "s", "p/"))["ingested_objects"] == 1
    assert importer.repo.paths("main") == ["p/plain"]


def test_imported_again(importer):
    path = importer.write("s/a", b"one")
    importer.done(location(path.parent, "p/"))
    first = importer.repo.call("GET", "/branches/main").json["commit_id"]
    importer.done(location(path.parent, "p/"))
    assert importer.repo.log("main")[:2] == ["import", "import"]
    assert importer.repo.diff(first, "main") == []
    moved = importer.folder / "moved"
    path.parent.rename(moved)
    importer.done(location(moved, "p/"))
    assert importer.repo.get("p/a").data == b"one"
    (moved / "a").unlink()
    (moved / "b").write_bytes(b"two")
    importer.done(location(moved, "p/"))
    assert importer.repo.paths("main") == ["p/b"]


def test_reading_follows_the_file(importer):
    path = importer.write("a", b"data")
    importer.done(location(path, "a", "object"))
    path.write_bytes(b"DATA")
    assert importer.repo.get("a").data == b"DATA"
    assert importer.repo.get("a", headers={"Range": "bytes=1-2"}).data == b"AT"
    path.unlink()
    gone = importer.repo.get("a")
    assert (gone.status, gone.message) == (410, "No data")
    assert importer.repo.stat("a").status == 200
    assert importer.repo.get("a", method="HEAD").status == 200


def test_copy_stands_by_itself(importer):
    path = importer.write("a", b"data")
    importer.done(location(path, "a", "object"))
    copied = importer.repo.call(
        "POST", "/branches/main/objects/copy", fields={"dest_path": "c"}, json={"src_path": "a"}
    )
    assert copied.status == 201
    assert copied.json["checksum"] == hashlib.md5(b"data").hexdigest()
    path.unlink()
    assert importer.repo.get("c").data == b"data"


def test_metadata_and_merging_of_an_imported_object(importer):
    repo = importer.repo
    repo.branch("side")
    path = importer.write("a", b"data")
    status = importer.done(location(path, "a", "object"), message="")
    assert status["commit"]["message"] == "Import objects"
    changed = repo.call(
        "PUT", "/branches/main/objects/stat/user_metadata", fields={"path": "a"}, json={"set": {"k": "v"}}
    )
    assert changed.status == 204
    assert repo.stat("a").json["metadata"] == {"k": "v"}
    assert repo.get("a").data == b"data"
    repo.commit()
    assert repo.merge("main", "side").status == 200
    assert repo.get("a", ref="side").data == b"data"


def test_nothing_is_an_import_too(importer):
    importer.repo.committed({"a": b"x"})
    status = importer.done()
    assert (status["completed"], status["ingested_objects"]) == (True, 0)
    assert importer.repo.paths("main") == ["a"]


def test_dirty_branch(importer):
    path = importer.write("a", b"data")
    importer.repo.put("dirty")
    for options in ({}, {"force": True}):
        status = importer.done(location(path, "a", "object"), **options)
        assert status["error"] == {"message": "import error: merge import: uncommitted changes (dirty branch)"}
        assert status["completed"] is False
    assert importer.repo.paths("main@") == []
    assert importer.repo.staged() == [("added", "dirty")]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("{folder}/none", "lstat {folder}/none: no such file or directory"),
        ("/etc/passwd", "creating object-store walker on path local:///etc/passwd: forbidden"),
        (
            "{folder}/../../x",
            "creating object-store walker on path local://{folder}/../../x: bad path traversal blocked",
        ),
        ("s3://x/y", "creating object-store walker on path s3://x/y: expected storage type local: invalid address"),
        ("local://rel/a", "creating object-store walker on path local://rel/a: forbidden"),
    ],
)
@pytest.mark.parametrize("kind", ["object", "common_prefix"])
def test_sources_that_are_refused(importer, path, problem, kind):
    importer.repo.committed({"x": b"old"})
    status = importer.done(location(path.format(folder=importer.folder), "x", kind))
    problem = problem.format(folder=importer.folder)
    assert status["error"] == {"message": f"import error: error on ingest: {problem}"}
    assert (status["completed"], status["ingested_objects"]) == (False, 0)
    assert importer.repo.paths("main") == ["x"]


@pytest.mark.parametrize(
    "body",
    [
        {"paths": []},
        {"paths": [], "commit": {}},
        {"paths": [{"path": "local:///x", "destination": "x", "type": "other"}], "commit": {"message": "m"}},
        {"paths": [{"path": "local:///x", "type": "object"}], "commit": {"message": "m"}},
        {"paths": ["x"], "commit": {"message": "m"}},
        {"paths": [], "commit": {"message": "m", "metadata": {"a": 1}}},
        {"paths": [], "commit": {"message": "m"}, "force": "x"},
    ],
)
def test_malformed_requests(importer, body):
    assert importer.repo.call("POST", "/branches/main/import", json=body).status == 400


def test_unknown_branches_and_imports(importer, repository_on):
    path = importer.write("a", b"x")
    missing = importer.start(location(path, "a", "object"), branch="none")
    assert (missing.status, missing.message) == (404, "branch not found")
    for answer in (importer.status("none"), importer.cancel("none")):
        assert (answer.status, answer.message) == (404, "not found")
    assert importer.repo.call("GET", "/branches/main/import").status == 400
    known = importer.done(location(path, "a", "object"))["id"]
    assert importer.status(known, branch="whatever").status == 200
    other = repository_on(importer.engine)
    assert other.call("GET", "/branches/main/import", fields={"id": known}).status == 404


def test_cancelling(importer):
    done = importer.done(location(importer.write("a", b"x"), "a", "object"))
    late = importer.cancel(done["id"])
    assert (late.status, late.message) == (409, "conflict found")
    assert importer.status(done["id"]).json["completed"] is True
    failed = importer.done(location(importer.folder / "none", "b", "object"))
    assert importer.cancel(failed["id"]).status == 204
    assert importer.status(failed["id"]).json["error"] == {"message": "import error: Canceled"}


def test_cancelled_while_it_runs(importer):
    with (importer.folder / "big").open("wb") as file:
        os.truncate(file.fileno(), 4 << 30)
    importer.repo.committed({"x": b"old"})
    started = importer.start(location(importer.folder / "big", "x", "object")).json["id"]
    assert importer.status(started).json["completed"] is False
    assert importer.cancel(started).status == 204
    status = importer.status(started).json
    assert (status["completed"], status["error"]) == (False, {"message": "import error: Canceled"})
    assert importer.repo.log("main")[0] == "change"


def test_configuration_says_so(importing):
    engine, _ = importing
    assert engine.call("GET", "/config/storage").json["import_support"] is True


def test_read_only_repository(importer, repository_on):
    path = importer.write("a", b"x")
    name = f"{importer.repo.name}-ro"
    importer.engine.call(
        "POST", "/repositories", json={"name": name, "storage_namespace": f"local://{name}", "read_only": True}
    )
    importer.repo = repository_on(importer.engine, name)
    status = importer.done(location(path, "a", "object"))
    assert status["error"] == {"message": "import error: write range: read-only repository"}


def test_without_an_allowance(repo):
    if repo.engine.call("GET", "/config/storage").json["import_support"]:
        pytest.skip("this server imports")
    body = {"paths": [location("/tmp/", "x")], "commit": {"message": "m"}}
    answer = repo.call("POST", "/branches/main/import", json=body)
    assert (answer.status, answer.message) == (403, "import is not supported for this storage")
    assert repo.call("GET", "/branches/main/import", fields={"id": "x"}).status == 404
    assert repo.call("DELETE", "/branches/main/import", fields={"id": "x"}).status == 404


def test_staged_copies_of_what_is_there_do_not_hide_what_is_imported(importer):
    repo = importer.repo
    repo.committed({"imp/a": b"old"})
    repo.put("imp/a", b"old")
    assert repo.staged() == []
    importer.write("a", b"new")
    assert importer.done(location(f"{importer.folder}/", "imp/"))["completed"] is True
    assert repo.get("imp/a").data == b"new"
    assert repo.staged() == []


ACTION = """name: act
on:
  prepare-commit: {{}}
  pre-commit: {{}}
  post-commit: {{}}
  pre-merge: {{}}
  post-merge: {{}}
hooks:
  - id: one
    type: webhook
    properties:
      url: {url}
"""


@pytest.fixture
def hooked(importer, receiver):
    importer.repo.put("_lakefs_actions/a.yaml", ACTION.format(url=receiver.url).encode())
    assert importer.repo.commit("actions").status == 201
    receiver.wait_for("post-commit")
    receiver.calls.clear()
    return receiver


def test_import_is_a_commit_to_its_hooks(importer, hooked):
    importer.write("a", b"1")
    status = importer.done(location(importer.folder, "d/"), message="from there", metadata={"k": "v"})
    assert status["completed"], status
    after = hooked.wait_for("post-commit")
    before = hooked.wait_for("pre-commit")
    assert hooked.kinds == ["pre-commit", "post-commit"]
    assert (before["branch_id"], before["source_ref"], before["commit_message"]) == ("main", "main", "from there")
    assert before["commit_metadata"] == {".lakefs.merge.strategy": "source-wins", "k": "v"}
    made = status["commit"]["id"]
    assert after["commit_id"] == after["source_ref"] == made
    runs = importer.repo.call("GET", "/actions/runs", fields={"commit": made}).json["results"]
    assert {run["event_type"] for run in runs} == {"pre-commit", "post-commit"}, "both runs name the commit"


def test_import_that_a_hook_refuses_changes_nothing(importer, hooked):
    hooked.status = 400
    importer.write("a", b"1")
    status = importer.done(location(importer.folder, "d/"))
    assert not status["completed"]
    assert "pre-commit hook aborted, run id '" in status["error"]["message"]
    assert importer.repo.paths("main") == ["_lakefs_actions/a.yaml"]
