"""What restores note on disk: the files that they wrote, and a swap of two folders that is under way.

The record of files lies in the state folder and can be deleted at any time: then a folder can only be restored over
when it holds what is wanted anyway. The note of a swap lies in the staging folder, for as long as it matters.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lakefs_repro.model.entry import Entry

_FORMAT: Final = 1
_SWAP: Final = "swap.json"


@dataclass(frozen=True, slots=True)
class Record:
    """Which files restores wrote into one target: path and SHA-256, a line each."""

    path: Path

    @classmethod
    def of(cls, state: Path, target: Path) -> Record:
        """The record of a target."""
        name = hashlib.sha256(os.fsencode(target)).hexdigest()
        return cls(state / "restores" / f"{name}.jsonl")

    def read(self) -> dict[str, frozenset[str]]:
        """The SHA-256s by path, also of a restore that may have been interrupted just before its end."""
        found: dict[str, frozenset[str]] = {}
        for path in (self.path, self._next):
            for name, sha256 in _lines(path):
                found[name] = found.get(name, frozenset()) | {sha256}
        return found

    def prepare(self, target: Path, entries: Iterable[Entry]) -> None:
        """Note what is about to appear."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._keep_interrupted()
        with self._next.open("w", encoding="utf-8") as file:
            print(json.dumps({"format": _FORMAT, "target": os.fsdecode(target)}), file=file)
            for entry in entries:
                print(json.dumps([entry.path, entry.sha256], ensure_ascii=False), file=file)
            file.flush()
            os.fsync(file.fileno())

    def settle(self) -> None:
        """It has appeared."""
        self._next.replace(self.path)

    def _keep_interrupted(self) -> None:
        """A restore was killed before it settled: nobody knows whether its files appeared, so they count as well."""
        if self.path.exists() and self._next.exists():
            with self.path.open("a", encoding="utf-8") as file:
                for line in _lines(self._next):
                    print(json.dumps(line, ensure_ascii=False), file=file)
        elif self._next.exists():
            self.settle()

    @property
    def _next(self) -> Path:
        return self.path.with_suffix(".next.jsonl")


@dataclass(frozen=True, slots=True)
class Swap:
    """A folder that is to take the place of another: known by device and inode, whatever its name is by now."""

    device: int
    inode: int

    @classmethod
    def of(cls, new: Path) -> Swap:
        """The swap that puts ``new`` in its place."""
        info = new.lstat()
        return cls(info.st_dev, info.st_ino)

    @classmethod
    def read(cls, staging: Path) -> Swap | None:
        """The one that was under way in a staging folder."""
        try:
            found = json.loads((staging / _SWAP).read_bytes())
            return cls(int(found["device"]), int(found["inode"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, staging: Path) -> None:
        """Note it, so that it is on disk before the first rename."""
        with (staging / _SWAP).open("w", encoding="utf-8") as file:
            json.dump({"device": self.device, "inode": self.inode}, file)
            file.flush()
            os.fsync(file.fileno())

    def forget(self, staging: Path) -> None:
        """It did not happen, or is over."""
        (staging / _SWAP).unlink(missing_ok=True)

    def is_at(self, path: Path) -> bool:
        """Whether the new folder stands there."""
        try:
            info = path.lstat()
        except FileNotFoundError:
            return False
        return (info.st_dev, info.st_ino) == (self.device, self.inode)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        with path.open(encoding="utf-8") as file:
            header = json.loads(next(file, "null"))
            if not isinstance(header, Mapping) or header.get("format") != _FORMAT:
                return
            for line in file:
                name, sha256 = json.loads(line)
                yield name, sha256
    except (FileNotFoundError, ValueError):
        return  # cut off by a crash: what was not noted is not ours
