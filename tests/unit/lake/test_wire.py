"""Requests: what is repeated and what never is, what errors say, and what they never say."""

from __future__ import annotations

import base64
import io
import socket

import pytest

from lakefs_repro import errors
from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.objects import Objects
from lakefs_repro.lake.wire import Retry, Wire, segment
from lakefs_repro.lake.wire_errors import MAX_MESSAGE, error_for, server_message

SECRET, TOKEN = "s3cr3t-of-the-test", "t0ken-of-the-test"


def hang_up(handler):
    handler.close_connection = True


def cut_short(handler):
    handler.send_response_only(200)
    handler.send_header("Content-Length", "10")
    handler.end_headers()
    handler.wfile.write(b"four")
    handler.close_connection = True


def text_of(error: BaseException) -> str:
    """Everything that a traceback of this error would show."""
    said = ""
    while error is not None:
        said += f"{error} {error!r} {error.args}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return said


def unused_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize(
    ("status", "cls", "kind"),
    [
        (400, errors.InvalidError, "server-refused-request"),
        (401, errors.DeniedError, "wrong-credentials"),
        (403, errors.DeniedError, "forbidden"),
        (404, errors.NotFoundError, "not-found"),
        (409, errors.ConflictError, "conflict"),
        (410, errors.IntegrityError, "object-gone"),
        (412, errors.RejectedError, "precondition-failed"),
        (416, errors.IntegrityError, "range-not-satisfiable"),
        (423, errors.ConflictError, "too-many-attempts"),
        (429, errors.UnavailableError, "too-many-requests"),
        (500, errors.UnavailableError, "server-error"),
        (501, errors.UnavailableError, "not-implemented"),
        (502, errors.UnavailableError, "server-error"),
        (503, errors.UnavailableError, "server-error"),
        (507, errors.UnavailableError, "server-disk-full"),
        (302, errors.UnavailableError, "server-error"),
        (418, errors.UnavailableError, "server-error"),
    ],
)
def test_each_status_becomes_its_error(scripted, wire, status, cls, kind):
    scripted.say(*[status] * 5)
    with pytest.raises(errors.LakefsReproError) as caught:
        wire.call("GET", "/x", doing="do this")
    assert (type(caught.value), caught.value.kind) == (cls, kind)
    assert "do this" in caught.value.message
    assert "scripted" in caught.value.message


def test_a_read_is_tried_five_times_with_growing_waits(scripted, wire, waits):
    scripted.say(503, 500, hang_up, 502, (200, {}, b'{"fine": 1}'))
    assert wire.call("GET", "/x", doing="read").json() == {"fine": 1}
    assert len(scripted.seen) == 5
    for attempt, wait in enumerate(waits):
        assert 0.05 * 2**attempt <= wait <= 0.15 * 2**attempt
    assert len(waits) == 4


def test_a_read_that_fails_five_times_says_so(scripted, wire, waits):
    scripted.say(*[503] * 9)
    with pytest.raises(errors.UnavailableError) as caught:
        wire.call("GET", "/x", doing="read")
    assert not isinstance(caught.value, errors.UnknownOutcomeError)
    assert len(scripted.seen) == 5
    assert len(waits) == 4


@pytest.mark.parametrize(("said", "wait"), [("3", 3.0), ("0", 0.0), ("86400", 10.0)])
def test_retry_after_is_obeyed_up_to_ten_seconds(scripted, wire, waits, said, wait):
    scripted.say((429, {"Retry-After": said}, b""), 200)
    wire.call("GET", "/x", doing="read")
    assert waits == [wait]


@pytest.mark.parametrize("said", ["Wed, 21 Oct 2015 07:28:00 GMT", "-1", "soon", "\u00b2"])
def test_a_retry_after_that_is_no_number_is_ignored(scripted, wire, waits, said):
    scripted.say((503, {"Retry-After": said}, b""), 200)
    wire.call("GET", "/x", doing="read")
    assert len(waits) == 1
    assert 0 < waits[0] < 1


def test_a_refused_write_that_was_not_received_is_sent_again(scripted, wire):
    scripted.say(429, (201, {}, b"{}"))
    wire.call("POST", "/x", doing="write", json_body={"a": 1}, expect=(201,))
    assert [body for *_, body in scripted.seen] == [b'{"a": 1}'] * 2


