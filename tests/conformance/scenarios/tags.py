"""Tags, and the expressions that name commits."""

from __future__ import annotations

from conformance.transcript.calls import branch, commit, delete, get, listing, log, merge, post, scenario, tag, upload

_EXPRESSIONS = (
    "main", "main~0", "main^0", "main~", "main^", "main~2", "main^^", "main~1~1", "main^2", "main^2~1", "main%40", "main@",
    "v1", "v1~1", "${w:12}", "${w:12}~1", "${w}^", "main%7E1", "main%5E2",
)  # fmt: skip
_NOTHING = ("nope", "main~99", "MAIN", "work2", "nope~1", "%20", "0123456789abcdef")
_IMPOSSIBLE = (
    "main^3",
    "v1@",
    "v1$",
    "main@~1",
    "main$~1",
    "main~1@",
    "@",
    "~1",
    "main~x",
    "main@{1}",
    "^",
    "$",
    "main~9223372036854775808",
    "main^9223372036854775808",
    "main~+1",
    "main~-9223372036854775809",
    "main~-1",
)


def _history():
    """main = merge of topic (w) into a line a, b; v1 is b."""
    return [
        upload("a"),
        commit("a", save="a", date=1000),
        branch("topic"),
        upload("w", branch="topic"),
        commit("w", branch="topic", save="w", date=2000),
        upload("b"),
        commit("b", save="b", date=3000),
        merge("topic", save="m", message="m"),
        tag("v1", "${b}"),
    ]


SCENARIOS = [
    scenario(
        "tags",
        upload("a"),
        commit("a", save="c1", date=1000),
        tag("v1.0"),
        get("tags/v1.0"),
        tag("v1.0"),
        tag("v1.0", force=True),
        tag("old", "main~1"),
        tag("short", "${c1:9}"),
        tag("of-tag", "old"),
        tag("x", "nope"),
        tag("x", "main~9"),
        tag("x", "main^3"),
        tag("x", "main$"),
        tag("x", "main@"),
        tag("main"),
        tag("${c1}"),
        tag("y", ""),
        post("tags", json={"id": "y"}),
        post("tags", json={"ref": "main"}),
        post("tags", json={"id": 1, "ref": "main"}),
        post("tags", json={}),
        post("tags", body="nonsense", headers={"Content-Type": "application/json"}),
        get("tags/nope"),
        get("tags/main"),
        get("tags/a%2Fb"),
        delete("tags/v1.0"),
        delete("tags/v1.0"),
        delete("tags/main"),
        get("tags/v1.0"),
    ),
    scenario(
        "tags-named",
        *[
            tag(name)
            for name in ("a b", "a:b", "a^b", "a?", "a*", "a[", "a\\", "a..b", "a.", "a.lock", "a/b", "a@{b", "@", "")
        ],
        *[tag(name) for name in ("1.0.0", "a+b", "a@b", "a~b", ".a", "-a", "é", "a{", "a%b", "a&b")],
        get("tags/a+b"),
        get("tags/a%2Bb"),
        get("tags/%C3%A9"),
        get("tags/a%25b"),
        get("tags"),
    ),
    scenario(
        "tags-listed",
        tag("v1"),
        tag("v2"),
        tag("w1"),
        get("tags"),
        get("tags", query={"prefix": "v", "amount": 1}),
        get("tags", query={"prefix": "v", "after": "v1"}),
        get("tags", query={"after": "zz"}),
        get("tags", query={"prefix": "none"}),
        get("tags", query={"amount": 1001}),
        get("tags", query={"amount": "x"}),
    ),
    scenario(
        "refs-commits",
        _history(),
        *[get(f"commits/{each}") for each in _EXPRESSIONS],
        *[get(f"commits/{each}") for each in _NOTHING],
        *[get(f"commits/{each}") for each in _IMPOSSIBLE],
    ),
    scenario(
        "refs-listings",
        _history(),
        upload("staged"),
        listing("main"),
        listing("main$"),
        listing("main%24"),
        listing("main@"),
        listing("v1"),
        listing("${w:12}"),
        *[listing(each, amount=1) for each in _NOTHING],
        *[listing(each) for each in _IMPOSSIBLE],
    ),
    scenario(
        "refs-logs",
        _history(),
        log("main^2", amount=1),
        log("v1"),
        log("${w:12}", amount=1),
        log("main$"),
        log("main@", amount=1),
        *[log(each) for each in _NOTHING],
        *[log(each) for each in _IMPOSSIBLE],
    ),
    scenario(
        "refs-objects",
        _history(),
        *[get(f"refs/{each}/objects", query={"path": "a"}) for each in ("main~1", "nope", "main^3", "v1@", "main@~1")],
        *[get(f"refs/{each}/objects/stat", query={"path": "a"}) for each in ("v1", "nope", "main~99", "main^3", "$")],
        get("refs/main/diff/main^3"),
        get("refs/main^3/diff/main"),
        get("refs/nope/diff/main"),
        get("refs/main/diff/nope"),
        get("refs/main/merge/main^3"),
        get("refs/nope/merge/main"),
    ),
    scenario(
        "refs-taken",
        _history(),
        tag("${w:8}", "main"),
        get("commits/${w:8}"),
        branch("${a:8}", "main"),
        get("commits/${a:8}"),
        get("commits/${b:8}"),
        listing("${a:8}", amount=1),
    ),
]
