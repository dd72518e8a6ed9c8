from __future__ import annotations

import hashlib
import os

import pytest

HELLO = hashlib.md5(b"hello").hexdigest()


def test_upload_answers_the_object(repo):
    answer = repo.put("d/a.json", b"hello", headers={"Content-Type": "application/json"})
    assert answer.status == 201
    stats = answer.json
    assert set(stats) == {
        "checksum",
        "content_type",
        "metadata",
        "mtime",
        "path",
        "path_type",
        "physical_address",
        "size_bytes",
    }
    assert (stats["checksum"], stats["size_bytes"], stats["content_type"]) == (HELLO, 5, "application/json")
    assert (stats["path"], stats["path_type"], stats["metadata"]) == ("d/a.json", "object", {})
    assert {**repo.stat("d/a.json").json, "mtime": 0} == {**stats, "mtime": 0}


@pytest.mark.parametrize(
    "path", ["/lead", "d//x", "d/dir/", "d/../e", "é/ü", "100%", "a+b", "a b", "a\nb\0c", "x" * 1024]
)
def test_any_path_is_taken_literally(repo, path):
    assert repo.put(path, b"1").json["path"] == path
    assert repo.get(path).data == b"1"
    assert repo.paths() == [path]


def test_path_limits(repo):
    long = repo.put("x" * 1025)
    assert long.status == 400
    assert long.message.endswith("1025 is above maximum length (1024)")
    missing = repo.call("POST", "/branches/main/objects", body=b"x")
    assert (missing.status, missing.message) == (
        400,
        'parameter "path" in query has an error: value is required but missing',
    )
    assert repo.put("").status == 400


def test_user_metadata_is_lower_cased(repo):
    repo.put("a", headers={"X-Lakefs-Meta-Foo-Bar": "v", "X-Amz-Meta-Z": "1"})
    assert repo.stat("a").json["metadata"] == {"foo-bar": "v"}
    assert repo.stat("a", user_metadata="false").json["metadata"] == {}
    listed = repo.call("GET", "/refs/main/objects/ls").json["results"][0]
    assert listed["metadata"] == {"foo-bar": "v"}
    bare = repo.call("GET", "/refs/main/objects/ls", fields={"user_metadata": "false"}).json["results"][0]
    assert "metadata" not in bare


def test_user_metadata_can_be_changed(repo):
    repo.put("a", b"hello", headers={"X-Lakefs-Meta-Old": "1"})
    answer = repo.call(
        "PUT", "/branches/main/objects/stat/user_metadata", fields={"path": "a"}, json={"set": {"k": "v"}}
    )
    assert answer.status == 204
    stats = repo.stat("a").json
    assert (stats["metadata"], stats["checksum"]) == ({"k": "v"}, HELLO)


def test_multipart_form_as_the_sdk_sends_it(repo):
    url = f"{repo.engine.endpoint}/api/v1/repositories/{repo.name}/branches/main/objects?path=form"
    data = os.urandom(300_000)
    for fields, content_type in [
        ({"content": ("x.csv", data, "text/csv")}, "text/csv"),
        ({"other": "1", "content": data}, ""),
    ]:
        response = repo.engine.pool.request("POST", url, fields=fields, headers=_authorization(repo))
        assert response.status == 201, response.data
        assert response.json()["checksum"] == hashlib.md5(data).hexdigest()
        assert response.json()["content_type"] == content_type
        assert repo.get("form").data == data
    wrong = repo.engine.pool.request("POST", url, fields={"other": data}, headers=_authorization(repo))
    assert wrong.status == 500
    assert wrong.json()["message"] == "multipart upload missing key 'content': http: no such file"


def _authorization(repo):
    import urllib3

    pair = f"{repo.engine.access_key_id}:{repo.engine.secret_access_key}"
    return urllib3.make_headers(basic_auth=pair)


def test_chunked_body(repo):
    parts = [os.urandom(50_000) for _ in range(9)]
    answer = repo.call("POST", "/branches/main/objects?path=chunked", body=iter(parts))
    assert answer.status == 201
    assert repo.get("chunked").data == b"".join(parts)


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 1_048_576, 3_000_001])
def test_sizes(repo, size):
    data = os.urandom(size)
    assert repo.put("a", data).json["checksum"] == hashlib.md5(data).hexdigest()
    assert repo.get("a").data == data
    repo.commit()
    assert repo.get("a").data == data
    assert repo.get("a").headers["Content-Length"] == str(size)


def test_if_none_match(repo):
    star = {"If-None-Match": "*"}
    assert repo.put("a", b"1", headers=star).status == 201
    for _ in range(2):
        answer = repo.put("a", b"2", headers=star)
        assert (answer.status, answer.message) == (412, "path already exists")
        repo.commit(allow_empty=True)
    repo.delete("a")
    assert repo.put("a", b"3", headers=star).status == 201


@pytest.mark.parametrize("headers", [{"If-None-Match": "abc"}, {"If-Match": "abc"}])
def test_other_conditions_are_not_implemented(repo, headers):
    answer = repo.put("a", headers=headers)
    assert (answer.status, answer.message) == (501, "Not Implemented")


