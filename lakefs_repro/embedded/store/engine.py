"""The embedded engine without HTTP: a root folder, its database, its blocks, and the one writer."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from lakefs_repro.embedded.signing import Signer
from lakefs_repro.embedded.store.blocks import Blocks
from lakefs_repro.embedded.store.database import Database
from lakefs_repro.embedded.store.folders import DurableFolders, sync_folder
from lakefs_repro.embedded.store.homes import LINKED, move_in
from lakefs_repro.embedded.store.imports import Imports
from lakefs_repro.embedded.store.leftovers import Tidying, forget_shelves
from lakefs_repro.embedded.store.runs import RunIds
from lakefs_repro.embedded.store.staging import Staging
from lakefs_repro.embedded.store.tasks import Tasks
from lakefs_repro.embedded.store.trees import Trees
from lakefs_repro.embedded.store.uploads import Uploads
from lakefs_repro.embedded.store.view import View
from lakefs_repro.embedded.store.writer import Writer
from lakefs_repro.errors import ConflictError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from lakefs_repro.embedded.store.expressions import Resolved

COMMITTER = "admin"
_LOCK_ATTEMPTS = 10
ABANDONED_SECONDS = 24 * 60 * 60
_LOCK_PAUSE = 0.02


class Engine:
    """Holds ``root`` for itself until ``close``; a second engine on the same folder is refused.

    Args:
        root: the folder, made when it is not there.
        clock: seconds since the epoch, now.
        presign: whether presigned URLs are made.
        import_from: folders whose files may be imported, and read afterwards.
    """

    def __init__(
        self, root: Path, *, clock: Callable[[], float], presign: bool = True, import_from: Sequence[Path] = ()
    ) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = root.resolve()
        with suppress(PermissionError):  # a folder that others keep may be closed to us
            sync_folder(self.root.parent)
        self._clock = clock
        self._lock_file = _lock(self.root)
        for folder in (self.incoming, self.linked, self.garbage):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.linked_folders = DurableFolders(self.linked)
        self.presign = presign
        self.import_from = tuple(folder.resolve() for folder in import_from)
        try:
            self.database = Database(self.root / "metadata.sqlite", now=self.now())
        except BaseException:
            os.close(self._lock_file)
            raise
        self.homes = move_in(self.database.writer, self.root)
        self.signer = Signer(bytes.fromhex(self.database.setting("signing_key")), clock)
        self.uploads = Uploads(self.root / "uploads")
        self._forget_abandoned()
        sync_folder(self.root)
        self.blocks = Blocks(self.root, self.database)
        self.trees = Trees(self.database)
        self.staging = Staging(self.database.writer)
        packs = self.blocks.packs
        self.writer = Writer(self.database.writer, packs.persist, packs.discard)
        self.writer.submit(lambda _: self.database.write_here())
        self.root_id = self.database.setting("root_id")
        self.run_ids = RunIds()
        self._branch_locks: dict[tuple[int, str], threading.Lock] = {}
        self._guard = threading.Lock()
        self.imports = Imports(self)
        self.tasks = Tasks(self)
        self.tidying = Tidying(self)

    @property
    def incoming(self) -> Path:
        """Where clients on this machine put large files for the local road."""
        return self.root / "incoming"

    @property
    def linked(self) -> Path:
        """Where clients on this machine write what they link later."""
        return self.root / LINKED

    @property
    def garbage(self) -> Path:
        """Where the lists lie that a garbage collection begins with."""
        return self.root / "gc"

    @property
    def abandoned_seconds(self) -> int:
        """How long something that was begun and never finished is kept."""
        return ABANDONED_SECONDS

    def _forget_abandoned(self) -> None:
        """Remove what clients wrote long ago and never handed over."""
        oldest = self._clock() - ABANDONED_SECONDS
        for path in self.incoming.iterdir():
            if path.is_file() and path.lstat().st_mtime < oldest:
                path.unlink(missing_ok=True)
        self.uploads.forget_abandoned(oldest)
        forget_shelves(self.database.writer)

    def now(self) -> int:
        return int(self._clock())

    def moment(self) -> float:
        """Now, with the fraction of the second."""
        return self._clock()

    def view(self, connection: sqlite3.Connection, resolved: Resolved) -> View:
        """What a resolved ref shows, as ``connection`` sees it."""
        tree = self.trees.metarange(resolved.commit.metarange_id)
        return View(self.trees, connection, tree, resolved.branch.id if resolved.branch else None)

    @contextmanager
    def moving(self, repository: int, branch: str) -> Iterator[None]:
        """One at a time moves a branch's head: the others wait here instead of working in vain."""
        with self._guard:
            lock = self._branch_locks.setdefault((repository, branch), threading.Lock())
        with lock:
            yield

    def close(self) -> None:
        self.tidying.stop()
        self.imports.close()
        self.writer.close()
        self.blocks.packs.close()
        self.database.close()
        os.close(self._lock_file)


@contextmanager
def hold(root: Path) -> Iterator[None]:
    """Have a folder to oneself, as an engine has.

    Raises:
        ConflictError: an engine runs on it.
    """
    handle = _lock(root)
    try:
        yield
    finally:
        os.close(handle)


def _lock(root: Path) -> int:
    handle = os.open(root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(_LOCK_PAUSE)  # somebody who only asks whether an engine runs holds it for a moment
        else:
            return handle
    os.close(handle)
    raise ConflictError(
        f"another embedded engine is already running on {root}.",
        hint="use that one, or stop it first",
        kind="engine-root-in-use",
    )
