"""From a validated ingest commit to a version: pin, merge, look again, tag, record, tidy.

An ingest, a rollback and a repair all end here. Every step can be killed before or after its effect and done again.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from lakefs_repro.errors import (
    AlreadyExistsError,
    ConflictError,
    IntegrityError,
    InvalidError,
    NotFoundError,
)
from lakefs_repro.ingest.branch.frozen import FROM_COMMIT
from lakefs_repro.ingest.hashing.digest_parts import forget
from lakefs_repro.ingest.settle import NOTHING_TO_DO, TAKEN, settle
from lakefs_repro.lake.values import Commit
from lakefs_repro.ledger.append import append
from lakefs_repro.model.annotation import Annotation, is_annotation
from lakefs_repro.model.manifest import iter_chunk_names
from lakefs_repro.model.names import dataset_prefix, ingest_branch, parse_pin_branch, parse_tag, pin_branch, tag_name
from lakefs_repro.model.version import Version
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, first_commit, foreign_changes, merge_of, read_line, require_clean
from lakefs_repro.snapshot.sidecar import Sidecar

MERGE_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Published:
    """A version that exists: pinned, merged, tagged, recorded."""

    version: str
    merge: str
    annotation: Annotation


class LostRaceError(ConflictError):
    """Another ingest of the same dataset was merged first."""

    default_kind = "lost-race"


class ReservedError(ConflictError):
    """Another ingest holds the version number; ``holder`` is its ULID, empty when unknown."""

    default_kind = "version-reserved"

    def __init__(self, message: str, *, hint: str, holder: str) -> None:
        super().__init__(message, hint=hint)
        self.holder = holder


def taken_versions(ctx: Context, dataset: str) -> list[Version]:
    """The versions that a dataset's tags name, in order of precedence."""
    found = []
    for tag in ctx.repository.tags.list(tag_name(dataset, "0.0.0").removesuffix("0.0.0")):
        version = _version_of(tag.name, dataset)
        if version is not None:
            found.append(version)
    return sorted(found)


def _version_of(tag: str, dataset: str) -> Version | None:
    parsed = parse_tag(tag)
    return parsed[1] if parsed and parsed[0] == dataset else None


def reserve(ctx: Context, dataset: str, version: str, commit: Commit) -> None:
    """Create the version's pin at ``commit``: atomic, so one of many racers gets the version.

    Raises:
        ReservedError: somebody else's pin is there.
    """
    name = pin_branch(dataset, version)

    def look() -> str | None:
        head = _head_or_none(ctx, name)
        return head if head == commit.id else None

    try:
        settle(lambda: ctx.repository.branches.create(name, commit.id, hidden=True), look, doubtful=TAKEN)
    except AlreadyExistsError:
        if require_free(ctx, dataset, version, str(commit.metadata.get("repro.ingest"))):
            # An interrupted run of this very ingest pinned other content, which nobody merged.
            drop_branch(ctx, name)
        reserve(ctx, dataset, version, commit)


def require_free(ctx: Context, dataset: str, version: str, ingest: str) -> bool:
    """Stop early when a version is reserved by another ingest than ``ingest``; say whether it is by this one.

    Raises:
        LostRaceError: the other one was merged already.
        ReservedError: it is under way, or its process died.
    """
    head = _head_or_none(ctx, pin_branch(dataset, version))
    if head is None:
        return False
    holder = ctx.repository.commits.get(head)
    if ctx.repository.commits.contains(ctx.main, holder.id):
        raise _lost(dataset)
    said = Annotation.decode(holder.metadata) if is_annotation(holder.metadata) else None
    if said and said.ingest == ingest:
        return True
    who = f" (ingest {said.ingest}, by {said.extra.get('repro.by') or holder.committer})" if said else ""
    raise ReservedError(
        f"{dataset}@{version} is reserved by another ingest{who}; nothing was merged.",
        hint="wait until it is done and type the command again; if it died, `lakefs-repro doctor --repair`",
        holder=said.ingest if said else "",
    )


def release(ctx: Context, dataset: str, version: str, ingest: str) -> bool:
    """Give a reservation back, if it is that of ``ingest``."""
    name = pin_branch(dataset, version)
    head = _head_or_none(ctx, name)
    if head is None:
        return False
    metadata = ctx.repository.commits.get(head).metadata
    if not is_annotation(metadata) or metadata.get("repro.ingest") != ingest:
        return False
    if ctx.repository.commits.contains(ctx.main, head):
        return False  # it was merged after all, by a request whose reply was lost
    drop_branch(ctx, name)
    return True


