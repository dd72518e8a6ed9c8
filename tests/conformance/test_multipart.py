"""Presigned multipart uploads, on any server that says it offers them."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

FIVE = b"0123456789abcdef" * 327_680  # the least that a part but the last may have


@pytest.fixture
def multi(repo):
    """Multipart uploads to a fresh repository."""
    if not repo.engine.call("GET", "/config/storage").json["pre_sign_multipart_upload"]:
        pytest.skip(f"{repo.engine.name} at {repo.engine.endpoint} has no presigned multipart uploads")
    return Multi(repo)


class Multi:
    def __init__(self, repo) -> None:
        self.repo = repo

    def call(self, method, rest="", *, path="big", branch="main", json=None, headers=None, **fields):
        where = f"/branches/{branch}/staging/pmpu{rest}"
        return self.repo.call(method, where, fields={"path": path, **fields}, json=json, headers=headers)

    def begin(self, parts=None, path="big"):
        answer = self.call("POST", path=path, **({} if parts is None else {"parts": parts}))
        assert answer.status == 201, answer.data
        return answer.json

    def put(self, url, data, **headers):
        return self.repo.engine.pool.request("PUT", url, body=data, headers=headers)

    def sent(self, *contents, path="big"):
        """An upload with these parts sent, and the list of them that completes it."""
        upload = self.begin(len(contents), path)
        tags = [
            self.put(url, data).headers["ETag"] for url, data in zip(upload["presigned_urls"], contents, strict=True)
        ]
        return upload, [{"part_number": number, "etag": tag} for number, tag in enumerate(tags, 1)]

    def complete(self, upload, parts, path="big", **more):
        body = {"physical_address": upload["physical_address"], "parts": parts, **more}
        return self.call("PUT", f"/{upload['upload_id']}", path=path, json=body)

    def abort(self, upload, path="big"):
        body = {"physical_address": upload["physical_address"]}
        return self.call("DELETE", f"/{upload['upload_id']}", path=path, json=body)


def etag_of(*contents) -> str:
    joined = b"".join(hashlib.md5(data).digest() for data in contents)
    return f"{hashlib.md5(joined).hexdigest()}-{len(contents)}"


def code_of(answer) -> str:
    return re.search(rb"<Code>(\w+)</Code>", answer.data)[1].decode()


def test_parts_become_an_object(multi):
    upload, parts = multi.sent(FIVE, FIVE[::-1], b"tail")
    assert parts[2]["etag"] == f'"{hashlib.md5(b"tail").hexdigest()}"'
    done = multi.complete(upload, parts, content_type="text/x", user_metadata={"K": "v"})
    assert done.status == 200, done.data
    assert upload["physical_address"].endswith("/" + done.json["physical_address"])
    assert done.json["physical_address"].startswith("data/")
    assert done.json["checksum"] == etag_of(FIVE, FIVE[::-1], b"tail")
    assert (done.json["size_bytes"], done.json["content_type"]) == (2 * len(FIVE) + 4, "text/x")
    assert done.json["metadata"] == {"K": "v"}
    stats = multi.repo.stat("big").json
    assert stats == {**done.json, "physical_address": upload["physical_address"]}
    assert multi.repo.get("big").data == FIVE + FIVE[::-1] + b"tail"
    assert multi.repo.commit().status == 201
    assert multi.repo.get("big", headers={"Range": "bytes=-6"}).data == b"10tail"


def test_parts_sent_at_once_and_etags_without_quotes(multi):
    contents = [bytes([number]) * len(FIVE) for number in range(4)]
    upload = multi.begin(len(contents))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(multi.put, upload["presigned_urls"], contents))
    parts = [{"part_number": n, "etag": each.headers["ETag"].strip('"')} for n, each in enumerate(answers, 1)]
    assert multi.complete(upload, parts).json["checksum"] == etag_of(*contents)
    assert multi.repo.get("big").data == b"".join(contents)


def test_a_part_sent_again_replaces_and_parts_may_be_left_out(multi):
    upload = multi.begin(3)
    first, second, third = upload["presigned_urls"]
    multi.put(first, b"x" * len(FIVE))
    one = multi.put(first, FIVE).headers["ETag"]
    multi.put(second, b"never used")
    two = multi.put(third, b"end").headers["ETag"]
    done = multi.complete(upload, [{"part_number": 1, "etag": one}, {"part_number": 3, "etag": two}])
    assert done.json["checksum"] == etag_of(FIVE, b"end")
    assert multi.repo.get("big").data == FIVE + b"end"


def test_one_small_part_is_enough(multi):
    upload, parts = multi.sent(b"abc")
    assert multi.complete(upload, parts).json["checksum"] == etag_of(b"abc")
    assert multi.repo.get("big").data == b"abc"


def test_beginning(multi):
    assert "presigned_urls" not in multi.begin()
    assert "presigned_urls" not in multi.begin(0)
    assert len(multi.begin(3)["presigned_urls"]) == 3
    for parts in (-1, 10_001):
        answer = multi.call("POST", parts=parts)
        assert (answer.status, answer.message) == (400, "parts can be between 0 and 10000")
    assert multi.call("POST", parts="x").status == 400
    missing = multi.call("POST", branch="none")
    assert (missing.status, missing.message) == (404, "branch 'none' not found")
    assert multi.repo.call("POST", "/branches/main/staging/pmpu").status == 400


def test_most_parts_there_can_be(multi):
    upload = multi.begin(10_000)
    assert len(set(upload["presigned_urls"])) == 10_000


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda parts: [parts[0], {**parts[1], "etag": "0" * 32}], "InvalidPart"),
        (lambda parts: [*parts, {"part_number": 3, "etag": "0" * 32}], "InvalidPart"),
        (lambda parts: [{"part_number": 1, "etag": "../../x"}], "InvalidPart"),
        (lambda parts: [{**parts[0], "part_number": 0}], "InvalidPart"),
        (lambda parts: parts[::-1], "InvalidPartOrder"),
    ],
)
def test_parts_that_do_not_fit(multi, change, code):
    upload, parts = multi.sent(FIVE, b"tail")
    answer = multi.complete(upload, change(parts))
    assert answer.status == 500
    assert f"api error {code}:" in answer.message
    assert multi.repo.stat("big").status == 404
    assert multi.complete(upload, parts).status == 200


def test_small_parts(multi):
    upload, parts = multi.sent(b"abc", b"def")
    answer = multi.complete(upload, parts)
    assert (answer.status, "api error EntityTooSmall:" in answer.message) == (500, True)


@pytest.mark.parametrize(
    "body", [{"parts": []}, {"physical_address": "x"}, {"physical_address": "x", "parts": [{"part_number": 1}]}]
)
def test_malformed_completion(multi, body):
    upload = multi.begin()
    assert multi.call("PUT", f"/{upload['upload_id']}", json=body).status == 400


def test_completion_without_parts(multi):
    answer = multi.complete(multi.begin(), [])
    assert (answer.status, answer.message) == (400, "parts are required")


def test_address_must_be_the_one_that_was_issued(multi):
    upload, parts = multi.sent(b"abc")
    wrong, outside = "invalid address signature: invalid address", "physical address must be relative to the storage"
    for answer in (
        multi.complete(upload, parts, path="other"),
        multi.abort(upload, path="other"),
        multi.call("PUT", f"/{upload['upload_id']}/parts/1", path="other", json=upload),
    ):
        assert (answer.status, answer.message) == (400, wrong)
    bare = {**upload, "physical_address": upload["physical_address"].rpartition(",")[0]}
    assert multi.complete(bare, parts).message == "address is not signed: link address invalid"
    elsewhere = {**upload, "physical_address": "local:///x/y"}
    for answer in (multi.complete(elsewhere, parts), multi.abort(elsewhere)):
        assert (answer.status, answer.message) == (400, f"{outside} namespace")
    another = {**multi.begin(), "physical_address": upload["physical_address"]}
    assert "api error NoSuchUpload:" in multi.complete(another, parts).message


def test_done_is_done(multi):
    upload, parts = multi.sent(b"abc")
    assert multi.complete(upload, parts).status == 200
    again = multi.complete(upload, parts)
    assert (again.status, "api error NoSuchUpload:" in again.message) == (500, True)
    late = multi.put(upload["presigned_urls"][0], b"abc")
    assert (late.status, code_of(late)) == (404, "NoSuchUpload")
    assert multi.abort(upload).status == 204
    assert multi.repo.get("big").data == b"abc"


def test_aborted(multi):
    upload, parts = multi.sent(b"abc")
    assert multi.abort(upload).status == 204
    assert multi.abort(upload).status == 204
    answer = multi.complete(upload, parts)
    assert (answer.status, "api error NoSuchUpload:" in answer.message) == (500, True)
    assert multi.repo.stat("big").status == 404
    nothing = multi.call("DELETE", f"/{upload['upload_id']}")
    assert (nothing.status, nothing.message) == (400, "physical_address is required")


def test_aborting_by_another_upload_s_address_harms_neither(multi):
    mine, my_parts = multi.sent(b"mine", path="mine")
    other, other_parts = multi.sent(b"other", path="other")
    answer = multi.call(
        "DELETE", f"/{other['upload_id']}", path="mine", json={"physical_address": mine["physical_address"]}
    )
    assert (answer.status, answer.data) == (204, b"")
    assert multi.complete(other, other_parts, path="other").status == 200
    assert multi.complete(mine, my_parts, path="mine").status == 200


def test_urls_one_by_one(multi):
    upload = multi.begin()
    where = f"/{upload['upload_id']}/parts"
    urls = [multi.call("PUT", f"{where}/{number}", json=upload).json["presigned_url"] for number in (1, 10_000)]
    tags = [multi.put(url, data).headers["ETag"] for url, data in zip(urls, (FIVE, b"end"), strict=True)]
    for number in ("0", "10001", "x"):
        answer = multi.call("PUT", f"{where}/{number}", json=upload)
        assert (answer.status, 'parameter "partNumber" in path' in answer.message) == (400, True)
    assert multi.call("PUT", f"{where}/1", json={}).status == 400
    done = multi.complete(
        upload, [{"part_number": 1, "etag": tags[0]}, {"part_number": 10_000, "etag": tags[1]}], content_type=""
    )
    assert (done.status, done.json["content_type"]) == (200, "application/octet-stream")
    unknown = multi.call("PUT", "/nope/parts/1", json=upload)
    assert unknown.status == 200
    lost = multi.put(unknown.json["presigned_url"], b"x")
    assert (lost.status, code_of(lost)) == (404, "NoSuchUpload")


def test_part_copied_from_an_object(multi):
    repo = multi.repo
    repo.put("src", FIVE + b"0123456789")
    upload = multi.begin()
    where = f"/{upload['upload_id']}/parts"

    def copied(number, **source):
        given = {"repository": repo.name, "ref": "main", "path": "src", **source}
        body = {"physical_address": upload["physical_address"], "copy_source": given}
        return multi.call("PUT", f"{where}/{number}/copy", json=body)

    whole, tail = copied(1), copied(2, range=f"bytes={len(FIVE) + 2}-{len(FIVE) + 4}")
    assert (whole.status, whole.data) == (204, b"")
    assert tail.headers["Etag"] == hashlib.md5(b"234").hexdigest()
    for source, status, message in [
        ({"path": "none"}, 404, f"{repo.name}/main/none: not found"),
        ({"ref": "none"}, 404, f"{repo.name}/none/src: not found"),
        ({"repository": "none-such"}, 404, "repository not found"),
    ]:
        answer = copied(3, **source)
        assert (answer.status, answer.message) == (status, message)
    assert copied(3, range="0-4").status == 400
    far = copied(3, range="bytes=99999999-99999999")
    assert (far.status, "InvalidRange" in far.message) == (500, True)
    parts = [{"part_number": n, "etag": each.headers["Etag"]} for n, each in enumerate((whole, tail), 1)]
    assert multi.complete(upload, parts).status == 200
    assert repo.get("big").data == FIVE + b"0123456789234"


def test_deleted_branch(multi):
    repo = multi.repo
    repo.branch("side")
    begun = multi.call("POST", branch="side", parts=1).json
    tag = multi.put(begun["presigned_urls"][0], b"abc").headers["ETag"]
    repo.call("DELETE", "/branches/side")
    body = {"physical_address": begun["physical_address"], "parts": [{"part_number": 1, "etag": tag}]}
    answer = multi.call("PUT", f"/{begun['upload_id']}", branch="side", json=body)
    assert answer.status == 404


def test_nothing_is_left_behind(embedded_repo):
    multi = Multi(embedded_repo)
    folder = embedded_repo.engine.root / "uploads"
    before = set(folder.iterdir())
    finished, parts = multi.sent(FIVE, b"x")
    aborted, _ = multi.sent(b"abc")
    assert len(set(folder.iterdir()) - before) == 2
    multi.complete(finished, parts)
    multi.abort(aborted)
    assert set(folder.iterdir()) == before
    assert list((embedded_repo.engine.root / "tmp").iterdir()) == []


@pytest.mark.parametrize("upload", ["../..", "x/../..", "0" * 32, "A" * 32, "é"])
def test_hostile_upload_ids(embedded_repo, upload):
    multi = Multi(embedded_repo)
    begun, parts = multi.sent(b"abc")
    evil = {**begun, "upload_id": quote(upload, safe="")}
    assert "api error NoSuchUpload:" in multi.complete(evil, parts).message
    assert multi.abort(evil).status == 204
    assert multi.complete(begun, parts).status == 200


def test_unsupported_where_the_configuration_says_so(repo):
    if repo.engine.call("GET", "/config/storage").json["pre_sign_multipart_upload"]:
        pytest.skip("this server offers presigned multipart uploads")
    multi = Multi(repo)
    refused = (501, "presign multipart upload API is not supported")
    body = {"physical_address": "x", "parts": []}
    for answer in (
        multi.call("POST"),
        multi.call("PUT", "/u", json=body),
        multi.call("DELETE", "/u", json=body),
    ):
        assert (answer.status, answer.message) == refused
