"""Staging addresses, linking and staging."""

from __future__ import annotations

from conformance.transcript.calls import branch, commit, delete, get, listing, post, put, scenario, upload

_BACKING = "branches/main/staging/backing"
_FOLDER = {"path": "local:///folder/", "destination": "d/", "type": "common_prefix"}
_SUM = "5d41402abc4b2a76b9719d911017c592"


def _link(path: str, *, on: str = "main", headers: dict[str, str] | None = None, **body):
    query = {"path": path}
    return put(f"branches/{on}/staging/backing", query=query, json=body, headers=headers or {})


def _linked(path: str, address: str = "${address}", *, headers: dict[str, str] | None = None, **body):
    told = {"staging": {"physical_address": address}, "checksum": _SUM, "size_bytes": 5, **body}
    return _link(path, headers=headers, **told)


def _stage(path: str, **body):
    return put("branches/main/objects", query={"path": path}, json=body)


SCENARIOS = [
    scenario(
        "staging",
        get(_BACKING, query={"path": "l/a"}, save={"address": "physical_address"}),
        _linked("l/a", content_type="text/q", user_metadata={"k": "v"}, mtime=1_600_000_000),
        get("refs/main/objects/stat", query={"path": "l/a"}),
        get("branches/main/diff"),
        get("refs/main/objects", query={"path": "l/a"}),
        _linked("l/a"),
        _linked("l/a", checksum=f'"{_SUM}"'),
        _linked("l/a", headers={"If-None-Match": "*"}),
        _linked("l/a", headers={"If-None-Match": '"x"'}),
        _linked("l/a", headers={"If-Match": '"x"'}),
        commit("linked", date=1000),
        listing(),
    ),
    scenario(
        "staging-refused",
        get(_BACKING),
        get(_BACKING, query={"path": ""}),
        get(_BACKING, query={"path": "x" * 1025}),
        get(_BACKING, query={"path": "x", "presign": "x"}),
        get("branches/nope/staging/backing", query={"path": "x"}),
        get("branches/a.b/staging/backing", query={"path": "x"}),
        get(_BACKING, query={"path": "a"}, save={"address": "physical_address"}),
        _link("a", checksum=_SUM, size_bytes=5),
        _link("a", staging={"physical_address": "${address}"}, size_bytes=5),
        _link("a", staging={"physical_address": "${address}"}, checksum=_SUM),
        _link("a"),
        _linked("a", size_bytes="5"),
        _linked("a", size_bytes=1.5),
        _linked("a", checksum=1),
        _linked("a", mtime="now"),
        _linked("a", user_metadata={"k": 1}),
        _linked("a", "s3://elsewhere/x"),
        put(_BACKING, json={"staging": {"physical_address": "${address}"}, "checksum": _SUM, "size_bytes": 5}),
        _link("a", on="nope", staging={"physical_address": "${address}"}, checksum=_SUM, size_bytes=5),
        _link("a", on="a.b", staging={"physical_address": "${address}"}, checksum=_SUM, size_bytes=5),
        branch("topic"),
        put(_BACKING, query={"path": "a"}, body="{", headers={"Content-Type": "application/json"}),
        put(_BACKING, query={"path": "a"}, body="{}", headers={"Content-Type": "text/plain"}),
        store="local",
    ),
    scenario(
        "stage-object",
        upload("a", "hello", save={"address": "physical_address"}),
        _stage(
            "b", physical_address="${address}", checksum=_SUM, size_bytes=5, content_type="text/q", mtime=1_600_000_000
        ),
        get("refs/main/objects", query={"path": "b"}),
        _stage("c", physical_address="${address}", checksum=_SUM, size_bytes=5, metadata={"k": "v"}),
        _stage("c", physical_address="${address}", checksum=_SUM),
        _stage("c", physical_address="${address}", size_bytes=5),
        _stage("c", checksum=_SUM, size_bytes=5),
        _stage("c", physical_address=1, checksum=_SUM, size_bytes=5),
        _stage("c", physical_address="${address}", checksum=_SUM, size_bytes="5"),
        _stage("c", physical_address="${address}", checksum=_SUM, size_bytes=5, metadata={"k": 1}),
        _stage("c", physical_address="s3://elsewhere/x", checksum=_SUM, size_bytes=5),
        _stage("", physical_address="${address}", checksum=_SUM, size_bytes=5),
        put(
            "branches/nope/objects",
            query={"path": "c"},
            json={"physical_address": "${address}", "checksum": _SUM, "size_bytes": 5},
        ),
        listing(),
        store="local",
    ),
    scenario(
        "import-refused",
        post("branches/main/import", json={}),
        post("branches/main/import", json={"paths": []}),
        post("branches/main/import", json={"commit": {"message": "m"}}),
        post("branches/main/import", json={"paths": [], "commit": {"message": "m"}}),
        post("branches/main/import", json={"paths": [{}], "commit": {"message": "m"}}),
        post("branches/main/import", json={"paths": [{**_FOLDER, "type": "x"}], "commit": {"message": "m"}}),
        post("branches/main/import", json={"paths": [{**_FOLDER, "path": 1}], "commit": {"message": "m"}}),
        post("branches/main/import", json={"paths": [_FOLDER], "commit": {}}),
        post("branches/main/import", json={"paths": [_FOLDER], "commit": {"message": 1}}),
        post("branches/main/import", body="{", headers={"Content-Type": "application/json"}),
        get("branches/main/import"),
        get("branches/main/import", query={"id": ""}),
        get("branches/main/import", query={"id": "nope"}),
        delete("branches/main/import"),
        delete("branches/main/import", query={"id": "nope"}),
        store="local",
    ),
]
