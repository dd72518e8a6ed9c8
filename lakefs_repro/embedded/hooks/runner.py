"""Running the actions of one event: load, choose, ask, write down."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.hooks import actions, conditions, webhook
from lakefs_repro.embedded.hooks.events import whole_seconds
from lakefs_repro.embedded.hooks.lua import scripts
from lakefs_repro.embedded.hooks.secrets import PropertyError
from lakefs_repro.embedded.hooks.threads import DaemonThreads
from lakefs_repro.embedded.store import runs
from lakefs_repro.embedded.store.addresses import place_of
from lakefs_repro.embedded.store.blocks import open_checked
from lakefs_repro.embedded.store.engine import COMMITTER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lakefs_repro.embedded.hooks.actions import Action, HookSpec
    from lakefs_repro.embedded.hooks.events import Event
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.repositories import Repository
    from lakefs_repro.embedded.store.view import View

    # Told what is asked: the problem or an empty string, what to write down, and the status of a refusal.
    Task = Callable[["Asked"], tuple[str, str, int]]
    Prepared = tuple[Action, list[tuple[HookSpec, Task]]]
    # The API for scripts: method, target, body and how deep the script runs; status and body of the answer.
    Inside = Callable[[str, str, bytes, int], tuple[int, bytes]]

_REFUSED, _BROKEN, _NOT_OFFERED = 412, 500, 501
_DEEPEST = 4  # scripts that cause hooks that run scripts


@dataclass(frozen=True)
class Asked:
    """One hook's turn."""

    event: Event
    run_id: str
    begun: float
    action: str
    hook: str

    def body(self) -> bytes:
        return self.event.body(time=whole_seconds(self.begun), action=self.action, hook=self.hook)


def has_actions(view: View) -> bool:
    """Whether a tree holds anything below ``_lakefs_actions/``: a single look."""
    first = next(view.entries(actions.PREFIX, actions.PREFIX), None)
    return first is not None and first.path.startswith(actions.PREFIX)


def load(engine: Engine, view: View) -> list[Action]:
    """The actions of a tree, by path.

    Raises:
        ApiError: a file is no action (500), or a folder lies among them (404), as in lakeFS.
    """
    found: list[Action] = []
    problems: list[str] = []
    status = _BROKEN
    folders: set[str] = set()
    for entry in view.entries(actions.PREFIX, actions.PREFIX):
        if not entry.path.startswith(actions.PREFIX):
            break
        folder, nested, _ = entry.path[len(actions.PREFIX) :].partition("/")
        if nested:
            name = f"{actions.PREFIX}{folder}/"
            if name not in folders:
                folders.add(name)
                status = 404
                problems.append(f"loading file {name}: get action file metadata {name}: not found")
            continue
        try:
            found.append(actions.parse(_content(engine, entry)))
        except actions.ActionError as error:
            problems.append(f"parsing file {entry.path}: {error}")
    if problems:
        raise ApiError(status, several(problems))
    names = [action.name for action in found]
    for name in names:
        if names.count(name) > 1:
            raise ApiError(_BROKEN, f"action name '{name}' already loaded: invalid action")
    return found


def _content(engine: Engine, entry: Entry) -> bytes:
    place = place_of(engine, entry)
    if place.length > actions.MAX_FILE:  # not the size that a client has linked it with
        raise actions.ActionError(f"the file has {place.length} bytes, and an action at most {actions.MAX_FILE}")
    handle = open_checked(place.file, place.start + place.length)
    try:
        return os.pread(handle, place.length, place.start)
    finally:
        os.close(handle)


def several(problems: Sequence[str]) -> str:
    """Problems in lakeFS' layout."""
    counted = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
    return f"{counted} occurred:\n\t* " + "\n\t* ".join(problems) + "\n\n"


def _not_offered(why: str) -> Task:
    return lambda _: (why, "", _NOT_OFFERED)


def _webhook(spec: HookSpec) -> Task:
    request = webhook.prepared(spec.properties)

    def ask(asked: Asked) -> tuple[str, str, int]:
        log, problem = request.run(asked.body())
        return (f"action failed: {problem}" if problem else ""), log, _REFUSED

    return ask


@dataclass
class _Outcome:
    """What came of one action's hooks."""

    hooks: list[runs.HookRun] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    status: int = _REFUSED


