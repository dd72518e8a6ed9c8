"""One reading, both hashes."""

from __future__ import annotations

import hashlib
import os

import pytest

from lakefs_repro.errors import NotFoundError
from lakefs_repro.transfer.hashing import BLOCK, Hashes, hash_bytes, hash_file, hash_files


def expected(data: bytes) -> Hashes:
    return Hashes(len(data), hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest())


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_a_file_s_hashes_are_those_of_its_bytes(tmp_path, size):
    data = os.urandom(size)
    (tmp_path / "x").write_bytes(data)
    assert hash_file(tmp_path / "x") == hash_bytes(data) == expected(data)


def test_many_files_are_hashed_and_counted(tmp_path):
    files = {}
    for n in range(200):
        path = tmp_path / f"{n}"
        path.write_bytes(b"x" * n)
        files[path] = expected(b"x" * n)
    told = []
    assert dict(hash_files(files, threads=3, done=told.append)) == files
    assert sum(told) == sum(range(200))


@pytest.mark.parametrize("threads", [1, 4])
def test_a_file_that_went_away_is_named(tmp_path, threads):
    (tmp_path / "here").write_bytes(b"x")
    with pytest.raises(NotFoundError) as caught:
        list(hash_files([tmp_path / "here", tmp_path / "gone"], threads=threads))
    assert caught.value.kind == "unreadable-file"
    assert "gone" in caught.value.message


def test_a_folder_can_not_be_hashed(tmp_path):
    with pytest.raises(NotFoundError):
        hash_file(tmp_path)
