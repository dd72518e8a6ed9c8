"""What the server says of itself, who may ask, and where it has nothing."""

from __future__ import annotations

from conformance.transcript.calls import Call, delete, get, head, patch, post, put, scenario

_WRONG = {
    "nothing": {},
    "no base64": {"Authorization": "Basic !!!"},
    "unknown key": {"Authorization": "Basic QUtJQVg6d3Jvbmc="},
    "no colon": {"Authorization": "Basic QUtJQVg="},
    "bearer": {"Authorization": "Bearer abc"},
    "other scheme": {"Authorization": "Digest abc"},
    "empty": {"Authorization": ""},
}


SCENARIOS = [
    scenario(
        "server",
        get("/config"),
        get("/config/storage"),
        get("/config/version"),
        get("/config/garbage-collection"),
        get("/user"),
        get("/healthcheck"),
        get("/healthcheck", authorized=False),
        get("/auth/capabilities"),
        get("/auth/users/nobody"),
        post("/statistics", json={"events": [{"class": "a", "name": "b", "count": 1}]}),
        post("/statistics", json={"events": []}),
        post("/statistics", json={}),
        post("/statistics", json={"events": [{"class": "a"}]}),
        post("/statistics", json={"events": [{"class": "a", "name": "b", "count": "x"}]}),
        post("/statistics", json={"events": [{"class": 1, "name": "b", "count": 1}]}),
        store="local",
        repository=False,
    ),
    scenario(
        "server-credentials",
        *[
            Call(method, path, headers=headers, authorized=False)
            for headers in _WRONG.values()
            for method, path in (("GET", "/repositories"), ("HEAD", "refs/main/objects?path=a"))
        ],
        get("/config", authorized=False),
        get("/config/version", authorized=False),
        get("/config/storage", authorized=False),
        get("/user", authorized=False),
        get("/user", headers=_WRONG["unknown key"], authorized=False),
        get("/repositories/nope", authorized=False),
        post("/repositories", json={}, authorized=False),
        post("/repositories", body="{bad", headers={"Content-Type": "application/json"}, authorized=False),
        post("branches/main/objects?path=a", body="x", authorized=False),
        post("branches/main/objects", body="x", authorized=False),
        get("/repositories?amount=x", authorized=False),
        delete("", authorized=False),
        get("/nosuch", authorized=False),
        post("/statistics", json={"events": []}, authorized=False),
    ),
    scenario(
        "server-nothing-there",
        get("/nosuch"),
        get("/"),
        get(""),
        get("/repositories/"),
        get("/config/"),
        get("branches/"),
        get("branches/main/"),
        get("branches/main/nosuch"),
        get("nosuch"),
        patch(""),
        put("", json={}),
        post("", json={}),
        delete("branches"),
        put("tags/t", json={}),
        post("refs/main/objects?path=a", body="x"),
        put("refs/main/objects?path=a", body="x"),
        delete("refs/main/objects?path=a"),
        post("/config", json={}),
        head("/config"),
        head("/healthcheck"),
        head(""),
        Call("OPTIONS", "/repositories"),
        Call("BREW", "/repositories"),
        get("/repositories//branches"),
        get("/REPOSITORIES"),
        get("branches//objects"),
        get("branches/main/../main"),
        get("branches/%2e%2e"),
        get("branches/ma%69n"),
        get("branches/main%2F"),
        get("branches/main?nonsense=1"),
        get("refs/main%2Fx/objects/ls"),
        get("refs/a%20b/objects/ls"),
        get("refs/a+b/objects/ls"),
        get("refs/%C3%A9/objects/ls"),
    ),
]
