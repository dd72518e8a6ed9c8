"""Asking hooks before something moves, and telling them afterwards."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.hooks.runner import Runner, has_actions
from lakefs_repro.embedded.store.view import View

if TYPE_CHECKING:
    import sqlite3
    from concurrent.futures import Executor

    from lakefs_repro.embedded.hooks.events import Event
    from lakefs_repro.embedded.hooks.runner import Inside
    from lakefs_repro.embedded.store.commits import Commit
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.refs import Branch
    from lakefs_repro.embedded.store.repositories import Repository

_LOG = logging.getLogger(__name__)


class MustWaitError(Exception):
    """There are hooks to wait for, and this thread has other work to do: nothing has happened yet."""


class Gate:
    """The hooks of one repository.

    Actions come from a commit's tree, with what is staged over it where a branch is given. ``inside`` is the
    engine's API, for scripts; ``depth`` counts the scripts that wait for what is asked here. Without ``may_wait``
    whoever would have to wait for a hook is told so, by a MustWaitError, before anything has happened.
    """

    def __init__(
        self,
        engine: Engine,
        repository: Repository,
        background: Executor,
        inside: Inside,
        *,
        depth: int = 0,
        may_wait: bool = True,
    ) -> None:
        self.may_wait = may_wait
        self.engine = engine
        self.repository = repository
        self._background = background
        self._inside = inside
        self._depth = depth

    def _view(self, connection: sqlite3.Connection, commit: Commit, branch: Branch | None) -> View:
        trees = self.engine.trees
        return View(trees, connection, trees.metarange(commit.metarange_id), branch.id if branch else None)

    def guards(self, commit: Commit, branch: Branch | None = None) -> bool:
        """Whether there are actions at all: cheap, for it is asked before every move."""
        with self.engine.database.snapshot() as connection:
            try:
                return has_actions(self._view(connection, commit, branch))
            except ApiError:
                return False  # a commit of a tree that is not there: lakeFS takes it, and every reader is told

    def ask(self, event: Event, commit: Commit, branch: Branch | None = None) -> str:
        """Run the actions that mind ``event`` and wait for them; the run's id, empty where none ran.

        Raises:
            ApiError: one of them said no, or can't be run.
        """
        if not self.guards(commit, branch):
            return ""
        if not self.may_wait:
            raise MustWaitError
        runner = Runner(self.engine, self.repository, self._inside, self._depth)
        with self.engine.database.snapshot() as connection:
            ready = runner.ready(event, self._view(connection, commit, branch))
        # Not inside the snapshot: hooks may take a minute, and an old reader keeps the log from being folded in.
        return runner.run(event, ready)

    def tell(self, event: Event, commit: Commit) -> None:
        """Run the actions that mind a ``post-`` event, later: nobody waits for them, nothing depends on them."""
        if self.guards(commit):
            self._background.submit(self._tell, event, commit)

    def _tell(self, event: Event, commit: Commit) -> None:
        patient = Gate(self.engine, self.repository, self._background, self._inside, depth=self._depth)
        try:
            patient.ask(event, commit)
        except ApiError as error:
            _LOG.warning("%s in %s: %s", event.kind, self.repository.name, error.message)
        except Exception:  # noqa: BLE001  there is nobody to tell but the log
            _LOG.exception("%s in %s", event.kind, self.repository.name)
