"""Commits: make one, read one, the log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.call import checked
from lakefs_repro.embedded.errors import INVALID_REF, ApiError, not_found, prefixed
from lakefs_repro.embedded.hooks import moves
from lakefs_repro.embedded.reply import header_value, json_reply, page_reply
from lakefs_repro.embedded.routes.repositories import found, writable
from lakefs_repro.embedded.store import expressions, refs
from lakefs_repro.embedded.store.committing import CommitRequest
from lakefs_repro.embedded.store.compare import compare
from lakefs_repro.embedded.store.entry import same_content
from lakefs_repro.embedded.store.history import History
from lakefs_repro.embedded.store.metaranges import EMPTY

if TYPE_CHECKING:
    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.commits import Commit
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.repositories import Repository

_CREATION = {
    "message": "string*",
    "metadata": "strings",
    "date": "integer",
    "allow_empty": "boolean",
    "force": "boolean",
}
_FRACTION = re.compile(r"\.\d+")


def commit_shown(made: Commit) -> dict[str, Any]:
    return {
        "committer": made.committer,
        "creation_date": made.creation_date,
        "generation": made.generation,
        "id": made.id,
        "message": made.message,
        "meta_range_id": made.metarange_id,
        "metadata": dict(made.metadata),
        "parents": list(made.parents),
        "version": 1,
    }


async def _commit(call: Call) -> Reply:
    body = checked(await call.json(), "CommitCreation", _CREATION)
    request = CommitRequest(
        message=body["message"],
        metadata=body.get("metadata") or {},
        allow_empty=body.get("allow_empty", False),
        date=body.get("date"),
        source_metarange=call.optional("source_metarange"),
    )
    repository, name = writable(call, force=body.get("force", False)), call.params["branch"]
    if refs.find_branch(call.reader, repository, name) is None:
        refs.require_branch_id(name)
        raise _nowhere(call, repository, name)
    made = await call.move(repository, moves.commit, name, request)
    return json_reply(commit_shown(made), 201)


def _nowhere(call: Call, repository: Repository, name: str) -> ApiError:
    """The refusal to commit on no branch: lakeFS looks for actions first, which a tag or a commit may have."""
    try:
        expressions.resolve(call.reader, repository, name)
    except ApiError:
        run = call.engine.run_ids.make(call.engine.now())
        problem = "list actions from commit: listing actions: not found"
        return not_found(f"prepare-commit hook aborted, run id '{run}': {problem}")
    return not_found("branch not found")


async def _get(call: Call) -> Reply:
    repository = found(call)
    try:
        resolved = expressions.resolve_commit(call.reader, repository, call.params["commitId"])
    except ApiError as error:
        # As measured: what can't be a ref answers 500 here, and 400 everywhere else.
        raise (
            not_found("commit not found") if INVALID_REF not in error.message else ApiError(500, error.message)
        ) from None
    return json_reply(commit_shown(resolved))


@dataclass(frozen=True)
class LogRequest:
    ref: str
    amount: int
    after: str
    objects: list[str]
    prefixes: list[str]
    first_parent: bool
    stop_at: str
    since: int | None


async def _log(call: Call) -> Reply:
    request = LogRequest(
        ref=call.params["ref"],
        amount=call.amount(),
        after=call.query("after"),
        objects=call.several("objects"),
        prefixes=call.several("prefixes"),
        first_parent=call.flag("first_parent"),
        stop_at=call.query("stop_at"),
        since=call.date_time("since"),
    )
    limited = call.flag("limit")
    expressions.require_ref(request.ref)
    shown = await call.run(_history, call.engine, found(call), request)
    more = len(shown) > request.amount and not limited
    shown = shown[: request.amount]
    return page_reply([commit_shown(each) for each in shown], has_more=more, next_offset=shown[-1].id if more else "")


def _history(engine: Engine, repository: Repository, request: LogRequest) -> list[Commit]:
    """The wanted commits, one more than the amount when there are more."""
    with engine.database.snapshot() as connection:
        with prefixed("ref: "):
            start = expressions.resolve_commit(connection, repository, request.ref)
        after = stop = None
        if request.stop_at:
            with prefixed("stop_at: "):
                stop = expressions.resolve_commit(connection, repository, request.stop_at).id
        if request.after:
            with prefixed("from ref: "):
                after = expressions.resolve_commit(connection, repository, request.after).id
        history = History(connection, repository)
        wanted: list[Commit] = []
        for each in history.log(start, first_parent=request.first_parent):
            if request.since is not None and each.creation_date < request.since:
                break
            if after is None and _touches(engine, history, each, request):
                wanted.append(each)
                # As measured: a commit that the filters leave out does not stop the log.
                if each.id == stop or len(wanted) > request.amount:
                    break
            if after == each.id:
                after = None
        return wanted


def _touches(engine: Engine, history: History, each: Commit, request: LogRequest) -> bool:
    """Whether a commit with one parent changed any of the objects or prefixes; merges never do, as measured."""
    if not request.objects and not request.prefixes:
        return True
    if len(each.parents) != 1:
        return False
    trees = engine.trees
    before = trees.metarange(history.commit(each.parents[0]).metarange_id)
    after = trees.metarange(each.metarange_id) if each.metarange_id else EMPTY
    for path in request.objects:
        if not same_content(trees.lookup(before, path), trees.lookup(after, path)):
            return True
    for prefix in request.prefixes:
        change = next(compare(trees, before, after, prefix), None)
        if change is not None and change.path.startswith(prefix):
            return True
    return False


async def _metarange(call: Call) -> Reply:
    return _located(call, "meta_range")


async def _range(call: Call) -> Reply:
    return _located(call, "range")


def _located(call: Call, kind: str) -> Reply:
    found(call)
    location = f"_lakefs/{call.params[kind]}"
    return json_reply({"location": location}, headers=[(b"location", header_value(location))])


HANDLERS: dict[str, Handler] = {
    "commit": _commit,
    "getCommit": _get,
    "logCommits": _log,
    "getMetaRange": _metarange,
    "getRange": _range,
}
