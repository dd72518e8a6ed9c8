"""Everything that moves a branch or a tag, with the hooks before and after it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.errors import ApiError, not_found, prefixed
from lakefs_repro.embedded.hooks.events import Event
from lakefs_repro.embedded.hooks.gate import MustWaitError
from lakefs_repro.embedded.store import commits, committing, importing, merging, refs, revising, runs
from lakefs_repro.embedded.store.advance import Approval, make_readable
from lakefs_repro.embedded.store.engine import COMMITTER

if TYPE_CHECKING:
    from collections.abc import Callable

    from lakefs_repro.embedded.hooks.gate import Gate
    from lakefs_repro.embedded.store.advance import Draft
    from lakefs_repro.embedded.store.commits import Commit
    from lakefs_repro.embedded.store.committing import CommitRequest
    from lakefs_repro.embedded.store.importing import ImportRequest
    from lakefs_repro.embedded.store.merging import MergeRequest
    from lakefs_repro.embedded.store.refs import Branch
    from lakefs_repro.embedded.store.revising import Revision

_NO_CHANGES = "commit: no changes"


class _GuardedError(Exception):
    """There are hooks to ask: not while the branch is held, because they may take long and come back to it."""


def _guarded(
    gate: Gate,
    move: Callable[[Approval], Commit],
    guards: Callable[[Draft], bool],
    ask: Callable[[Draft], None],
    *,
    known: bool = False,
    unasked: Callable[[], None] = lambda: None,
) -> Commit:
    """Move where no hook minds, once ``unasked`` is done, and else ask first; ``known`` says that there are some."""

    def screen(draft: Draft) -> None:
        if guards(draft):
            raise _GuardedError
        unasked()

    if not known:
        try:
            return move(Approval(screen, holding=True))
        except _GuardedError:
            if not gate.may_wait:
                raise MustWaitError from None
    return move(Approval(ask, holding=False))


def commit(gate: Gate, name: str, request: CommitRequest) -> Commit:
    """Commit what is staged. The hooks see it, and exactly what they saw is committed."""
    branch, head = _branch(gate, name)
    before = _event(
        gate,
        "prepare-commit",
        branch=name,
        source_ref=name,
        message=request.message,
        committer=COMMITTER,
        metadata=request.metadata,
        created=gate.engine.now(),
    )
    gate.ask(before, head, branch)
    passed: list[str] = []

    def ask(draft: Draft) -> None:
        event = replace(before, kind="pre-commit", parents=draft.commit.parents)
        passed[:] = [gate.ask(event, _head(gate, name), branch)]

    try:
        made = _guarded(
            gate,
            lambda approval: committing.commit(gate.engine, gate.repository, name, request, approval),
            lambda _: gate.guards(_head(gate, name), branch),
            ask,
            known=gate.guards(head, branch),
        )
    except ApiError as error:
        if error.message == _NO_CHANGES and not passed:  # lakeFS asks before it looks
            gate.ask(replace(before, kind="pre-commit", parents=(head.id,)), head, branch)
        raise
    _tell_of_commit(gate, before, passed, made)
    return made


def _tell_of_commit(gate: Gate, before: Event, passed: list[str], made: Commit) -> None:
    """Name the commit in the record of the run that let it ``passed``, and tell the hooks after it."""
    run = passed[0] if passed else ""
    if run:
        gate.engine.writer.submit(lambda connection: runs.name_commit(connection, gate.repository, run, made.id))
    after = replace(before, kind="post-commit", source_ref=made.id, commit_id=made.id, pre_run_id=run)
    gate.tell(replace(after, **_record(made)), made)


def _record(commit: Commit) -> dict[str, Any]:
    """What scripts are told of a commit beside its message and metadata."""
    return {"parents": commit.parents, "metarange_id": commit.metarange_id, "created": commit.creation_date}


def land_import(gate: Gate, name: str, request: ImportRequest, shelf: int, begin_landing: Callable[[], None]) -> Commit:
    """Land an import: a commit, to its hooks. Until they have consented it can be cancelled."""
    engine, repository = gate.engine, gate.repository

    def event(commit: Commit) -> Event:
        return _event(
            gate,
            "pre-commit",
            branch=name,
            source_ref=name,
            message=commit.message,
            committer=COMMITTER,
            metadata=commit.metadata,
            **_record(commit),
        )

    passed: list[str] = []

    def ask(draft: Draft) -> None:
        passed[:] = [gate.ask(event(draft.commit), _head(gate, name))]
        begin_landing()

    made = _guarded(
        gate,
        lambda approval: importing.land(engine, repository, name, request, shelf, approval),
        lambda _: gate.guards(_head(gate, name)),
        ask,
        unasked=begin_landing,
    )
    _tell_of_commit(gate, event(made), passed, made)
    return made


def merge(gate: Gate, destination: str, request: MergeRequest) -> Commit:
    """Merge. The hooks come from the source, and can read the merge commit before it is one."""
    told: list[Event] = []
    run = [""]

    def ask(draft: Draft) -> None:
        event = _merge_event(gate, destination, request, draft)
        told[:] = [event]
        source = draft.source or draft.commit
        make_readable(gate.engine, gate.repository, draft)
        with prefixed(f"update branch {destination}: "):
            run[:] = [gate.ask(event, source)]

    made = _guarded(
        gate,
        lambda approval: merging.merge(gate.engine, gate.repository, destination, request, approval),
        lambda draft: gate.guards(draft.source or draft.commit),
        ask,
    )
    after = told[0] if told else _merge_event(gate, destination, request, None, made)
    after = replace(after, kind="post-merge", source_ref=made.id, commit_id=made.id, pre_run_id=run[0])
    gate.tell(replace(after, **_record(made)), made)
    return made


def _merge_event(
    gate: Gate, destination: str, request: MergeRequest, draft: Draft | None, made: Commit | None = None
) -> Event:
    commit = draft.commit if draft else made
    source = draft.source if draft else None
    return _event(
        gate,
        "pre-merge",
        branch=destination,
        source_ref=source.id if source else "",
        commit_id=commit.id if commit else "",
        message=commit.message if commit else "",
        committer=COMMITTER,
        metadata=commit.metadata if commit else {},
        merge_source=request.source,
        **(_record(commit) if commit else {}),
    )


def revert(gate: Gate, name: str, revision: Revision) -> Commit:
    """Revert a commit."""
    engine, repository = gate.engine, gate.repository
    return _revise(gate, name, "revert", lambda approval: revising.revert(engine, repository, name, revision, approval))


def cherry_pick(gate: Gate, name: str, revision: Revision) -> Commit:
    """Cherry-pick a commit."""
    engine, repository = gate.engine, gate.repository
    return _revise(
        gate, name, "cherry-pick", lambda approval: revising.cherry_pick(engine, repository, name, revision, approval)
    )


def _revise(gate: Gate, name: str, what: str, move: Callable[[Approval], Commit]) -> Commit:
    def event(commit: Commit) -> Event:
        return _event(
            gate,
            f"pre-{what}",
            branch=name,
            source_ref=name,
            message=commit.message,
            committer=COMMITTER,
            metadata=commit.metadata,
            **_record(commit),
        )

    run = [""]

    def ask(draft: Draft) -> None:
        with prefixed("update branch: "):
            run[:] = [gate.ask(event(draft.commit), _head(gate, name))]

    made = _guarded(gate, move, lambda _: gate.guards(_head(gate, name)), ask)
    after = replace(event(made), kind=f"post-{what}", source_ref=made.id, commit_id=made.id, pre_run_id=run[0])
    if what == "revert" and run[0]:  # as measured: the run before a cherry-pick stays without
        gate.engine.writer.submit(lambda connection: runs.name_commit(connection, gate.repository, run[0], made.id))
    gate.tell(after, made)
    return made


def create_branch(gate: Gate, name: str, source: str, commit: Commit, *, hidden: bool) -> None:
    """Create a branch; the hooks come from where it begins."""
    engine, repository = gate.engine, gate.repository
    if gate.guards(commit):
        refs.require_new_branch(engine.database.reader(), repository, name)
    event = _event(gate, "pre-create-branch", branch=name, source_ref=source, commit_id=commit.id)
    run = gate.ask(event, commit)
    engine.writer.submit(lambda connection: refs.create_branch(connection, repository, name, commit.id, hidden=hidden))
    gate.tell(replace(event, kind="post-create-branch", pre_run_id=run), commit)


def delete_branch(gate: Gate, name: str) -> None:
    """Delete a branch; the hooks come from its head."""
    engine, repository = gate.engine, gate.repository
    refs.require_deletable(engine.database.reader(), repository, name)
    _, head = _branch(gate, name)
    event = _event(gate, "pre-delete-branch", branch=name, source_ref=head.id)
    run = gate.ask(event, head)
    engine.writer.submit(lambda connection: refs.delete_branch(connection, repository, name))
    gate.tell(replace(event, kind="post-delete-branch", pre_run_id=run), head)


def create_tag(gate: Gate, name: str, commit: Commit) -> None:
    """Create a tag; the hooks come from its commit."""
    engine, repository = gate.engine, gate.repository
    if gate.guards(commit):
        refs.require_new_tag(engine.database.reader(), repository, name)
    event = _event(gate, "pre-create-tag", tag=name, source_ref=commit.id, commit_id=commit.id)
    run = gate.ask(event, commit)
    engine.writer.submit(lambda connection: refs.create_tag(connection, repository, name, commit.id))
    gate.tell(replace(event, kind="post-create-tag", pre_run_id=run), commit)


def delete_tag(gate: Gate, name: str) -> None:
    """Delete a tag; the hooks come from its commit."""
    engine, repository = gate.engine, gate.repository
    connection = engine.database.reader()
    identifier = refs.find_tag(connection, repository, name)
    commit = commits.find(connection, repository, identifier) if identifier else None
    if commit is None:
        raise not_found("tag not found")
    event = _event(gate, "pre-delete-tag", tag=name, source_ref=commit.id, commit_id=commit.id)
    run = gate.ask(event, commit)
    engine.writer.submit(lambda connection: refs.delete_tag(connection, repository, name))
    gate.tell(replace(event, kind="post-delete-tag", pre_run_id=run), commit)


def _event(gate: Gate, kind: str, **told: Any) -> Event:
    return Event(kind, gate.repository.name, **told)


def _branch(gate: Gate, name: str) -> tuple[Branch, Commit]:
    with gate.engine.database.snapshot() as connection:
        branch = refs.branch(connection, gate.repository, name)
        head = commits.find(connection, gate.repository, branch.commit_id)
    if head is None:
        raise ApiError(500, f"branch {name} has lost its commit")
    return branch, head


def _head(gate: Gate, name: str) -> Commit:
    return _branch(gate, name)[1]