def test_where_one_can_not_write(repo):
    head = repo.committed({"a": b"1"})
    for branch in ("none", head):
        answer = repo.put("a", branch=branch)
        assert (answer.status, answer.message) == (404, f"branch '{branch}' not found")
    expression = repo.put("a", branch="main~1")
    assert (expression.status, expression.message) == (400, "argument name: branch id: invalid value: validation error")


def test_missing_objects(repo):
    for answer in (repo.get("none"), repo.stat("none"), repo.get("x", ref="none"), repo.stat("x", ref="none")):
        assert (answer.status, answer.message) == (404, "not found")
    assert repo.get("none", method="HEAD").status == 404


def test_headers_of_a_download(repo):
    repo.put("a", b"hello", headers={"Content-Type": "text/csv"})
    answer = repo.get("a")
    assert answer.status == 200
    assert answer.headers["ETag"] == f'"{HELLO}"'
    assert answer.headers["Content-Type"] == "text/csv"
    assert answer.headers["Content-Disposition"] == "attachment"
    assert "Last-Modified" in answer.headers
    head = repo.get("a", method="HEAD")
    assert (head.status, head.headers["Content-Length"], head.headers["Accept-Ranges"]) == (200, "5", "bytes")
    assert repo.get("a", headers={"If-None-Match": f'"{HELLO}"'}).status == 304
    assert repo.get("a", headers={"If-None-Match": HELLO}).status == 200


@pytest.mark.parametrize("size", [100, 200_000])
@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("0-9", 0, 10), ("90-", 90, None), ("-5", -5, None), ("0-999999", 0, None), ("-999999", 0, None), ("7-7", 7, 8)],
)
def test_ranges(repo, size, wanted, start, end):
    data = os.urandom(size)
    repo.put("a", data)
    answer = repo.get("a", headers={"Range": f"bytes={wanted}"})
    assert answer.status == 206
    assert answer.data == data[start:end]
    first, _, rest = answer.headers["Content-Range"].removeprefix("bytes ").partition("-")
    assert data[int(first) : int(rest.split("/")[0]) + 1] == answer.data
    assert rest.endswith(f"/{size}")
    assert repo.get("a", headers={"Range": f"bytes={wanted}"}, method="HEAD").status == 206


@pytest.mark.parametrize(
    ("wanted", "content_range"),
    [("bytes=100-", "bytes */100"), ("bytes=200-300", "bytes */100"), ("bytes=9-3", None), ("bytes=0-1,5-6", None)],
)
def test_ranges_that_can_not_be_satisfied(repo, wanted, content_range):
    repo.put("a", b"x" * 100)
    answer = repo.get("a", headers={"Range": wanted})
    assert (answer.status, answer.message) == (416, "Requested Range Not Satisfiable")
    assert answer.headers.get("Content-Range") == content_range


def test_ranges_that_are_none(repo):
    repo.put("a", b"x")
    for wanted in ("chars=0-1", "bytes=", "bytes=a-b"):
        assert repo.get("a", headers={"Range": wanted}).status == 400


def test_range_of_an_empty_object(repo):
    repo.put("a", b"")
    answer = repo.get("a", headers={"Range": "bytes=0-0"})
    assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */0")
    assert repo.get("a").data == b""


def test_listing_folds_at_the_delimiter_and_pages(repo):
    repo.committed(dict.fromkeys(("a/1", "a/2", "b", "c/d/1", "c/e", "d"), b"1"))
    repo.put("a/3")
    repo.delete("d")
    assert repo.paths() == ["a/1", "a/2", "a/3", "b", "c/d/1", "c/e"]
    assert repo.paths(delimiter="/") == ["a/", "b", "c/"]
    assert repo.paths(delimiter="/", prefix="c/") == ["c/d/", "c/e"]
    assert repo.paths(delimiter="/", prefix="c") == ["c/"]
    assert repo.paths(delimiter="/", after="a/") == ["b", "c/"]
    assert repo.paths(delimiter="/", after="a/1") == ["a/", "b", "c/"]
    assert repo.paths(after="a/2", amount=2) == ["a/3", "b"]
    assert repo.paths(prefix="c/", after="a") == ["c/d/1", "c/e"]
    assert repo.paths(prefix="zzz") == []
    page = repo.call("GET", "/refs/main/objects/ls", fields={"delimiter": "/", "amount": 1}).json
    assert page["pagination"] == {"has_more": True, "max_per_page": 1000, "next_offset": "a/", "results": 1}
    assert page["results"] == [
        {"checksum": "", "mtime": 0, "path": "a/", "path_type": "common_prefix", "physical_address": ""}
    ]