class Runner:
    """Runs the actions of one event in one repository."""

    def __init__(
        self,
        engine: Engine,
        repository: Repository,
        inside: Inside,
        depth: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._repository = repository
        self._inside = inside
        self._depth = depth
        self._clock = clock

    def ready(self, event: Event, view: View) -> list[Prepared]:
        """The actions of a tree that mind ``event``, each hook with what it takes to run it.

        Raises:
            ApiError: a file is no action, or a hook's properties are of no use (500).
        """
        try:
            chosen = [action for action in load(self._engine, view) if action.minds(event)]
            return [(action, [(spec, self._task(spec)) for spec in action.hooks]) for action in chosen]
        except (PropertyError, actions.GlobError) as error:
            raise ApiError(_BROKEN, _aborted(event, self._run_id(), str(error))) from None
        except ApiError as error:
            raise ApiError(error.status, _aborted(event, self._run_id(), error.message)) from None

    def _task(self, spec: HookSpec) -> Task:
        if spec.type == "webhook":
            return _webhook(spec)
        if spec.type != "lua":
            kinds = "webhooks and lua hooks are"
            return _not_offered(
                f"hooks of the type {spec.type} are not run by the embedded engine of lakefs-repro; {kinds}"
            )
        script = scripts.prepared(spec.properties)
        if not scripts.offered():
            return _not_offered(
                "hooks of the type lua are not run by the embedded engine of lakefs-repro without lupa: "
                "pip install 'lakefs-repro[lua]'"
            )
        return lambda asked: self._run_script(script, asked)

    def _run_script(self, script: scripts.Script, asked: Asked) -> tuple[str, str, int]:
        if self._depth >= _DEEPEST:
            problem = f"action failed: scripts that cause hooks that run scripts go {_DEEPEST} deep, and no deeper"
            return problem, "", _REFUSED
        table = asked.event.table(
            run_id=asked.run_id, action=asked.action, hook=asked.hook, namespace=self._repository.namespace
        )

        def ask(method: str, target: str, body: bytes) -> tuple[int, bytes]:
            return self._inside(method, target, body, self._depth + 1)

        printed, why = script.run(table, COMMITTER, ask, nested=self._depth > 0)
        return (f"action failed: {why}" if why else ""), printed, _REFUSED

    def _run_id(self) -> str:
        return self._engine.run_ids.make(int(self._clock()))

    def run(self, event: Event, ready: Sequence[Prepared]) -> str:
        """Run what is ready; the run's id, or an empty string where nothing is.

        Raises:
            ApiError: a hook said no (412), or is of a kind that is not run here (501).
        """
        if not ready:
            return ""
        run_id = self._run_id()
        begun = self._clock()
        threads = DaemonThreads(self._engine.database.release)
        acting = [threads.submit(self._act, event, run_id, number, *each) for number, each in enumerate(ready)]
        outcomes = [each.result() for each in acting]
        self._save(event, run_id, begun, outcomes)
        problems = [problem for outcome in outcomes for problem in outcome.problems]
        if problems:
            status = max(outcome.status for outcome in outcomes if outcome.problems)
            raise ApiError(status, _aborted(event, run_id, several(problems)))
        return run_id

    def _save(self, event: Event, run_id: str, begun: float, outcomes: list[_Outcome]) -> None:
        hooks = [hook for outcome in outcomes for hook in outcome.hooks]
        failed = any(hook.status == runs.FAILED for hook in hooks)
        run = runs.Run(
            run_id,
            event.kind,
            event.branch,
            event.commit_id,
            begun,
            self._clock(),
            runs.FAILED if failed else runs.COMPLETED,
        )
        self._engine.writer.submit(lambda connection: runs.save(connection, self._repository, run, hooks))

    def _act(
        self, event: Event, run_id: str, number: int, action: Action, hooks: list[tuple[HookSpec, Task]]
    ) -> _Outcome:
        """One action's hooks, in order: after one that failed, only those whose ``if`` says so."""
        outcome = _Outcome()
        failed = False
        for place, (spec, task) in enumerate(hooks):
            identifier = f"{number:04d}_{place:04d}"
            begun = self._clock()
            try:
                wanted = conditions.holds(spec.condition, failed=failed)
            except conditions.ConditionError as error:
                result = (str(error), "", _BROKEN)
            else:
                if not wanted:
                    outcome.hooks.append(runs.HookRun(identifier, action.name, spec.id, runs.SKIPPED))
                    continue
                result = task(Asked(event, run_id, begun, action.name, spec.id))
            problem, output, status = result
            state = runs.FAILED if problem else runs.COMPLETED
            if problem:
                output += f"Error: {problem}\n"
                if not failed:
                    outcome.problems.append(
                        f"hook run id '{identifier}' failed on action '{action.name}' hook '{spec.id}': {problem}"
                    )
                    outcome.status = status
                failed = True
            outcome.hooks.append(runs.HookRun(identifier, action.name, spec.id, state, begun, self._clock(), output))
        return outcome


def _aborted(event: Event, run_id: str, why: str) -> str:
    return f"{event.kind} hook aborted, run id '{run_id}': {why}"
