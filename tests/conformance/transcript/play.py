"""A scenario played on a server: what it answered, call by call, ready to compare."""

from __future__ import annotations

import dataclasses
import json
import secrets
import time
from typing import Any

from conformance.transcript.calls import Call, Scenario, filled, names, prefixes, request
from conformance.transcript.client import RawAnswer, Server
from conformance.transcript.normal import Normaliser

_PATIENCE = 90


def play(scenario: Scenario, server: Server) -> list[dict[str, Any]]:
    """Every call with its answer; each run has a repository of its own, and leaves it behind."""
    repository = f"transcript-{secrets.token_hex(6)}"
    namespace = f"{server.namespace_prefix}{repository}"
    if scenario.repository:
        _create(server, repository, namespace)
    user = json.loads(server.send(Call("GET", "/user")).data)["user"]["id"]
    normal = Normaliser(repository=repository, namespace=namespace, endpoint=server.endpoint, user=user)
    saved = {"repo": repository, "namespace": namespace}
    transcript = []
    for name, call in zip(names(scenario), scenario.calls, strict=True):
        for key, length in sorted(prefixes(request(call))):
            normal.learn_prefix(saved[key], length)
        raw = _sent(server, _filled(call, saved))
        answer = normal.answer(raw, of_store=call.path.startswith("${"))
        for key, place in call.save.items():
            try:
                saved[key] = raw.value(place)
            except (KeyError, IndexError, TypeError, ValueError) as error:
                text = f"{scenario.name}: {name}: nothing to save as {key!r} in {raw.status} {raw.data[:300]!r}"
                raise LookupError(text) from error
        transcript.append({"call": name, "request": request(call), "answer": answer})
    return transcript


def _create(server: Server, repository: str, namespace: str) -> None:
    body = {"name": repository, "storage_namespace": namespace, "default_branch": "main"}
    answer = server.send(Call("POST", "/repositories", json=body))
    if answer.status != 201:
        raise RuntimeError(f"creating {repository}: {answer.status} {answer.data[:300]!r}")


def _filled(call: Call, saved: dict[str, str]) -> Call:
    path = call.path
    if not path.startswith(("/", "${", "http")):
        path = "/repositories/${repo}" + (f"/{path}" if path else "")
    sent = {key: filled(getattr(call, key), saved) for key in ("query", "headers", "json", "body")}
    return dataclasses.replace(call, path=filled(path, saved), **sent)


def _sent(server: Server, call: Call) -> RawAnswer:
    deadline = time.monotonic() + _PATIENCE
    while True:
        raw = server.send(call)
        if call.until in (None, raw.status) or time.monotonic() > deadline:
            return raw
        time.sleep(0.5)
