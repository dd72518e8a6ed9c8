from __future__ import annotations

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