@pytest.mark.parametrize("loss", [hang_up, 500, 502, 503, 504])
def test_a_write_whose_reply_is_lost_is_sent_once_and_its_outcome_unknown(scripted, wire, waits, loss):
    scripted.say(loss)
    with pytest.raises(errors.UnknownOutcomeError) as caught:
        wire.call("POST", "/commit", doing="commit on main", json_body={})
    assert "commit on main" in caught.value.message
    assert len(scripted.seen) == 1
    assert waits == []


def test_a_write_whose_answer_is_cut_short_has_an_unknown_outcome(scripted, wire):
    scripted.say(cut_short)
    with pytest.raises(errors.UnknownOutcomeError):
        wire.call("POST", "/merge", doing="merge", json_body={})
    assert len(scripted.seen) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 412])
def test_a_refused_write_is_not_repeated(scripted, wire, status):
    scripted.say(status)
    with pytest.raises(errors.LakefsReproError) as caught:
        wire.call("POST", "/x", doing="write", json_body={})
    assert not isinstance(caught.value, errors.UnavailableError)
    assert len(scripted.seen) == 1


def test_a_repeatable_write_is_sent_until_it_is_answered(scripted, wire):
    scripted.say(hang_up, 500, cut_short, (201, {}, b"{}"))
    assert wire.call("POST", "/x", doing="upload", body=b"abc", expect=(200, 201), repeatable=True).status == 201
    assert [body for *_, body in scripted.seen] == [b"abc"] * 4


def test_a_stream_that_was_read_is_never_sent_again(scripted, wire):
    scripted.say(500, (201, {}, b"{}"))
    with pytest.raises(errors.UnavailableError):
        wire.call("POST", "/x", doing="upload", body=io.BytesIO(b"abc"), headers={"Content-Length": "3"},
                  expect=(201,), repeatable=True)  # fmt: skip
    assert len(scripted.seen) == 1


def test_an_answer_that_ends_early_each_time_is_named_so(scripted, wire):
    scripted.say(*[cut_short] * 9)
    with pytest.raises(errors.UnavailableError) as caught:
        wire.call("GET", "/x", doing="read")
    assert caught.value.kind == "answer-cut-off"
    assert len(scripted.seen) == 3


def test_an_answer_that_is_not_json_is_not_from_lakefs(scripted, wire):
    scripted.say((200, {"Content-Type": "text/html"}, b"<html>log in to the hotel</html>"))
    with pytest.raises(errors.UnavailableError) as caught:
        wire.call("GET", "/config", doing="read").json()
    assert caught.value.kind == "not-lakefs"


def test_nobody_at_the_address_is_unreachable_and_a_write_did_not_happen(waits):
    url = unused_url()
    wire = Wire(Endpoint(url, "k", SECRET), retry=Retry(attempts=3, sleep=waits.append))
    for method in ("GET", "POST"):
        with pytest.raises(errors.UnavailableError) as caught:
            wire.call(method, "/x", doing="try")
        assert caught.value.kind == "unreachable"
        assert not isinstance(caught.value, errors.UnknownOutcomeError)
        assert url in caught.value.message
    assert len(waits) == 4


def test_a_redirect_is_not_followed_with_credentials(scripted, wire):
    scripted.say(*[(307, {"Location": "http://127.0.0.1:1/"}, b"")] * 5)
    with pytest.raises(errors.UnavailableError):
        wire.call("GET", "/x", doing="read")
    assert {path for _, path, *_ in scripted.seen} == {"/api/v1/x"}


def test_credentials_are_sent_and_shown_nowhere(scripted, wire):
    scripted.say(401)
    with pytest.raises(errors.DeniedError) as caught:
        wire.call("GET", "/x", doing="read")
    _, _, headers, _ = scripted.seen[0]
    assert headers["Authorization"] == "Basic " + base64.b64encode(f"AKIATEST:{SECRET}".encode()).decode()
    assert headers["X-Session-Token"] == TOKEN
    shown = text_of(caught.value) + repr(wire) + repr(wire.endpoint) + str(wire.endpoint)
    for secret in (SECRET, TOKEN, headers["Authorization"].split()[1]):
        assert secret not in shown


