from __future__ import annotations

import hashlib
import io
import secrets

import pyarrow.parquet as pq
import pytest

# Of the 32 paths of lakeFS' own sample, one a line.
SAMPLE_PATHS = "fa6407a4aef515a0b9b07fd1a65305ad9c1e648d5a4a715a407de6fde2d3d9e1"


def _creation(engine, name, **more):
    return {"name": name, "storage_namespace": f"{engine.namespace_prefix}{name}", **more}


def test_created_repository_has_its_default_branch_and_first_commit(repo):
    branch = repo.call("GET", "/branches/main")
    assert branch.status == 200
    commit = repo.call("GET", f"/commits/{branch.json['commit_id']}").json
    assert commit["message"] == "Repository created"
    assert (commit["parents"], commit["meta_range_id"], commit["generation"], commit["committer"]) == ([], "", 1, "")
    assert repo.paths() == []


def test_get_and_create_answer_the_same(engine):
    name = f"test-{secrets.token_hex(8)}"
    created = engine.call("POST", "/repositories", json=_creation(engine, name, default_branch="trunk"))
    assert created.status == 201
    assert set(created.json) == {
        "creation_date",
        "default_branch",
        "id",
        "read_only",
        "storage_id",
        "storage_namespace",
    }
    assert engine.call("GET", f"/repositories/{name}").json == created.json
    assert created.json["default_branch"] == "trunk"


def test_existing_name_is_a_conflict(repo):
    body = _creation(repo.engine, repo.name)
    body["storage_namespace"] += "-other"
    answer = repo.engine.call("POST", "/repositories", json=body)
    assert (answer.status, answer.message) == (409, "error creating repository: not unique")


def test_used_namespace_is_refused_even_after_deletion(repo):
    again = _creation(repo.engine, f"test-{secrets.token_hex(8)}")
    again["storage_namespace"] = f"{repo.engine.namespace_prefix}{repo.name}"
    assert repo.engine.call("POST", "/repositories", json=again).status == 400
    assert repo.call("DELETE").status == 204
    answer = repo.engine.call("POST", "/repositories", json=again)
    assert answer.status == 400
    assert answer.message.endswith("storage namespace already in use")


def test_a_store_that_is_not_there_is_refused(engine):
    body = {**_creation(engine, f"test-{secrets.token_hex(8)}"), "storage_id": "other"}
    answer = engine.call("POST", "/repositories", json=body)
    assert (answer.status, answer.message) == (400, "storage id: invalid value: validation error")
    assert engine.call("POST", "/repositories", json={**body, "storage_id": ""}).status == 201


@pytest.mark.parametrize("name", ["ab", "A-b", "a_b", "-ab", "a" * 64, "a.b"])
def test_bad_name_is_refused(engine, name):
    answer = engine.call("POST", "/repositories", json=_creation(engine, name))
    assert answer.status == 400
    assert "RepositoryCreation" in answer.message


def test_missing_namespace_is_named(engine):
    answer = engine.call("POST", "/repositories", json={"name": "abcdef"})
    assert answer.status == 400
    assert 'property "storage_namespace" is missing' in answer.message


def test_deleted_repository_is_gone(repo):
    assert repo.call("DELETE").status == 204
    for path in ("", "/branches", "/branches/main", "/refs/main/objects/ls", "/tags"):
        answer = repo.call("GET", path)
        assert (answer.status, answer.message) == (404, "repository not found")
    assert repo.call("DELETE").status == 404


def test_listing_pages_by_name(engine):
    prefix = f"test-list-{secrets.token_hex(4)}-"
    names = [f"{prefix}{letter}" for letter in "abc"]
    for name in names:
        assert engine.call("POST", "/repositories", json=_creation(engine, name)).status == 201
    first = engine.call("GET", "/repositories", fields={"prefix": prefix, "amount": 2}).json
    assert [each["id"] for each in first["results"]] == names[:2]
    assert first["pagination"] == {"has_more": True, "max_per_page": 1000, "next_offset": names[1], "results": 2}
    rest = engine.call("GET", "/repositories", fields={"prefix": prefix, "after": names[1]}).json
    assert [each["id"] for each in rest["results"]] == names[2:]
    assert rest["pagination"] == {"has_more": False, "max_per_page": 1000, "next_offset": "", "results": 1}


