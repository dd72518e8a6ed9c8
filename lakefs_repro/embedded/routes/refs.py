"""Between refs: diff, merge, merge base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lakefs_repro.embedded.call import checked
from lakefs_repro.embedded.errors import ApiError, bad_request, prefixed
from lakefs_repro.embedded.hooks import moves
from lakefs_repro.embedded.reply import json_reply, page_reply
from lakefs_repro.embedded.routes.repositories import found, writable
from lakefs_repro.embedded.store import expressions, refs
from lakefs_repro.embedded.store.compare import compare
from lakefs_repro.embedded.store.entry import Change
from lakefs_repro.embedded.store.history import History
from lakefs_repro.embedded.store.merging import MergeRequest, Sides, changes_of_source
from lakefs_repro.embedded.store.metaranges import EMPTY
from lakefs_repro.embedded.store.objects import head_view
from lakefs_repro.embedded.store.paging import Window, page

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply
    from lakefs_repro.embedded.router import Handler
    from lakefs_repro.embedded.store.engine import Engine
    from lakefs_repro.embedded.store.entry import Entry
    from lakefs_repro.embedded.store.repositories import Repository
    from lakefs_repro.embedded.store.view import View

_MERGE = {
    "message": "string",
    "metadata": "strings",
    "strategy": "string",
    "force": "boolean",
    "allow_empty": "boolean",
    "squash_merge": "boolean",
}


class Difference(NamedTuple):
    """A line of a diff."""

    path: str
    kind: str
    size: int
    entry: Entry


def _difference(change: Change, *, conflict: bool = False) -> Difference:
    entry = change.right or change.left
    if entry is None:
        raise ApiError(500, "a change without an entry")
    kind = "added" if change.left is None else "removed" if change.right is None else "changed"
    return Difference(change.path, "conflict" if conflict else kind, entry.size, entry)


def _window(call: Call) -> Window:
    return Window(call.query("prefix"), call.query("after"), call.query("delimiter"), call.amount())


def _diff_page(items: list[Difference | str], *, right_stats: bool) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for item in items:
        if isinstance(item, str):
            shown.append({"path": item, "path_type": "common_prefix", "type": "prefix_changed"})
            continue
        line = {"path": item.path, "path_type": "object", "size_bytes": item.size, "type": item.kind}
        if right_stats:
            line["right"] = {
                "checksum": item.entry.checksum,
                "content_type": item.entry.content_type,
                "metadata": dict(item.entry.metadata or {}),
                "mtime": item.entry.mtime,
            }
        shown.append(line)
    return shown


async def _diff_branch(call: Call) -> Reply:
    window, repository = _window(call), found(call)

    def work() -> tuple[list[dict[str, Any]], bool, str]:
        with call.engine.database.snapshot() as connection:
            branch = refs.branch(connection, repository, call.params["branch"])
            view = head_view(call.engine, connection, repository, branch)

            def source(start: str) -> Iterator[Difference]:
                for change in view.staged_changes(start, window.prefix):
                    line = _difference(change)
                    yield line if change.right else line._replace(size=0)

            found_page = page(source, window)
            shown = _diff_page(found_page.items, right_stats=False)
            return shown, found_page.has_more, found_page.next_offset

    shown, more, offset = await call.run(work)
    return page_reply(shown, has_more=more, next_offset=offset)


async def _diff_refs(call: Call) -> Reply:
    kind = call.choice("type", ("two_dot", "three_dot"), "three_dot")
    window, repository, stats = _window(call), found(call), call.flag("include_right_stats")
    left, right = call.params["leftRef"], call.params["rightRef"]
    expressions.require_ref(left, "left")
    expressions.require_ref(right, "right")

    def work() -> tuple[list[dict[str, Any]], bool, str]:
        with call.engine.database.snapshot() as connection:
            make = _two_dot if kind == "two_dot" else _three_dot
            source = make(call.engine, connection, repository, left, right)
            found_page = page(source, window)
            shown = _diff_page(found_page.items, right_stats=stats)
            return shown, found_page.has_more, found_page.next_offset

    shown, more, offset = await call.run(work)
    return page_reply(shown, has_more=more, next_offset=offset)


def _two_dot(engine: Engine, connection: sqlite3.Connection, repository: Repository, left: str, right: str) -> Any:
    views: list[View] = []
    for expression in (left, right):
        resolved = expressions.resolve(connection, repository, expression)
        if resolved.staged_only and not views:
            raise bad_request(f"reference '{left}': reference to staging area with $ is not a commit")
        if not resolved.staged_only:
            resolved = expressions.Resolved(resolved.commit, None)
        views.append(engine.view(connection, resolved))
    before, after = views

    def source(start: str) -> Iterator[Difference]:
        if before.branch is None and after.branch is None:
            yield from map(_difference, compare(engine.trees, before.tree, after.tree, start))
        else:
            yield from map(_difference, _compare_views(before, after, start))

    return source


def _compare_views(before: View, after: View, start: str) -> Iterator[Change]:
    """Where staged changes count, entry by entry."""
    lefts, rights = before.entries(start), after.entries(start)
    left, right = next(lefts, None), next(rights, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left.path < right.path):
            if left is not None:
                yield Change(left.path, left, None)
            left = next(lefts, None)
        elif left is None or right.path < left.path:
            yield Change(right.path, None, right)
            right = next(rights, None)
        else:
            if left[1:3] != right[1:3] or left[5:] != right[5:]:
                yield Change(left.path, left, right)
            left, right = next(lefts, None), next(rights, None)


def _three_dot(engine: Engine, connection: sqlite3.Connection, repository: Repository, left: str, right: str) -> Any:
    with prefixed(f"get commit by ref {right}: "):
        source_commit = expressions.merge_side(connection, repository, right)
    with prefixed(f"get commit by branch {left}: "):
        destination = expressions.merge_side(connection, repository, left)
    base = History(connection, repository).merge_base(destination, source_commit)
    trees = engine.trees
    sides = Sides(
        base=trees.metarange(base.metarange_id) if base else EMPTY,
        source=trees.metarange(source_commit.metarange_id),
        destination=trees.metarange(destination.metarange_id),
    )

    def source(start: str) -> Iterator[Difference]:
        for change, other in changes_of_source(trees, sides, start):
            if other is None:
                yield _difference(change)
            else:
                shown = Change(change.path, change.left or other.right, change.right or other.right)
                yield _difference(shown, conflict=True)

    return source


async def _merge(call: Call) -> Reply:
    body = checked(await call.json(may_be_absent=True), "Merge", _MERGE)
    request = MergeRequest(
        source=call.params["sourceRef"],
        message=body.get("message", ""),
        metadata=body.get("metadata") or {},
        strategy=body.get("strategy", ""),
        squash=body.get("squash_merge", False),
        allow_empty=body.get("allow_empty", False) or body.get("force", False),
    )
    repository, destination = writable(call, force=body.get("force", False)), call.params["destinationBranch"]
    refs.require_branch_id(destination, "destination")
    expressions.require_ref(request.source, "source")
    made = await call.move(repository, moves.merge, destination, request)
    return json_reply({"reference": made.id})


async def _merge_base(call: Call) -> Reply:
    repository, source, destination = found(call), call.params["sourceRef"], call.params["destinationBranch"]
    expressions.require_ref(destination, "destination")
    expressions.require_ref(source, "source")

    def work() -> dict[str, str]:
        with call.engine.database.snapshot() as connection:
            with prefixed(f"get commit by ref {destination}: "):
                other = expressions.merge_side(connection, repository, destination)
            with prefixed(f"get commit by branch {source}: "):
                one = expressions.merge_side(connection, repository, source)
            base = History(connection, repository).merge_base(one, other)
            # As measured: lakeFS names the two sides the other way round.
            return {
                "base_commit_id": base.id if base else "",
                "destination_commit_id": one.id,
                "source_commit_id": other.id,
            }

    return json_reply(await call.run(work))


HANDLERS: dict[str, Handler] = {
    "diffBranch": _diff_branch,
    "diffRefs": _diff_refs,
    "mergeIntoBranch": _merge,
    "findMergeBase": _merge_base,
}
