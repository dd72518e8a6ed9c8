"""Each replacement that makes transcripts comparable, and that nothing else is replaced."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

import pytest
from conformance.transcript import golden
from conformance.transcript.calls import Call, filled, get, scenario
from conformance.transcript.client import RawAnswer
from conformance.transcript.normal import Normaliser

ONE, TWO, THREE = ("1" * 64, "a2" * 32, "3" * 64)


@pytest.fixture
def normal():
    return Normaliser(repository="repo-x", namespace="local://repo-x", endpoint="http://127.0.0.1:1", user="admin")


def _json(normal, value, **headers):
    raw = RawAnswer(200, {"content-type": "application/json", **headers}, json.dumps(value).encode() + b"\n")
    return normal.answer(raw)["json"]


def _text(normal, text, **headers):
    return normal.answer(RawAnswer(200, headers, text.encode())).get("text")


def test_an_id_keeps_its_number_wherever_it_comes(normal):
    assert _json(normal, {"id": ONE, "parents": [TWO]}) == {"id": "<commit:1>", "parents": ["<commit:2>"]}
    assert _json(normal, {"reference": TWO}) == {"reference": "<commit:2>"}
    assert _text(normal, THREE) == "<commit:3>"
    assert _json(normal, {"message": f"Revert {ONE}"}) == {"message": "Revert <commit:1>"}


def test_metaranges_are_counted_apart(normal):
    assert _json(normal, {"id": ONE, "meta_range_id": TWO}) == {"id": "<commit:1>", "meta_range_id": "<metarange:1>"}
    assert _json(normal, {"location": f"_lakefs/{TWO}"}) == {"location": "_lakefs/<metarange:1>"}


def test_a_prefix_that_the_scenario_used_is_the_id_s(normal):
    _json(normal, {"id": TWO})
    normal.learn_prefix(TWO, 9)
    assert _json(normal, {"message": f"ref {TWO[:9]}: no"}) == {"message": "ref <commit:1:9>: no"}
    assert _json(normal, {"message": f"ref {TWO[:10]}: no"}) == {"message": f"ref {TWO[:10]}: no"}


def test_addresses_are_known_by_their_end(normal):
    one = _json(normal, {"physical_address": "local:///x/repo-x/data/a/b,signature"})
    again = _json(normal, {"physical_address": "local:///x/x/repo-x/data/a/b"})
    other = _json(normal, {"physical_address": "local:///x/repo-x/data/a/c"})
    assert one == {"physical_address": "<address:1>,<signature>"}
    assert (again, other) == ({"physical_address": "<address:1>"}, {"physical_address": "<address:2>"})


def test_times_of_today_are_replaced_and_others_kept(normal):
    now = int(time.time())
    assert _json(normal, {"mtime": now, "creation_date": 1000}) == {"mtime": "<time>", "creation_date": 1000}
    assert _json(normal, {"presigned_url_expiry": now + 900}) == {"presigned_url_expiry": "<time+15m>"}
    assert _json(normal, {"size_bytes": now}) == {"size_bytes": now}
    modified = {"last-modified": formatdate(now, usegmt=True)}
    assert normal.answer(RawAnswer(200, modified, b""))["headers"] == {"last-modified": "<time>"}
    old = {"last-modified": "Sun, 13 Sep 2020 12:26:40 GMT"}
    assert normal.answer(RawAnswer(200, old, b""))["headers"] == old


def test_names_of_the_run_are_replaced(normal):
    shown = _json(
        normal, {"id": "repo-x", "storage_namespace": "local://repo-x", "message": "http://127.0.0.1:1 of repo-x-b"}
    )
    assert shown["id"] == "<repository>"
    assert shown["storage_namespace"] == "<namespace>"
    assert _json(normal, {"committer": "admin", "path": "admin"}) == {"committer": "<user>", "path": "admin"}
    assert _json(normal, {"committer": ""}) == {"committer": ""}


def test_checksums_and_md5_etags_are_kept_and_opaque_etags_counted(normal):
    md5 = "5d41402abc4b2a76b9719d911017c592"
    assert _json(normal, {"checksum": md5}) == {"checksum": md5}
    for etag, shown in ((f'"{md5}"', f'"{md5}"'), ("MZ", "<etag:1>"), ("QY", "<etag:2>"), ("MZ", "<etag:1>")):
        assert normal.answer(RawAnswer(200, {"etag": etag}, b""))["headers"] == {"etag": shown}


def test_runs_uuids_urls_and_tokens(normal):
    message = "aborted, run id 'ftabc': in 12345678-1234-1234-1234-123456789abc"
    assert _json(normal, {"message": message}) == {"message": "aborted, run id '<run:1>': in <uuid:1>"}
    assert _json(normal, {"presigned_url": "http://store/x?signature=1"}) == {"presigned_url": "<url>"}
    assert _json(normal, {"token": "eyJhbGci.eyJzdWIi.abc_d-e"}) == {"token": "<token>"}
    assert _json(normal, {"upload_id": "abc", "run_id": "ftabc"}) == {"upload_id": "<upload:1>", "run_id": "<run:1>"}
    assert _json(normal, {"message": "hook run id '0000_0000'"}) == {"message": "hook run id '0000_0000'"}


def test_a_schema_is_not_quoted_but_the_problem_is_kept(normal):
    message = 'request body has an error: Error at "/message": property "message" is missing\nSchema:\n  {...}\n'
    assert _json(normal, {"message": message}) == {"message": message.partition("\n")[0]}
    message = "request body has an error: failed to decode request body: invalid character 'b'"
    assert _json(normal, {"message": message}) == {
        "message": "request body has an error: failed to decode request body"
    }


def test_bodies_that_are_no_text_or_long_are_hashed(normal):
    assert set(normal.answer(RawAnswer(200, {"content-length": "2"}, b"\xff\xfe"))) == {"status", "length", "sha256"}
    assert set(normal.answer(RawAnswer(200, {"content-length": "1000"}, b"x" * 1000))) == {"status", "length", "sha256"}
    assert normal.answer(RawAnswer(200, {"content-length": "2"}, b"ab")) == {"status": 200, "length": 2, "text": "ab"}


def test_a_store_s_request_is_not_compared(normal):
    message = f"operation error S3, RequestID: 18EAF6EE, HostID: {ONE}, api error NoSuchUpload: gone"
    shown = "operation error S3, RequestID: <request>, HostID: <host>, api error NoSuchUpload: gone"
    assert _json(normal, {"message": message}) == {"message": shown}


def test_what_depends_on_the_installation(normal):
    assert _json(normal, {"comm_prefs_missing": True}) == {"comm_prefs_missing": "<installation>"}


def test_ids_that_the_server_makes_up(normal):
    assert _json(normal, {"id": "4oniahpksduce5ht0ifg", "title": "4oniahpksduce5ht0ifg"})["id"] == "<id:1>"
    assert _json(normal, {"id": "main"}) == {"id": "main"}


def test_times_in_sentences(normal):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for text, shown in ((f"at {now}.", "at <time>."), ("at 2020-02-30T00:00:00Z", "at 2020-02-30T00:00:00Z")):
        assert _json(normal, {"message": text}) == {"message": shown}


def test_a_store_s_errors_are_known_by_their_code(normal):
    data = b'<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code><RequestId>17</RequestId></Error>'
    raw = RawAnswer(404, {"content-type": "application/xml", "server": "x", "vary": "y"}, data)
    shown = {"status": 404, "headers": {"content-type": "application/xml"}, "code": "NoSuchKey"}
    assert normal.answer(raw, of_store=True) == shown


def test_json_without_its_last_newline_is_noticed(normal):
    answer = normal.answer(RawAnswer(200, {"content-type": "application/json"}, b"{}"))
    assert answer["newline"] is False


def test_places_are_filled_from_what_was_saved():
    saved = {"c1": "0123456789"}
    assert filled({"ref": "${c1:4}~1", "x": ["${c1}", 1, None]}, saved) == {
        "ref": "0123~1",
        "x": ["0123456789", 1, None],
    }
    with pytest.raises(KeyError):
        filled("${nope}", saved)


def test_differences_say_where():
    def answered(answer):
        return [{"call": "GET .", "request": {}, "answer": answer}]

    was = {"status": 200, "json": {"results": [{"id": "a"}], "n": 1}}
    for now, place in [
        ({"status": 200, "json": {"results": [{"id": "b"}], "n": 1}}, "/json/results/0/id"),
        ({"status": 200, "json": {"results": [], "n": 1}}, "/json/results"),
        ({"status": 200, "json": {"results": [{"id": "a"}], "n": True}}, "/json/n"),
        ({"status": 200, "json": {"results": [{"id": "a"}]}}, "/json/n"),
        ({"status": 200, "json": {"results": [{"id": "a", "more": 1}], "n": 1}}, "/json/results/0/more"),
    ]:
        assert [each.place for each in golden.differences(answered(was), answered(now))] == [place]
    assert golden.differences(answered(was), answered(was)) == []


def test_a_scenario_that_asks_otherwise_than_its_golden_file_is_refused():
    one = [{"call": "GET .", "request": {"method": "GET"}, "answer": {}}]
    other = [{"call": "GET .", "request": {"method": "GET", "path": "x"}, "answer": {}}]
    with pytest.raises(ValueError, match="record it anew"):
        golden.differences(one, other)


def test_each_store_has_its_folder():
    assert golden.path(scenario("s", get(""))).parent.name == "any"
    assert golden.path(scenario("s", Call("GET", ""), store="s3")).parent.name == "s3"