def test_read_only_repository_takes_no_writes(engine):
    name = f"test-{secrets.token_hex(8)}"
    assert engine.call("POST", "/repositories", json=_creation(engine, name, read_only=True)).status == 201
    for method, path, options in [
        ("POST", "/branches", {"json": {"name": "b", "source": "main"}}),
        ("POST", "/branches/main/objects?path=x", {"body": b"x"}),
        ("POST", "/tags", {"json": {"id": "t", "ref": "main"}}),
        ("DELETE", "", {}),
    ]:
        answer = engine.call(method, f"/repositories/{name}{path}", **options)
        assert (answer.status, answer.message) == (403, "read-only repository")
    assert engine.call("DELETE", f"/repositories/{name}?force=true").status == 204


def test_bare_repository_has_no_branch(engine):
    name = f"test-{secrets.token_hex(8)}"
    assert engine.call("POST", "/repositories?bare=true", json=_creation(engine, name)).status == 201
    assert engine.call("GET", f"/repositories/{name}/branches").json["results"] == []


def test_metadata_is_a_mutable_map(repo):
    assert repo.call("GET", "/metadata").json == {}
    assert repo.call("POST", "/metadata", json={"metadata": {"a": "1", "b": "2"}}).status == 204
    assert repo.call("POST", "/metadata", json={"metadata": {"b": "3"}}).status == 204
    assert repo.call("GET", "/metadata").json == {"a": "1", "b": "3"}
    assert repo.call("DELETE", "/metadata", json={"keys": ["a"]}).status == 204
    assert repo.call("GET", "/metadata").json == {"b": "3"}


def created(engine, *, expect: int = 201, query: str = "", **body: object) -> str:
    """Create a repository with sample data; its name."""
    name = f"sample-{secrets.token_hex(8)}"
    said = {"name": name, "storage_namespace": f"{engine.namespace_prefix}{name}", "sample_data": True, **body}
    answer = engine.call("POST", f"/repositories{query}", json=said)
    assert answer.status == expect, answer.data
    if expect != 201:
        assert answer.message == "error populating sample repository: read-only repository"
    return name


def test_sample_data(engine, repository_on):
    repo = repository_on(engine, created(engine, default_branch="trunk"))
    log = repo.call("GET", "/refs/trunk/commits").json["results"]
    assert [each["message"] for each in log] == ["Add sample data", "Repository created"]
    assert log[0]["metadata"] == {}
    paths = repo.paths("trunk")
    assert [path for path in paths if not path.startswith("images/")] == [
        "README.md",
        "data/lakes.source.md",
        "lakes.parquet",
    ]
    digest = hashlib.sha256("\n".join(paths).encode()).hexdigest()
    assert (len(paths), digest) == (32, SAMPLE_PATHS)
    assert repo.staged("trunk") == []
    assert repo.call("GET", "/settings/branch_protection").json == [{"pattern": "trunk"}]
    assert len(repo.call("GET", "/branches").json["results"]) == 1
    assert repo.call("GET", "/tags").json["results"] == []
    table = pq.read_table(io.BytesIO(repo.get("lakes.parquet", ref="trunk").data))
    assert [(column.name, str(column.type)) for column in table.schema] == [
        ("Hylak_id", "int64"),
        ("Lake_name", "string"),
        ("Country", "string"),
        ("Depth_m", "double"),
    ]
    assert table.num_rows == 100_000


def test_sample_data_where_there_is_no_place_for_it(engine, repository_on):
    bare = repository_on(engine, created(engine, query="?bare=true"))
    assert bare.call("GET", "/branches").json["results"] == []
    read_only = repository_on(engine, created(engine, expect=403, read_only=True))
    assert read_only.log() == ["Repository created"]


