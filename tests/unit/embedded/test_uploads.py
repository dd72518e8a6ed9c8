"""Parts on disk."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lakefs_repro.embedded.store.uploads import MIN_PART, NoSuchUploadError, Part, PartError, Uploads


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path / "uploads")


def part_of(tmp_path, number, data):
    """A part and the file that holds it."""
    file = tmp_path / f"{number}-{hashlib.sha256(data).hexdigest()}"
    file.write_bytes(data)
    return Part(number, hashlib.md5(data).hexdigest()), file


def test_of_one_number_sent_many_times_at_once_one_is_left(uploads, tmp_path):
    upload = uploads.begin("address")
    made = [part_of(tmp_path, 1, bytes([number])) for number in range(50)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: uploads.keep(upload, *each), made))
    left = [file for file in (tmp_path / "uploads" / upload).iterdir() if file.name != "address"]
    assert len(left) == 1
    whole = uploads.assemble(upload, "address", [Part(1, left[0].name.rpartition("-")[2])], tmp_path / "whole")
    assert whole.size == 1


def test_assembling_leaves_the_parts(uploads, tmp_path):
    upload = uploads.begin("address")
    parts = []
    for number, data in enumerate((b"a" * MIN_PART, b"b" * (MIN_PART + 1), b"c"), 1):
        part, file = part_of(tmp_path, number, data)
        uploads.keep(upload, part, file)
        parts.append(part)
    for attempt in range(2):
        made = uploads.assemble(upload, "address", parts, tmp_path / str(attempt))
        assert made.size == made.file.stat().st_size == 2 * MIN_PART + 2
        assert made.checksum.endswith("-3")
    with pytest.raises(PartError) as caught:
        uploads.assemble(upload, "address", [parts[2], parts[0]], tmp_path / "x")
    assert caught.value.code == "InvalidPartOrder"


@pytest.mark.parametrize("upload", ["", "..", "../uploads", "0" * 32, "x" * 32, "a/b"])
def test_unknown_uploads(uploads, upload):
    with pytest.raises(NoSuchUploadError):
        uploads.require(upload)
    uploads.discard(upload)
    assert uploads.require(uploads.begin("address"))


def test_upload_for_another_address(uploads):
    upload = uploads.begin("address")
    with pytest.raises(NoSuchUploadError):
        uploads.require(upload, "other")
    uploads.discard(upload, "other")
    assert uploads.require(upload, "address")
    uploads.discard(upload, "address")
    with pytest.raises(NoSuchUploadError):
        uploads.require(upload)


def test_abandoned_uploads_are_forgotten(uploads):
    upload = uploads.begin("address")
    uploads.forget_abandoned(time.time() - 60)
    assert uploads.require(upload)
    uploads.forget_abandoned(time.time() + 60)
    with pytest.raises(NoSuchUploadError):
        uploads.require(upload)