@pytest.mark.parametrize("failure", [403, 503, hang_up])
def test_a_presigned_url_never_stands_in_an_error(scripted, wire, failure):
    signed = f"{scripted.url}/bucket/key?X-Amz-Signature=abcdef0123&X-Amz-Credential=AKIAxyz"
    scripted.say(*[failure] * 5)
    with pytest.raises(errors.LakefsReproError) as caught:
        Objects(wire, "repo").put_part(signed, b"x", {})
    shown = text_of(caught.value)
    assert "abcdef0123" not in shown
    assert "AKIAxyz" not in shown
    assert "/bucket/key" not in shown
    assert "Authorization" not in scripted.seen[0][2]


def test_a_part_is_sent_until_the_store_takes_it(scripted, wire, waits):
    scripted.say(hang_up, 503, 429, (200, {"ETag": '"abc"'}, b""))
    assert Objects(wire, "repo").put_part(scripted.url + "/key?sig=1", b"part", {"Content-MD5": "x"}) == "abc"
    assert [body for *_, body in scripted.seen] == [b"part"] * 4
    assert len(waits) == 3


@pytest.mark.parametrize("failure", [hang_up, 500, 503])
def test_a_store_that_is_down_is_unavailable_so_that_the_upload_can_go_on_later(scripted, wire, failure):
    scripted.say(*[failure] * 9)
    with pytest.raises(errors.UnavailableError) as caught:
        Objects(wire, "repo").put_part(scripted.url, b"part", {})
    assert caught.value.kind == "store-unreachable"
    assert len(scripted.seen) == 5


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_a_part_that_the_store_refuses_is_not_sent_again(scripted, wire, status):
    scripted.say(status)
    with pytest.raises(errors.IntegrityError) as caught:
        Objects(wire, "repo").put_part(scripted.url, b"part", {})
    assert caught.value.kind == "part-refused"
    assert len(scripted.seen) == 1


def test_a_presigned_url_that_the_server_repeats_is_struck_out():
    body = b'{"message": "PUT http://s/b?X-Amz-Signature=abc&X-Amz-Date=1&Signature=def failed"}'
    said = str(error_for(400, body, "upload"))
    assert "abc" not in said
    assert "def " not in said
    assert "X-Amz-Signature=…" in said


def test_what_the_server_says_is_bounded_and_printable():
    assert server_message(b'{"message": "a\\u001b[31mb\\nc"}') == "a [31mb c"
    assert len(server_message(b"x" * 100_000)) == MAX_MESSAGE
    assert server_message(b"\xff\xfe") == "\ufffd\ufffd"
    assert server_message(b'["no", "message"]') == '["no", "message"]'
    assert server_message(b"") == ""


def test_query_values_are_quoted_and_none_is_left_out(scripted, wire):
    params = {"prefix": "a b/&=+ü", "after": None, "flag": True, "objects": ["x", "y"]}
    wire.call("GET", f"/refs/{segment('main~1/x')}", doing="read", params=params)
    assert scripted.seen[0][1] == "/api/v1/refs/main~1%2Fx?prefix=a%20b%2F%26%3D%2B%C3%BC&flag=true&objects=x&objects=y"


@pytest.mark.parametrize("url", ["http://h:1", "http://h:1/", "http://h:1/api/v1", "http://h:1/api/v1/"])
def test_an_address_may_or_may_not_end_in_the_api(url):
    assert Endpoint(url, "k", "s").api == "http://h:1/api/v1"


@pytest.mark.parametrize("url", ["", "h", "h:8000", "ftp://h", "http://", "http://[::1", "file:///etc/passwd"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(errors.InvalidError) as caught:
        Endpoint(url, "k", "s")
    assert caught.value.kind == "bad-endpoint"


def test_credentials_in_an_address_are_refused_and_not_repeated():
    with pytest.raises(errors.InvalidError) as caught:
        Endpoint(f"http://key:{SECRET}@host:8000", "k", "s")
    assert caught.value.kind == "bad-endpoint"
    assert SECRET not in text_of(caught.value)
