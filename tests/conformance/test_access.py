from __future__ import annotations

import time
from base64 import b64encode

import pytest


@pytest.mark.parametrize("header", [None, "Basic !!!", "Bearer abc", "Basic " + b64encode(b"AKIAX:wrong").decode()])
def test_wrong_credentials_are_refused(engine, header):
    headers = {"Authorization": header} if header else {}
    for path in ("/repositories", "/config", "/repositories/none/refs/main/objects?path=a"):
        answer = engine.call("GET", path, headers=headers, authorized=False)
        assert (answer.status, answer.message) == (401, "error authenticating request")


def test_health_needs_no_credentials(engine):
    assert engine.call("GET", "/healthcheck", authorized=False).status == 204


@pytest.mark.parametrize(("method", "path"), [("GET", "/nosuch"), ("PATCH", "/repositories/x"), ("GET", "/config/")])
def test_unknown_endpoint(engine, method, path):
    answer = engine.call(method, path)
    assert (answer.status, answer.message) == (404, "invalid API endpoint")


def test_config_says_what_the_storage_can_do(engine):
    config = engine.call("GET", "/config").json
    assert set(config) - {"embedded"} == {
        "capabilities_config",
        "storage_config",
        "storage_config_list",
        "ui_config",
        "version_config",
    }
    assert config["storage_config"] == engine.call("GET", "/config/storage").json
    assert config["version_config"]["version"] == engine.call("GET", "/config/version").json["version"]
    assert engine.call("GET", "/config/garbage-collection").json == {"grace_period": 86400}


def test_setup_state_and_user(engine):
    assert engine.call("GET", "/setup_lakefs", authorized=False).json["state"] == "initialized"
    assert engine.call("GET", "/user").json["user"]["id"]


def test_errors_are_json(engine):
    answer = engine.call("GET", "/repositories/none-such")
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == {"message": "repository not found"}


@pytest.mark.parametrize("amount", ["1001", "-2", "x"])
def test_amount_is_checked(repo, amount):
    answer = repo.call("GET", "/branches", fields={"amount": amount})
    assert answer.status == 400
    assert answer.message.startswith('parameter "amount" in query has an error')


def test_broken_and_mistyped_bodies(repo):
    broken = repo.call("POST", "/branches/main/commits", body=b"{bad", headers={"Content-Type": "application/json"})
    assert broken.status == 400
    assert broken.message.startswith("request body has an error: failed to decode request body")
    for body in ({}, {"message": 1}, {"message": "m", "metadata": {"a": 1}}):
        answer = repo.call("POST", "/branches/main/commits", json=body)
        assert answer.status == 400
        assert "CommitCreation" in answer.message
    typed = repo.call("POST", "/branches/main/commits", body=b"{}", headers={"Content-Type": "text/plain"})
    assert typed.status == 400


def test_beside_the_api_there_is_a_health_page_and_nothing_else(embedded_engine):
    alive = embedded_engine.pool.request("GET", f"{embedded_engine.endpoint}/_health")
    assert (alive.status, alive.data[:7]) == (200, b"alive! ")
    assert alive.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert embedded_engine.pool.request("GET", f"{embedded_engine.endpoint}/none").status == 404
    head = embedded_engine.pool.request("HEAD", f"{embedded_engine.endpoint}/_health")
    assert (head.status, head.data) == (200, b"")


def logged_in(engine):
    body = {"access_key_id": engine.access_key_id, "secret_access_key": engine.secret_access_key}
    answer = engine.call("POST", "/auth/login", json=body, authorized=False)
    assert answer.status == 200, answer.data
    return answer


def admitted(engine, **headers: str) -> bool:
    sent = {name.capitalize(): value for name, value in headers.items()}
    answer = engine.call("GET", "/repositories?amount=1", headers=sent, authorized=False)
    assert answer.status in {200, 401}
    return answer.status == 200


