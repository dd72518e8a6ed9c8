"""The data that is measured, made once from a fixed seed."""

from __future__ import annotations

import random
from pathlib import Path


def small_files(folder: Path, count: int, size: int) -> Path:
    """``count`` files of ``size`` random bytes in 100 folders."""
    source = random.Random(1)
    for number in range(count):
        target = folder / f"d{number % 100:02}" / f"f{number:06}.bin"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.randbytes(size))
    return folder


def large_files(folder: Path, count: int, size: int) -> Path:
    """``count`` files of ``size`` random bytes."""
    source = random.Random(2)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        with (folder / f"{number}.bin").open("wb") as file:
            for _ in range(size >> 20):
                file.write(source.randbytes(1 << 20))
    return folder


def change_some(folder: Path, every: int, salt: int) -> int:
    """Overwrite one file in ``every``, and say how many."""
    files = sorted(folder.rglob("*.bin"))[::every]
    for file in files:
        file.write_bytes(b"%d" % salt + file.read_bytes()[8:])
    return len(files)
