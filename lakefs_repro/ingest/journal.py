"""A note on this machine that an ingest is under way: lets the same command resume, and shows a live twin.

The file lock is held for as long as the process lives, so a dead owner is recognised without trusting process ids.
Deleting the journal loses nothing but the ability to resume: everything of value is in the repository.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from lakefs_repro.errors import LakefsReproError
from lakefs_repro.model.names import is_ulid

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, slots=True)
class Intent:
    """Who wants to ingest what: equal intents are "the same command typed again"."""

    endpoint: str
    repository: str
    dataset: str
    request: str

    @property
    def key(self) -> str:
        """A name for files."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:24]


class Journal:
    """One ingest's note, held under a lock until :meth:`close` or :meth:`forget`."""

    def __init__(self, path: Path, file: IO[str], ulid: str, *, resumed: bool) -> None:
        self.path = path
        self.ulid = ulid
        self.resumed = resumed
        self._file = file

    def forget(self) -> None:
        """The ingest is over: remove the note."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Leave the note for the same command to resume from."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_journal(folder: Path, intent: Intent, new_ulid: str) -> Journal:
    """The journal of an interrupted ingest with the same intent, or a new one under ``new_ulid``.

    A live process with the same intent keeps its own; this one then gets a new ULID and so a branch of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob(f"{intent.key}-*.json")):
        file = _lock(path)
        if file is None:
            continue
        ulid = _ulid_in(file)
        if ulid:
            return Journal(path, file, ulid, resumed=True)
        path.unlink(missing_ok=True)
        file.close()
    path = folder / f"{intent.key}-{new_ulid}.json"
    return Journal(path, _written(path, {"ulid": new_ulid, **asdict(intent)}), new_ulid, resumed=False)


def _written(path: Path, note: dict[str, str]) -> IO[str]:
    """A new note, locked and whole before it has its name: nobody takes it for that of a dead process meanwhile."""
    unnamed = path.with_suffix(".new")
    made = unnamed.open("w+", encoding="utf-8")
    try:
        fcntl.flock(made, fcntl.LOCK_EX | fcntl.LOCK_NB)
        json.dump(note, made)
        made.flush()
        os.fsync(made.fileno())
        unnamed.rename(path)
    except BaseException:
        unnamed.unlink(missing_ok=True)
        made.close()
        raise
    return made


def is_live(folder: Path, ulid: str) -> bool | None:
    """Whether a process on this machine is at work under ``ulid``; ``None`` when no journal tells."""
    for path in folder.glob(f"*-{ulid}.json"):
        file = _lock(path)
        if file is None:
            return True
        file.close()
        return False
    return None


def seize(folder: Path, ulid: str) -> Journal | None:
    """The journal of an ingest whose process is gone, held so that it can't be resumed meanwhile, or ``None``."""
    for path in folder.glob(f"*-{ulid}.json"):
        file = _lock(path)
        if file is not None:
            return Journal(path, file, ulid, resumed=True)
    return None


def _lock(path: Path) -> IO[str] | None:
    try:
        file = path.open("r+", encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LakefsReproError(f"The journal {path} can't be opened: {error.strerror}.") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    if not path.exists():  # its owner finished between our opening and locking it
        file.close()
        return None
    return file


def _ulid_in(file: IO[str]) -> str:
    try:
        file.seek(0)
        raw = json.load(file)
    except ValueError:
        return ""
    ulid = raw.get("ulid") if isinstance(raw, dict) else None
    return ulid if isinstance(ulid, str) and is_ulid(ulid) else ""
