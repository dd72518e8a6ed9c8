from __future__ import annotations

import asyncio
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakefs_repro.embedded import intake
from lakefs_repro.embedded.intake import Intake


def take(store, pieces):
    async def run():
        with ThreadPoolExecutor(4) as pool:
            taking = Intake(store.engine.blocks, pool)
            try:
                for piece in pieces:
                    await taking.feed(piece)
                return await taking.finish()
            finally:
                await taking.abandon()

    return asyncio.run(run())


def leftovers(store):
    return list((store.engine.root / "tmp").iterdir())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=12))
def test_bytes_and_hashes_however_they_come(store, sizes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "_BUFFER", 4096)
        patch.setattr(intake, "SMALL", 2048)
        patch.setattr(intake, "_SYNC_EVERY", 8192)
        pieces = [os.urandom(size) for size in sizes]
        content = take(store, pieces)
    data = b"".join(pieces)
    assert (content.block, content.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert content.checksum == hashlib.md5(data).hexdigest()
    if content.data is None:
        assert store.engine.blocks.path(content.block).read_bytes() == data
    else:
        assert content.data == data
    assert leftovers(store) == []


def test_failing_disk_leaves_nothing(store, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        take(store, [b"x" * 3_000_000])
    assert leftovers(store) == []


def test_small_content_stays_in_memory(store):
    assert take(store, [b"a", b"b"]).data == b"ab"
    assert take(store, []).data == b""
