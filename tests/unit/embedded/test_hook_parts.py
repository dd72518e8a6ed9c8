"""Hooks in detail: what lakeFS can't be asked about, or not quickly."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakefs_repro.embedded.hooks import actions, conditions, webhook
from lakefs_repro.embedded.hooks.actions import ActionError, GlobError, matches, parse
from lakefs_repro.embedded.hooks.conditions import ConditionError, holds
from lakefs_repro.embedded.hooks.webhook import PropertyError, duration, prepared
from lakefs_repro.embedded.store.runs import RunIds

GOOD = b"name: act\non:\n  pre-commit:\nhooks:\n  - id: one\n    type: webhook\n    properties: {url: http://h}\n"


@given(st.binary(max_size=200))
def test_no_file_does_worse_than_being_refused(text):
    with contextlib.suppress(ActionError):
        parse(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_no_value_in_any_place_does_worse_than_being_refused(value):
    import yaml

    for place in ("name", "on", "hooks"):
        whole = {**yaml.safe_load(GOOD.replace(b"on:", b"'on':")), place: value}
        with contextlib.suppress(ActionError):
            parse(yaml.safe_dump(whole).encode())


def test_on_is_a_key_and_not_a_truth():
    assert set(parse(GOOD).on) == {"pre-commit"}
    assert parse(GOOD.replace(b"id: one", b"id: one\n    if: true")).hooks[0].condition == "true"


def test_aliases_are_counted_as_what_they_stand_for():
    levels = ["a: &a0 [x, x, x, x, x, x, x, x, x]", *(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)
    )]  # fmt: skip
    bomb = "\n".join([*levels, "name: act", "on:", "  pre-commit:", "    branches: *a8", ""])
    assert len(bomb) < 1024
    with pytest.raises(ActionError, match="excessive aliasing"):
        parse(bomb.encode())
    with pytest.raises(ActionError, match="excessive aliasing"):
        parse(b"name: act\non: &on\n  pre-commit: [*on]\n")


def test_yaml_bomb_is_no_bomb():
    bomb = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
    )
    with pytest.raises(ActionError):
        parse(bomb.encode())


@pytest.mark.parametrize("kind", ["airflow", "lua"])
def test_other_kinds_are_read_with_what_they_need(kind):
    text = f"name: act\non: {{pre-commit: {{}}}}\nhooks:\n  - id: one\n    type: {kind}\n    properties: {{x: 1}}\n"
    with pytest.raises(ActionError, match="must be supplied in properties"):
        parse(text.encode())


@pytest.mark.parametrize("pattern", ["[", "[]", "[a", "[^]", "a\\", "[b-a]", "[-a]"])
def test_pattern_that_is_none(pattern):
    with pytest.raises(GlobError, match="syntax error in pattern"):
        matches(pattern, "main")


@given(st.text(), st.text(alphabet="abc-_", max_size=5))
def test_any_pattern_is_read_or_refused(pattern, name):
    with contextlib.suppress(GlobError):
        matches(pattern, name)


@given(st.text(alphabet="abcABC012_-", max_size=9))
def test_name_is_its_own_pattern(name):
    assert matches(name, name)
    assert matches("*", name)


@given(st.text(alphabet="()!&|=?: truefalsnd\"'1x", max_size=40), st.booleans())
def test_any_condition_is_true_false_or_an_error(text, failed):
    with contextlib.suppress(ConditionError):
        assert holds(text, failed=failed) in {True, False}


def test_conditions_after_a_failure():
    assert not holds("", failed=True)
    assert holds("failure()", failed=True)
    assert holds("success() ? false : failure()", failed=True)
    assert holds("nil == foo", failed=True)
    assert holds("'a' == \"a\" and 1.50 != 2", failed=True)
    with pytest.raises(ConditionError):
        holds("(" * 4000 + "true", failed=False)


DURATIONS = {"1m30s": 90, "1.5h": 5400, "300ms": 0.3, "2us": 2e-6, "5ns": 5e-9, "-5s": -5, "+1s": 1, "0": 0, ".5s": 0.5}


@pytest.mark.parametrize("text", DURATIONS)
def test_duration(text):
    assert duration(text) == pytest.approx(DURATIONS[text])


@pytest.mark.parametrize("text", ["", "5", "s", "1d", "1s2", "1 s", "--1s", "1s-1s", "+", "."])
def test_what_is_no_duration(text):
    if text:
        with pytest.raises(PropertyError):
            duration(text)
    assert prepared({"url": "http://h", "timeout": ""}).seconds == 60


def test_secret_is_sent_and_not_kept(receiver, monkeypatch):
    monkeypatch.setenv("LAKEFSACTION_TOKEN", "s3cret")
    request = prepared({"url": f"{receiver.url}/x", "headers": {"X-T": "Bearer {{ ENV.LAKEFSACTION_TOKEN }}"}})
    log, problem = request.run(b"{}")
    assert problem == ""
    assert receiver.calls[0][1]["X-T"] == "Bearer s3cret"
    assert "s3cret" not in log
    assert "{{ ENV.LAKEFSACTION_TOKEN }}" in log


def test_headers_that_trickle_are_cut_off(receiver):
    def answer(handler):
        for _ in range(40):
            handler.wfile.write(b"H")
            handler.wfile.flush()
            time.sleep(0.2)

    receiver.answer = answer
    begun = time.monotonic()
    _, problem = prepared({"url": receiver.url, "timeout": "500ms"}).run(b"{}")
    assert "context deadline exceeded" in problem
    assert time.monotonic() - begun < 3


def test_password_of_the_address_is_in_no_log(receiver):
    log, _ = prepared({"url": receiver.url.replace("http://", "http://u:s3cret@")}).run(b"{}")
    assert "s3cret" not in log
    assert "POST http://u:***@127.0.0.1" in log


@pytest.mark.parametrize("url", ["not a url", "", "ftp://h/x", "http://", "http://[::1", "file:///etc/passwd"])
def test_address_that_leads_nowhere_is_a_failure(url):
    _, problem = prepared({"url": url, "timeout": "1s"}).run(b"{}")
    assert problem.startswith(f'Post "{url}": ')


def test_header_that_would_smuggle_another_is_a_failure(receiver):
    _, problem = prepared({"url": receiver.url, "headers": {"X-A": "a\r\nX-B: b"}}).run(b"{}")
    assert problem
    assert receiver.calls == []


def test_run_ids_sort_newest_second_first_and_then_by_age():
    ids = RunIds()
    first, second, later = ids.make(1000), ids.make(1000), ids.make(1001)
    assert later < first < second
    assert {len(each) for each in (first, second, later)} == {20}


def test_modules_of_hooks_are_loaded_only_where_there_are_some():
    import subprocess
    import sys

    code = "import sys, lakefs_repro.embedded.app; print({'yaml', 'urllib3'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
    assert actions.PREFIX == "_lakefs_actions/"
    assert webhook.__doc__
    assert conditions.__doc__
