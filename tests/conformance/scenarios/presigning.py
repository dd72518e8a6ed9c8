"""Presigned URLs and multipart uploads by them, which lakeFS offers before a store such as S3."""

from __future__ import annotations

from conformance.transcript.calls import Call, commit, delete, get, head, listing, post, put, scenario, upload

_BACKING = "branches/main/staging/backing"
_PARTS = "branches/main/staging/pmpu"
_SUM = "5d41402abc4b2a76b9719d911017c592"
_OTHER_SUM = "795f3202b17cb6bc3d4b771d8c6c9eaf"
_FIVE = b"0123456789abcdef" * 327_680  # the least that a part but the last may have


def _read(path: str, *, ref: str = "main", **options):
    return get(f"refs/{ref}/objects", query={"path": path, "presign": "true"}, **options)


def _stat(path: str, *, ref: str = "main"):
    return get(f"refs/{ref}/objects/stat", query={"path": path, "presign": "true"})


def _link(path: str, address: str = "${address}", *, on: str = "main", headers: dict[str, str] | None = None, **body):
    told = {"staging": {"physical_address": address}, "checksum": _SUM, "size_bytes": 5, **body}
    return put(f"branches/{on}/staging/backing", query={"path": path}, json=told, headers=headers or {})


def _begin(path: str, **query):
    saved = {"address": "physical_address", "upload": "upload_id"}
    return post(_PARTS, query={"path": path, **query}, save=saved)


def _complete(path: str, *parts: tuple[int, str], upload: str = "${upload}", **body):
    listed = [{"part_number": number, "etag": etag} for number, etag in parts]
    told = {"physical_address": "${address}", "parts": listed, **body}
    return put(f"{_PARTS}/{upload}", query={"path": path}, json=told)


SCENARIOS = [
    scenario(
        "presigned-reading",
        upload("a", "hello", headers={"Content-Type": "application/octet-stream"}),
        _read("a", save={"url": "header location"}),
        get("${url}"),
        get("${url}", headers={"Range": "bytes=1-2"}),
        get("${url}", headers={"Range": "bytes=-2"}),
        get("${url}", headers={"Range": "bytes=9-"}),
        get("${url}", headers={"If-None-Match": f'"{_SUM}"'}),
        get("${url}", headers={"If-Match": '"other"'}),
        put("${url}", body="other"),
        delete("${url}"),
        get("${url}x"),
        _read("a", headers={"Range": "bytes=0-1"}),
        _read("a", headers={"If-None-Match": f'"{_SUM}"'}),
        _read("nope"),
        _read("a", ref="nope"),
        head("refs/main/objects", query={"path": "a", "presign": "true"}),
        _stat("a"),
        _stat("nope"),
        commit("a", date=1000),
        listing(presign="true"),
        listing(presign="true", delimiter="/"),
        listing(presign="x"),
        get("refs/main/objects", query={"path": "a", "presign": "x"}),
        store="s3",
    ),
    scenario(
        "presigned-writing",
        get(
            _BACKING,
            query={"path": "up", "presign": "true"},
            save={"address": "physical_address", "url": "presigned_url"},
        ),
        get("${url}"),
        put("${url}", body="hello"),
        _link("up", content_type="text/q", user_metadata={"k": "v"}, mtime=1_600_000_000),
        get("refs/main/objects", query={"path": "up"}),
        get("refs/main/objects/stat", query={"path": "up"}),
        _link("up"),
        _link("up", headers={"If-None-Match": "*"}),
        _link("elsewhere"),
        _link("up", on="nope"),
        _link("up", "${address}x"),
        commit("up", date=1000),
        get(_BACKING, query={"path": "plain"}, save={"address": "physical_address"}),
        _link("plain"),
        get("refs/main/objects", query={"path": "plain"}),
        upload("raw", "hello", save={"raw": "physical_address"}),
        _link("raw2", "${raw}"),
        put(
            "branches/main/objects",
            query={"path": "s"},
            json={"physical_address": "${raw}", "checksum": _SUM, "size_bytes": 5},
        ),
        get("refs/main/objects", query={"path": "s"}),
        get(_BACKING, query={"path": "x", "presign": "perhaps"}),
        get(_BACKING, query={"presign": "true"}),
        get("branches/nope/staging/backing", query={"path": "x", "presign": "true"}),
        _link("up", "s3://elsewhere/x"),
        _link("up", ""),
        store="s3",
    ),
    scenario(
        "presigned-parts",
        post(
            _PARTS,
            query={"path": "big", "parts": 2},
            save={
                "address": "physical_address",
                "upload": "upload_id",
                "one": "presigned_urls/0",
                "two": "presigned_urls/1",
            },
        ),
        Call("PUT", "${one}", body=_FIVE, save={"tag1": "header etag"}),
        Call("PUT", "${two}", body="tail", save={"tag2": "header etag"}),
        _complete("big", (1, "${tag1}"), (2, "${tag2}"), content_type="text/q", user_metadata={"k": "v"}),
        get("refs/main/objects/stat", query={"path": "big"}),
        get("refs/main/objects", query={"path": "big"}, headers={"Range": "bytes=-6"}),
        _complete("big", (1, "${tag1}"), (2, "${tag2}")),
        commit("big", date=1000),
        head("refs/main/objects", query={"path": "big"}),
        store="s3",
    ),
    scenario(
        "presigned-parts-refused",
        post(_PARTS),
        post(_PARTS, query={"path": ""}),
        post(_PARTS, query={"path": "big", "parts": "x"}),
        post(_PARTS, query={"path": "big", "parts": -1}),
        post(_PARTS, query={"path": "big", "parts": 10_001}),
        post("branches/nope/staging/pmpu", query={"path": "big"}),
        _begin("big"),
        _complete("elsewhere", (1, _OTHER_SUM)),
        _complete("big"),
        put(f"{_PARTS}/${{upload}}", query={"path": "big"}, json={}),
        put(f"{_PARTS}/${{upload}}", query={"path": "big"}, json={"physical_address": "${address}"}),
        put(f"{_PARTS}/${{upload}}", json={"physical_address": "${address}", "parts": []}),
        put(f"{_PARTS}/${{upload}}/parts/1", query={"path": "big"}, json={"physical_address": "${address}"}),
        put(f"{_PARTS}/${{upload}}/parts/x", query={"path": "big"}, json={"physical_address": "${address}"}),
        put(f"{_PARTS}/${{upload}}/parts/1", query={"path": "other"}, json={"physical_address": "${address}"}),
        put(f"{_PARTS}/${{upload}}/parts/1", query={"path": "big"}, json={}),
        delete(f"{_PARTS}/${{upload}}", query={"path": "big"}, json={}),
        delete(f"{_PARTS}/${{upload}}", query={"path": "other"}, json={"physical_address": "${address}"}),
        delete(f"{_PARTS}/${{upload}}", query={"path": "big"}, json={"physical_address": "${address}"}),
        delete(f"{_PARTS}/${{upload}}", json={"physical_address": "${address}"}),
        get("refs/main/objects/stat", query={"path": "big"}),
        store="s3",
    ),
]