def release_others(ctx: Context, dataset: str, version: str, ingest: str) -> None:
    """Give back what ``ingest`` reserved, before it was interrupted, under versions that it no longer wants."""
    prefix = pin_branch(dataset, "0.0.0").removesuffix("0_0_0")
    taken = {str(v) for v in taken_versions(ctx, dataset)}
    for pin in ctx.repository.branches.list(prefix):
        parsed = parse_pin_branch(pin.name)
        if parsed and parsed[0] == dataset and str(parsed[1]) not in {version, *taken}:
            release(ctx, dataset, str(parsed[1]), ingest)


def drop_branch(ctx: Context, name: str) -> None:
    """Delete a branch if it is there."""
    try:
        ctx.repository.branches.delete(name)
    except NotFoundError:
        return


def merge_to_main(ctx: Context, commit: Commit, expected_head: str, *, adopt: bool = False) -> str:
    """Merge an ingest commit into ``main``, which must still stand where the ingest began.

    Args:
        ctx: the repository.
        commit: the validated ingest commit.
        expected_head: the line's head that the commit was made on.
        adopt: the data lies in ``main`` already, exactly as the commit has it.

    Returns:
        The merge commit's id.

    Raises:
        LostRaceError: the line has moved since.
        ConflictError: another client changed the dataset in ``main``, or staged something there.
    """
    annotation = Annotation.decode(commit.metadata)
    line = read_line(ctx, annotation.dataset)
    if line.head.id == commit.id:
        done = merge_of(ctx, commit.id)
        if done:
            return done.id
    if line.head.id != expected_head:
        raise _lost(annotation.dataset)
    require_clean(ctx, line, sidecar_only=adopt)
    if adopt:
        _require_adopted(ctx, commit, line)
    metadata = replace(annotation, commit=commit.id).encode()
    message = commit.message

    def look() -> str | None:
        found = merge_of(ctx, commit.id, since=line.main)
        return found.id if found else None

    try:
        return settle(
            lambda: ctx.repository.commits.merge(commit.id, ctx.main, message, metadata), look, doubtful=NOTHING_TO_DO
        )
    except ConflictError as error:
        if read_line(ctx, annotation.dataset).head.id != expected_head:
            raise _lost(annotation.dataset) from error
        raise _conflict(ctx, commit) from error
    except InvalidError as error:
        staged = next(iter(ctx.repository.branches.staged(ctx.main, most=1)), None)
        if staged is None:
            raise
        raise ConflictError(
            f"{ctx.main} has changes that nobody committed, such as {staged.path}; lakeFS merges nothing until then.",
            hint=f"commit or undo them (`lakectl branch reset lakefs://{ctx.repository.name}/{ctx.main}`), "
            "then type the command again",
            kind="main-dirty",
        ) from error


def _require_adopted(ctx: Context, commit: Commit, line: Line) -> None:
    """What lies in ``main`` is still what was hashed and validated there."""
    prefix = dataset_prefix(line.dataset)
    changed = next(iter(ctx.repository.commits.diff(commit.id, line.main, prefix=prefix, most=1)), None)
    if changed:
        raise ConflictError(
            f"Somebody is writing to {ctx.main}: {changed.path} was changed since its head was taken.",
            hint="wait for the writer, then type the command again",
            kind="writer-at-work",
        )


def _conflict(ctx: Context, commit: Commit) -> ConflictError:
    """A conflict that no ingest of this dataset explains: somebody changed a path that the commit carries too."""
    changes = ctx.repository.commits.diff(ctx.main, commit.id, kind="three_dot")
    path = next((c.path for c in changes if c.type == "conflict"), "a path that both sides changed")
    return ConflictError(
        f"{ctx.main} and the ingest both changed {path}; nothing was merged.",
        hint="type the command again: it starts from what main has now",
        kind="merge-conflict",
    )


def _lost(dataset: str) -> LostRaceError:
    return LostRaceError(
        f"Another ingest of {dataset} was merged first.",
        hint="type the command again: it starts from the new version",
    )