def test_listing_in_pages_gives_everything_once(repo):
    paths = sorted(f"p{number % 7}/{number:03d}" for number in range(60))
    repo.committed(dict.fromkeys(paths[::2], b"1"))
    for path in paths[1::2]:
        repo.put(path)
    seen, after = [], ""
    while True:
        page = repo.call("GET", "/refs/main/objects/ls", fields={"amount": 7, "after": after}).json
        seen += [each["path"] for each in page["results"]]
        after = page["pagination"]["next_offset"]
        if not page["pagination"]["has_more"]:
            break
    assert seen == paths


def test_deleting(repo):
    repo.committed({"a": b"1", "b": b"1"})
    assert repo.delete("a").status == 204
    assert repo.delete("a").status == 204
    assert repo.delete("never").status == 204
    assert repo.paths() == ["b"]
    assert repo.get("a").status == 404
    assert repo.get("a", ref="main@").status == 200
    assert repo.staged() == [("removed", "a")]
    missing = repo.delete("a", branch="none")
    assert (missing.status, missing.message) == (404, "branch not found")


def test_deleting_many(repo):
    repo.committed({"a": b"1", "b": b"1", "c": b"1"})
    repo.put("new")
    answer = repo.call("POST", "/branches/main/objects/delete", json={"paths": ["a", "b", "new", "nope", "a"]})
    assert (answer.status, answer.json) == (200, {"errors": []})
    assert repo.paths() == ["c"]
    too_many = repo.call("POST", "/branches/main/objects/delete", json={"paths": [f"x{n}" for n in range(1001)]})
    assert (too_many.status, too_many.message) == (400, "request size exceeded, max paths is set to 1000")
    missing_branch = repo.call("POST", "/branches/none/objects/delete", json={"paths": ["a"]})
    assert (missing_branch.status, missing_branch.json) == (200, {"errors": []})


def test_copying(repo):
    old = repo.committed({"a": b"old"})
    repo.committed({"a": b"new"})
    path = "/branches/main/objects/copy"
    copied = repo.call("POST", path, fields={"dest_path": "c"}, json={"src_path": "a", "src_ref": old})
    assert (copied.status, copied.json["path"]) == (201, "c")
    assert repo.get("c").data == b"old"
    missing = repo.call("POST", path, fields={"dest_path": "c"}, json={"src_path": "none"})
    assert (missing.status, missing.message) == (404, "not found")
    shallow = repo.call("POST", path, fields={"dest_path": "c"}, json={"src_path": "a", "shallow": True})
    assert shallow.status == 501


def test_copies_that_can_not_be(repo):
    repo.put("a")
    for branch, body, status, message in [
        ("none", {"src_path": "a"}, 404, "branch 'none' not found"),
        ("main", {"src_path": "a", "src_ref": "none"}, 404, "not found"),
        ("main", {"src_path": ""}, 400, "argument path: missing path: required value: validation error"),
    ]:
        answer = repo.call("POST", f"/branches/{branch}/objects/copy", fields={"dest_path": "c"}, json=body)
        assert (answer.status, answer.message) == (status, message)
    assert (
        repo.call("POST", "/branches/main/objects/copy", fields={"dest_path": ""}, json={"src_path": "a"}).status == 400
    )
    same = repo.call(
        "POST", "/branches/main/objects/copy", fields={"dest_path": "a"}, json={"src_path": "a", "src_ref": ""}
    )
    assert (same.status, repo.get("a").data) == (201, b"x")


def test_user_metadata_where_nothing_is(repo):
    path = "/branches/{}/objects/stat/user_metadata"
    missing = repo.call("PUT", path.format("main"), fields={"path": "n"}, json={"set": {"k": "v"}})
    assert (missing.status, missing.message) == (404, f"update user metadata on {repo.name}/main/n: not found")
    branch = repo.call("PUT", path.format("none"), fields={"path": "n"}, json={"set": {"k": "v"}})
    assert (branch.status, branch.message) == (404, "branch not found")
    assert repo.call("PUT", path.format("main"), fields={"path": "n"}, json={}).status == 400


def test_presigning_is_refused_where_the_storage_can_not(repo):
    if repo.engine.call("GET", "/config/storage").json["pre_sign_support"]:
        pytest.skip("this server presigns")
    repo.put("a")
    for answer in (repo.stat("a", presign="true"), repo.call("GET", "/refs/main/objects?path=a&presign=true")):
        assert (answer.status, answer.message) == (400, "local adapter presigned URL: operation not supported")


def test_conditions_of_an_upload(repo):
    empty = 'parameter "{}" in header has an error: empty value is not allowed'
    for name in ("If-None-Match", "If-Match"):
        answer = repo.put("a", headers={name: ""})
        assert (answer.status, answer.message) == (400, empty.format(name))
    both = {"If-None-Match": "*", "If-Match": "x"}
    assert repo.put("a", headers=both).status == 501
    assert repo.put("a").status == 201
    assert repo.put("a", headers=both).message == "path already exists"
    headers = {"Content-Type": "application/octet-stream"}
    for name, status in (("", 400), ("STANDARD", 201)):
        fields = {"path": "a", "storageClass": name}
        assert repo.call("POST", "/branches/main/objects", fields=fields, body=b"x", headers=headers).status == status
