"""Hashing takes the memory of a few blocks, whatever the size of an object."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.lakes import make_context
from support.others import written_by_others

SIZE = 300 << 20
MEMORY = Path(__file__).with_name("hash_memory.py")


class _Zeros:
    """A body of ``SIZE`` bytes that nobody holds."""

    def __init__(self) -> None:
        self.left = SIZE

    def read(self, amount: int = 1 << 20, /) -> bytes:
        amount = min(amount, self.left)
        self.left -= amount
        return bytes(amount)


@pytest.mark.parametrize("presign", [False, True])
def test_an_object_of_300_mib_is_hashed_in_32_mib(engine, tmp_path, presign):
    ctx = make_context(engine, engine.new_repository(), tmp_path / "state")
    if presign and not ctx.server.presign:
        pytest.skip("this server signs no URLs")
    written_by_others(ctx, {"flights/a": b"1"}, branch="small")
    ctx.repository.branches.create("spark", "main")
    ctx.repository.objects.put("spark", "flights/large", _Zeros(), size=SIZE)
    ctx.repository.commits.create("spark", "large")
    keys = ("name", "endpoint", "access_key_id", "secret_access_key")
    said = {"engine": {key: getattr(engine, key) for key in keys}, "repository": ctx.repository.name,
            "state": str(ctx.state), "presign": presign}  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(MEMORY), json.dumps(said)], capture_output=True, text=True, timeout=120, check=True
    )
    told = json.loads(done.stdout)
    assert told["hashed"] == SIZE
    assert told["grown"] < 32 << 20