def test_sample_pictures_are_pictures(embedded_engine, repository_on):
    repo = repository_on(embedded_engine, created(embedded_engine))
    pictures = {path: repo.get(path).data for path in repo.paths(prefix="images/")}
    assert {data[:4] for path, data in pictures.items() if path.endswith(".png")} == {b"\x89PNG"}
    assert {data[:6] for path, data in pictures.items() if path.endswith(".gif")} == {b"GIF89a"}
    assert len({hashlib.sha256(data).digest() for data in pictures.values()}) == 29


@pytest.fixture
def read_only(engine, repository_on):
    """A repository that is read-only and has a commit on ``main`` all the same."""
    name = f"ro-{secrets.token_hex(8)}"
    assert engine.call("POST", "/repositories", json=_creation(engine, name, read_only=True)).status == 201
    repo = repository_on(engine, name)
    headers = {"Content-Type": "application/octet-stream"}
    for path in ("a", "b"):
        fields = {"path": path, "force": "true"}
        answer = repo.call("POST", "/branches/main/objects", fields=fields, body=b"1", headers=headers)
        assert answer.status == 201
    assert repo.commit("made", force=True).status == 201
    return repo


_FORCED = [
    ("POST", "/branches/main/objects/copy", {"src_path": "a"}, {"dest_path": "c"}, 201),
    ("POST", "/branches/main/commits", {"message": "x", "allow_empty": True}, {}, 201),
    ("POST", "/branches", {"name": "b", "source": "main"}, {}, 201),
    ("POST", "/tags", {"id": "t", "ref": "main"}, {}, 201),
    ("PUT", "/branches/main", {"type": "reset"}, {}, 204),
    ("POST", "/branches/main/revert", {"ref": "main", "parent_number": 0}, {}, 204),
    ("POST", "/refs/main/merge/main", {}, {}, 200),
    ("DELETE", "/branches/main/objects", None, {"path": "a"}, 204),
    ("PUT", "/branches/main/hard_reset", None, {"ref": "main"}, 204),
    ("DELETE", "/tags/none", None, {}, 404),
    ("DELETE", "/branches/none", None, {}, 404),
]


@pytest.mark.parametrize(("method", "path", "body", "fields", "status"), _FORCED)
def test_force_writes_to_a_read_only_repository(read_only, method, path, body, fields, status):
    refused = read_only.call(method, path, json=body, fields=fields)
    assert (refused.status, refused.message) == (403, "read-only repository")
    if body is None:
        forced = read_only.call(method, path, fields={**fields, "force": "true"})
    else:
        forced = read_only.call(method, path, json={**body, "force": True}, fields=fields)
    assert forced.status == status, forced.data


def test_bulk_deletion_from_a_read_only_repository(read_only):
    path, body = "/branches/main/objects/delete", {"paths": ["a"]}
    (error,) = read_only.call("POST", path, json=body).json["errors"]
    assert (error["status_code"], error["message"]) == (403, "read-only repository")
    assert read_only.call("POST", path, json=body, fields={"force": "true"}).json == {"errors": []}
    assert read_only.paths() == ["b"]


def test_what_is_missing_comes_before_what_is_read_only(read_only):
    copied = read_only.call("POST", "/branches/main/objects/copy", json={"src_path": "none"}, fields={"dest_path": "c"})
    assert (copied.status, copied.message) == (404, "not found")
    nowhere = read_only.put("a", branch="none")
    assert (nowhere.status, nowhere.message) == (404, "branch 'none' not found")


def test_pull_requests_do_not_count_as_writing(read_only):
    assert read_only.call("POST", "/branches", json={"name": "b", "source": "main", "force": True}).status == 201
    body = {"title": "t", "source_branch": "b", "destination_branch": "main"}
    assert read_only.call("POST", "/pulls", json=body).status == 201
