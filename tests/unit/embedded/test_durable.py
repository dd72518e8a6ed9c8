"""What is on disk before it is acknowledged: the order of writes, syncs and names, as the operating system sees it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lakefs_repro.embedded.auth import write_private
from lakefs_repro.embedded.landing import publish
from lakefs_repro.embedded.store import addresses, packs
from lakefs_repro.embedded.store.engine import Engine
from lakefs_repro.embedded.store.folders import DurableFolders
from lakefs_repro.embedded.store.packs import Packs

_OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture
def synced(monkeypatch):
    """The paths that were synced, in their order."""
    if not _OPEN_FILES.is_dir():
        pytest.skip("this system does not tell which file a handle stands for")
    seen: list[Path] = []
    for name in ("fsync", "fdatasync"):
        real = getattr(os, name)

        def sync(handle, real=real):
            seen.append((_OPEN_FILES / str(handle)).readlink())
            real(handle)

        monkeypatch.setattr(os, name, sync)
    return seen


def test_metadata_is_written_with_full_syncs(store):
    writer = store.engine.database.writer
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)


def test_folders_of_a_new_root_are_on_disk(tmp_path, synced):
    root = tmp_path / "root"
    Engine(root, clock=lambda: 0.0).close()
    assert {tmp_path, root, root / "packs"} <= set(synced)
    assert synced[-1] != tmp_path
    made = {each.name for each in root.iterdir() if each.is_dir()}
    assert made >= {"blocks", "packs", "uploads", "linked", "incoming"}


def test_pack_is_synced_before_the_metadata_names_it(store, synced, monkeypatch):
    order = []
    real = store.engine.blocks.packs.persist

    def persist():
        order.append(store.engine.database.writer.in_transaction)
        real()

    monkeypatch.setattr(store.engine.writer, "_persist", persist)
    store.put("a", b"x")
    assert order == [True]
    assert synced == [store.engine.root / "packs" / "00000000.pack"]


def test_name_of_a_block_and_of_its_folder_are_synced(store, synced):
    blocks = store.engine.blocks
    for last in "01":
        temporary = blocks.temporary()
        temporary.write_bytes(b"x")
        blocks.settle(temporary, "ab" + last.zfill(62))
    folder = store.engine.root / "blocks"
    assert synced == [folder, folder / "ab", folder / "ab"]


def test_folder_that_somebody_else_made_is_synced_too(tmp_path, synced):
    folders = DurableFolders(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    for _ in range(2):
        folders.make(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]


def test_folder_that_was_removed_is_made_again(tmp_path):
    folders = DurableFolders(tmp_path)
    folders.make(tmp_path / "a")
    (tmp_path / "a").rmdir()
    folders.make(tmp_path / "a")
    assert (tmp_path / "a").is_dir()


def test_published_file_and_private_file_have_durable_names(tmp_path, synced):
    (tmp_path / "t").write_bytes(b"x")
    publish(tmp_path / "t", tmp_path / "target")
    assert synced == [tmp_path]
    write_private(tmp_path / "secret", "x")
    assert synced[-1] == tmp_path


def test_file_that_a_client_wrote_is_synced_before_it_is_linked(store, synced):
    address = addresses.issue(store.engine, store.repository, "main", "a")
    path = addresses.issued_file(store.engine, address)
    path.write_bytes(b"x")
    del synced[:]
    addresses.sync_file(store.engine, address)
    assert synced == [path, path.parent]
    for nothing in (f"{address}-no", "s3://bucket/a", "local:///etc/passwd", f"local://{path.parent}"):
        addresses.sync_file(store.engine, nothing)
    assert path not in synced[2:]


def test_pack_that_cannot_be_begun_leaves_the_last_one_in_use(tmp_path, monkeypatch):
    monkeypatch.setattr(packs, "_ROLL_OVER", 10)
    (tmp_path / "00000001.pack").mkdir()  # as good as a disk without room for another file
    held = Packs(tmp_path)
    held.open_at(0, 0)
    held.append(b"12345678")
    with pytest.raises(OSError, match="00000001"):
        held.append(b"next")
    held.discard()
    (tmp_path / "00000001.pack").rmdir()
    assert held.append(b"next") == (1, 0)
    held.persist()
    assert (held.read(0, 0, 8), held.read(1, 0, 4)) == (b"12345678", b"next")
    held.close()