def test_a_login_gives_a_token_and_a_cookie(engine):
    answer = logged_in(engine)
    assert set(answer.json) == {"token", "token_expiration"}
    assert 6 * 86_400 < answer.json["token_expiration"] - time.time() < 8 * 86_400
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("internal_auth_session=")
    for attribute in ("Path=/", "Max-Age=2592000", "HttpOnly", "SameSite=Lax"):
        assert attribute in cookie.split("; ")
    token, session = answer.json["token"], cookie.partition(";")[0]
    assert admitted(engine, authorization=f"Bearer {token}")
    assert admitted(engine, authorization=f"bearer {token}")
    assert admitted(engine, cookie=session)
    assert admitted(engine, cookie=f"a=b; {session}")
    assert admitted(engine, cookie=session, authorization="Basic AAAA")
    assert not admitted(engine, cookie=session, authorization="Bearer AAAA")


def test_tokens_that_are_none(engine):
    token = logged_in(engine).json["token"]
    head, claims, signature = token.split(".")
    forged = b64encode(b'{"aud":"login","exp":9999999999,"iss":"auth","sub":"admin"}').decode().rstrip("=")
    wrong = [f"{head}.{forged}.{signature}", f"{head}.{claims}.", f"{head}.{claims}", "..", "", f"{token}x", "x\xe9"]
    for each in wrong:
        assert not admitted(engine, authorization=f"Bearer {each}"), each
    assert not admitted(engine, cookie="internal_auth_session=x")


def test_logins_that_fail(engine):
    right = {"access_key_id": engine.access_key_id, "secret_access_key": engine.secret_access_key}
    for wrong in ({"secret_access_key": "x"}, {"access_key_id": "x"}, {"secret_access_key": ""}):
        answer = engine.call("POST", "/auth/login", json={**right, **wrong}, authorized=False)
        assert (answer.status, answer.message) == (401, "error authenticating request")
        assert "Set-Cookie" not in answer.headers
    assert engine.call("POST", "/auth/login", json={}, authorized=False).status == 400
    assert engine.call("POST", "/auth/login", authorized=False).status == 401


def test_setting_up_again_is_refused(engine):
    again = engine.call("POST", "/setup_lakefs", json={"username": "x"}, authorized=False)
    assert (again.status, again.message) == (409, "lakeFS already initialized")
    assert engine.call("POST", "/setup_lakefs", json={}, authorized=False).status == 400
    assert engine.call("POST", "/setup_lakefs", json={"username": "x", "key": {}}, authorized=False).status == 400


def test_there_is_one_user(engine):
    (user,) = engine.call("GET", "/auth/users").json["results"]
    assert engine.call("GET", f"/auth/users/{user['id']}").json == user == engine.call("GET", "/user").json["user"]
    for method in ("GET", "DELETE"):
        absent = engine.call(method, "/auth/users/nobody")
        assert (absent.status, absent.message) == (404, "user not found")
    second = engine.call("POST", "/auth/users", json={"id": "second"})
    assert (second.status, second.message) == (409, "Already exists")
    unnamed = engine.call("POST", "/auth/users", json={"id": ""})
    assert (unnamed.status, unnamed.message) == (400, "empty name: validation error")
    key = f"/auth/users/{user['id']}/credentials"
    assert engine.call("GET", f"{key}/{engine.access_key_id}").json == {
        "access_key_id": engine.access_key_id,
        "creation_date": user["creation_date"],
    }
    for path in (f"{key}/none", f"/auth/users/nobody/credentials/{engine.access_key_id}"):
        absent = engine.call("GET", path)
        assert (absent.status, absent.message) == (404, "credentials not found")
    more = engine.call("POST", key)
    assert (more.status, more.message) == (400, "exceeded number of allowed credentials: invalid request")
    assert engine.call("POST", "/auth/users/nobody/credentials").status == 404
    assert engine.call("GET", "/auth/capabilities", authorized=False).json == {"invite_user": False}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/groups"),
        ("GET", "/auth/policies"),
        ("GET", "/auth/users/admin/credentials"),
        ("GET", "/auth/users/admin/groups"),
        ("GET", "/auth/users/admin/policies"),
        ("DELETE", "/auth/users/admin/credentials/none"),
    ],
)
def test_there_are_no_groups_and_policies(engine, method, path):
    assert engine.call(method, path).status == 501


def test_the_embedded_engine_keeps_its_user(embedded_engine):
    assert embedded_engine.call("DELETE", "/auth/users/admin").status == 501
    assert embedded_engine.call("GET", "/user").status == 200