def finish(ctx: Context, commit: Commit, merge: str | None = None) -> Published:
    """Tag, record and tidy up after the merge of an ingest commit.

    Raises:
        ConflictError: what ``main`` got is not what was validated; it is named and never tagged.
    """
    annotation = Annotation.decode(commit.metadata)
    if merge is None:
        found = merge_of(ctx, commit.id)
        if found is None:
            raise IntegrityError(f"{commit.id[:12]} is not merged into {ctx.main}.", kind="not-merged")
        merge = found.id
    _keep_pinned(ctx, annotation, commit)
    ctx.progress.step("recheck")
    target = _clean_target(ctx, commit, annotation, merge)
    ctx.progress.step("tag")
    _tag(ctx, annotation, target)
    ctx.progress.step("ledger")
    record(ctx, commit, annotation, target)
    ctx.progress.step("cleanup")
    if annotation.extra.get(FROM_COMMIT):
        forget(ctx, annotation.dataset, annotation.extra[FROM_COMMIT])
    drop_branch(ctx, ingest_branch(annotation.dataset, annotation.ingest))
    return Published(annotation.version, target, annotation)


def _keep_pinned(ctx: Context, annotation: Annotation, commit: Commit) -> None:
    """See that the pin is still there, and make it again if somebody took us for dead and gave it back."""
    name = pin_branch(annotation.dataset, annotation.version)
    if _head_or_none(ctx, name) is None:
        reserve(ctx, annotation.dataset, annotation.version, commit)


def _clean_target(ctx: Context, commit: Commit, annotation: Annotation, merge: str) -> str:
    """The first of the merge commit and ``main``'s head whose dataset equals the ingest commit."""
    line = Line(annotation.dataset, merge, commit, annotation)
    if not foreign_changes(ctx, line):
        return merge
    now = read_line(ctx, annotation.dataset)
    if now.head.id != commit.id:
        require_clean(ctx, line)
    require_clean(ctx, now)
    return now.main


def _tag(ctx: Context, annotation: Annotation, target: str) -> None:
    name = tag_name(annotation.dataset, annotation.version)

    def look() -> str | None:
        try:
            there = ctx.repository.tags.get(name).commit
        except NotFoundError:
            return None
        return there if there == target else None

    try:
        settle(lambda: ctx.repository.tags.create(name, target).commit, look, doubtful=TAKEN)
    except AlreadyExistsError as error:
        raise IntegrityError(
            f"The tag {name} is there already, at another commit than {target[:12]}.",
            hint="somebody made it by hand; `lakefs-repro doctor` shows both",
            kind="tag-moved",
        ) from error


def record(ctx: Context, commit: Commit, annotation: Annotation, merge: str) -> None:
    """Write the ingest's record with its manifest into the ledger."""
    sidecar = Sidecar(ctx.repository.objects, annotation.dataset, commit.id)
    names = list(iter_chunk_names(annotation.digest, sidecar.chunk))
    append(
        ctx.repository,
        annotation.ingest,
        {
            "format": 1,
            "kind": "rollback" if annotation.rolled_back_to else "ingest",
            "annotation": annotation.encode(),
            "ingest_commit": commit.id,
            "merge_commit": merge,
            "metarange": commit.metarange,
            "committer": commit.committer,
            "message": commit.message,
            "created": commit.created.isoformat(),
            "contract": sidecar.contract().dump(),
            "statistics": _totals(sidecar),
        },
        chunks={name: _reader(sidecar, name) for name in names},
        first_commit=lambda: first_commit(ctx, commit.id).id,
    )


def _reader(sidecar: Sidecar, name: str) -> Any:
    return lambda: sidecar.chunk(name)


def _totals(sidecar: Sidecar) -> Mapping[str, Any]:
    stored = json.loads(sidecar.statistics())
    return {"schemas": stored.get("schemas", []), "tables": stored.get("tables", [])}


def _head_or_none(ctx: Context, branch: str) -> str | None:
    try:
        return ctx.repository.branches.get(branch).commit
    except NotFoundError:
        return None


def pause(attempt: int) -> None:
    """Wait a little longer each time, and not all for the same time."""
    time.sleep(min(1.0, 0.02 * 2 ** min(attempt, 6)) * (0.5 + random.random()))  # noqa: S311 - only to spread them
