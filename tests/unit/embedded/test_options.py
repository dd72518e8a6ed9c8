"""What the engine is told when it starts."""

from __future__ import annotations

import pytest
import urllib3
from support.foreground import foreground

from lakefs_repro.embedded.__main__ import main


class Caller:
    def __init__(self, endpoint, key, secret) -> None:
        self._base = f"{endpoint}/api/v1"
        self._headers = urllib3.make_headers(basic_auth=f"{key}:{secret}")
        self._pool = urllib3.PoolManager(retries=False)

    def __call__(self, method, path, **options):
        answer = self._pool.request(method, self._base + path, headers=self._headers, redirect=False, **options)
        return answer.status, answer.json() if answer.data else None


@pytest.fixture
def plain(tmp_path):
    """An engine that makes no presigned URLs, and a repository ``rep`` with an object ``a``."""
    with foreground(tmp_path / "root", "--no-presign") as (endpoint, key, secret):
        call = Caller(endpoint, key, secret)
        call("POST", "/repositories", json={"name": "rep", "storage_namespace": "local://rep"})
        call("POST", "/repositories/rep/branches/main/objects?path=a", body=b"hello")
        yield call


def test_without_presigned_urls_it_answers_as_lakefs_on_a_local_folder(plain):
    storage = plain("GET", "/config/storage")[1]
    assert {name: value for name, value in storage.items() if name.startswith("pre_sign")} == {
        "pre_sign_support": False,
        "pre_sign_multipart_upload": False,
        "pre_sign_support_ui": False,
    }
    refused = {"message": "local adapter presigned URL: operation not supported"}
    reading = "/repositories/rep/refs/main/objects"
    for path in (f"{reading}?path=a", f"{reading}/stat?path=a", f"{reading}/ls?prefix=a"):
        assert plain("GET", f"{path}&presign=true") == (400, refused)
    staging = "/repositories/rep/branches/main/staging"
    assert plain("GET", f"{staging}/backing?path=b&presign=true") == (500, refused)
    status, issued = plain("GET", f"{staging}/backing?path=b")
    assert (status, issued["presigned_url"]) == (200, None)


def test_without_presigned_urls_there_are_no_multipart_uploads(plain):
    staging = "/repositories/rep/branches/main/staging/pmpu"
    body = {"physical_address": "x", "parts": []}
    for method, path, options in [
        ("POST", staging, {}),
        ("PUT", f"{staging}/u", {"json": body}),
        ("DELETE", f"{staging}/u", {"json": body}),
    ]:
        answer = plain(method, f"{path}?path=b", **options)
        assert answer == (501, {"message": "presign multipart upload API is not supported"})


def test_a_folder_to_import_from_must_be_there(tmp_path, capsys):
    assert main(["--root", str(tmp_path / "root"), "--allow-import", str(tmp_path / "none")]) == 2
    assert f"{tmp_path}/none is no folder" in capsys.readouterr().err
