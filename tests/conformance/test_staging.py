from __future__ import annotations

import hashlib
from pathlib import Path

import pytest


@pytest.fixture
def address(repo):
    if repo.engine.call("GET", "/config/storage").json["blockstore_type"] != "local":
        pytest.skip("writing to an address needs a local block store")
    answer = repo.call("GET", "/branches/main/staging/backing", fields={"path": "l"})
    assert answer.status == 200
    assert answer.json["presigned_url"] is None
    return answer.json["physical_address"]


def _link(repo, address, path="l", data=b"linked", **more):
    body = {
        "staging": {"physical_address": address},
        "checksum": hashlib.md5(data).hexdigest(),
        "size_bytes": len(data),
        **more,
    }
    return repo.call("PUT", "/branches/main/staging/backing", fields={"path": path}, json=body)


def test_written_and_linked_file_becomes_an_object(repo, address):
    target = Path(address.partition(",")[0].removeprefix("local://"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_name(target.name + address[len(address.partition(",")[0]) :]).write_bytes(b"linked")
    target.write_bytes(b"linked")
    linked = _link(repo, address, content_type="text/x", user_metadata={"A": "b"}, mtime=1_600_000_000)
    assert linked.status == 200
    assert linked.json["physical_address"] == address
    assert (linked.json["mtime"], linked.json["content_type"]) == (1_600_000_000, "text/x")
    assert linked.json["metadata"] == {"A": "b"}
    assert repo.get("l").data == b"linked"
    assert repo.commit().status == 201
    assert repo.get("l").data == b"linked"


def test_never_written_address_links_and_then_is_gone(repo, address):
    assert _link(repo, address).status == 200
    assert repo.stat("l").status == 200
    assert repo.get("l", method="HEAD").status == 200
    answer = repo.get("l")
    assert (answer.status, answer.message) == (410, "No data")


def test_link_only_where_nothing_is(repo, address):
    repo.put("l")
    body = {"staging": {"physical_address": address}, "checksum": "abc", "size_bytes": 3}
    answer = repo.call(
        "PUT", "/branches/main/staging/backing", fields={"path": "l"}, json=body, headers={"If-None-Match": "*"}
    )
    assert (answer.status, answer.message) == (412, "Precondition failed")


def test_object_staged_at_another_object_s_address_is_readable(repo):
    stats = repo.put("a", b"hello").json
    body = {
        "physical_address": stats["physical_address"],
        "checksum": stats["checksum"],
        "size_bytes": stats["size_bytes"],
        "content_type": "text/q",
    }
    staged = repo.call("PUT", "/branches/main/objects", fields={"path": "b"}, json=body)
    assert staged.status == 201
    assert repo.get("b").data == b"hello"
    assert repo.get("b").headers["Content-Type"] == "text/q"


def test_foreign_addresses_are_refused(repo):
    if repo.engine.call("GET", "/config/storage").json["blockstore_type"] != "local":
        pytest.skip("which addresses are foreign depends on the block store")
    for address, status in [("s3://elsewhere/x", 400), ("local:///etc/passwd", 403)]:
        body = {"physical_address": address, "checksum": "abc", "size_bytes": 3}
        answer = repo.call("PUT", "/branches/main/objects", fields={"path": "b"}, json=body)
        assert answer.status == status
        assert repo.get("b").status == 404


@pytest.mark.parametrize(
    "name",
    ["n\0ul", "a" * 300, "d/" * 5000 + "d", "a" * 300 + "/b", "\0"],
    ids=["nul", "long", "deep", "long-folder", "only-nul"],
)
def test_addresses_that_no_file_can_have(repo, address, name):
    """They link as any other: nothing is looked at before somebody reads."""
    folder = address.rpartition("/data/")[0].replace(repo.name, f"{repo.name}-other") + "/data"
    Path(folder.removeprefix("local://")).mkdir(parents=True)
    assert _link(repo, f"{folder}/{name}").status == 200
    refused = repo.get("l")
    # lakeFS: 500 with the system's words
    assert refused.status in ({403, 410} if repo.engine.name == "embedded" else {500}), refused.data
    assert repo.put("l", b"new").status == 201
    assert repo.get("l").data == b"new"


@pytest.mark.parametrize(
    ("new", "signed"),
    [("/./data/", True), ("//data/", True), ("/data/../data/", True), ("/./data/", False), ("/x/../data/", False)],
)
def test_other_spellings_of_an_address_need_its_signature(embedded_repo, new, signed):
    repo = embedded_repo
    issued = repo.call("GET", "/branches/main/staging/backing", fields={"path": "l"}).json["physical_address"]
    kept = issued if signed else issued.partition(",")[0]
    for address in (kept.replace("/data/", new), f"local://{repo.name}{new}file"):
        answer = _link(repo, address)
        assert (answer.status, "address" in answer.message) == (400, True), address
    assert _link(repo, issued).status == 200


def test_symbolic_link_into_the_storage_needs_a_signature(embedded_repo):
    repo = embedded_repo
    issued = repo.call("GET", "/branches/main/staging/backing", fields={"path": "l"}).json["physical_address"]
    folder = Path(issued.removeprefix("local://")).parent
    aside = folder.parent.with_name(f"{repo.name}-aside")
    aside.symlink_to(folder)
    (aside.parent / f"{repo.name}-circle").symlink_to(aside.parent / f"{repo.name}-circle")
    assert _link(repo, f"local://{aside}/file").status == 400
    assert _link(repo, f"local://{aside.parent}/{repo.name}-circle/file").status == 200
    assert repo.get("l").status in {403, 410}
