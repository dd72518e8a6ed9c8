"""The versions that a repository has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lakefs_repro.errors import IntegrityError, InvalidError, NotFoundError
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.annotation import Annotation, is_annotation
from lakefs_repro.model.names import check_dataset_name, parse_tag, pin_branch
from lakefs_repro.model.report import PinState, VersionInfo
from lakefs_repro.model.version import Version
from lakefs_repro.snapshot.context import Context
from lakefs_repro.transfer.parallel import run_all

_LOG_AT_LEAST: Final = 1000


@dataclass(frozen=True, slots=True)
class Tagged:
    """A version's tag: the dataset and version that its name says, and the commit that it points at."""

    dataset: str
    version: Version
    commit: str


def list_versions(ctx: Context, dataset: str | None = None) -> tuple[VersionInfo, ...]:
    """All versions of one dataset or of all, sorted by dataset and version.

    A version whose tag is not to be trusted is listed with its ``problem``. Tags that are not ours, and pins that
    have no tag (an ingest holds them while it runs), are no versions.
    """
    tags = tagged(ctx, dataset)
    heads = {ref.name: ref.commit for ref in ctx.repository.branches.list(f"pin-{dataset}-v" if dataset else "pin-")}
    commits = _commits(ctx, {tag.commit for tag in tags})
    infos = [_info(ctx, tag, commits[tag.commit], heads.get(pin_branch(tag.dataset, tag.version))) for tag in tags]
    return tuple(infos)


def tagged(ctx: Context, dataset: str | None = None) -> list[Tagged]:
    """The tags that are named as versions, sorted by dataset and version."""
    if dataset is not None:
        check_dataset_name(dataset)
    found = []
    for ref in ctx.repository.tags.list(f"{dataset}-v" if dataset else ""):
        parsed = parse_tag(ref.name)
        if parsed is not None and dataset in (None, parsed[0]):
            found.append(Tagged(parsed[0], parsed[1], ref.commit))
    return sorted(found, key=lambda tag: (tag.dataset, tag.version))


def read_tagged(ctx: Context, tag: Tagged, commit: Commit, pinned: str | None) -> Annotation:
    """The annotation of a version's merge commit, held against its name and its pin.

    Tags can be deleted and made again elsewhere, by anybody. The name of a version is only believed when the commit
    says so too, and when no pin that says so is at another ingest commit.

    Args:
        ctx: the repository.
        tag: the version's tag.
        commit: the commit that it points at.
        pinned: the head of its pin, or ``None`` when there is none.

    Raises:
        IntegrityError: ``bad-annotation`` when the commit is no merge of this version; ``tag-moved`` when its pin
            shows that the tag was elsewhere once.
    """
    name = f"{tag.dataset}@{tag.version}"
    said = annotation_of(commit)
    ours = said is not None and (said.dataset, said.version, bool(said.commit)) == (tag.dataset, str(tag.version), True)
    if said is not None and ours and pinned in (None, said.commit):
        return said
    at_pin = _annotation_at(ctx, pinned) if pinned else None
    claims = at_pin is not None and (at_pin.dataset, at_pin.version) == (tag.dataset, str(tag.version))
    if claims:
        raise IntegrityError(
            f"The tag of {name} points at {commit.id[:12]}, but its pin keeps {pinned:.12}: the tag was moved.",
            hint=f"`lakefs-repro doctor --dataset {tag.dataset}` shows both and can put the tag back",
            kind="tag-moved",
        )
    if said is not None and ours:
        return said  # the pin was moved, to something that does not claim to be this version
    what = "carries no valid annotation" if said is None else f"says that it is {said.dataset}@{said.version}"
    raise IntegrityError(
        f"The tag of {name} points at {commit.id[:12]}, which {what}.",
        hint=f"somebody made or moved this tag by hand; `lakefs-repro doctor --dataset {tag.dataset}` looks further",
        kind="bad-annotation",
    )


def annotation_of(commit: Commit) -> Annotation | None:
    """What a commit says of itself, or ``None`` when it says nothing that can be read."""
    try:
        return Annotation.decode(commit.metadata) if is_annotation(commit.metadata) else None
    except InvalidError:
        return None


def pin_state(pinned: str | None, ingest_commit: str) -> PinState:
    """Whether a pin's head is the commit that it should keep."""
    if pinned is None:
        return "missing"
    return "held" if pinned == ingest_commit else "moved"


def pin_head(ctx: Context, dataset: str, version: Version | str) -> str | None:
    """The commit that a version's pin keeps, or ``None`` without a pin."""
    return branch_head(ctx, pin_branch(dataset, version))


def branch_head(ctx: Context, branch: str) -> str | None:
    """The head of a branch, or ``None`` without such a branch."""
    try:
        return ctx.repository.branches.get(branch).commit
    except NotFoundError:
        return None


def _info(ctx: Context, tag: Tagged, commit: Commit, pinned: str | None) -> VersionInfo:
    try:
        said = read_tagged(ctx, tag, commit, pinned)
    except IntegrityError as error:
        return VersionInfo(dataset=tag.dataset, version=str(tag.version), commit=tag.commit, problem=error.kind)
    return VersionInfo(
        dataset=tag.dataset,
        version=str(tag.version),
        commit=commit.id,
        ingest_commit=said.commit,
        digest=said.digest,
        files=said.files,
        bytes=said.bytes,
        rows=said.rows,
        created=commit.created,
        by=made_by(commit, said),
        message=commit.message,
        pin=pin_state(pinned, said.commit),
        rolled_back_to=said.rolled_back_to,
        external=said.external,
    )


def made_by(commit: Commit, said: Annotation) -> str:
    """Who made a commit: as its annotation says, or else as lakeFS knows them."""
    return said.extra.get("repro.by") or commit.committer


def _annotation_at(ctx: Context, commit: str) -> Annotation | None:
    try:
        return annotation_of(ctx.repository.commits.get(commit))
    except NotFoundError:
        return None


def _commits(ctx: Context, ids: Iterable[str]) -> dict[str, Commit]:
    """These commits: from the log of ``main``, a thousand an answer, and those that are not there one by one."""
    wanted = set(ids)
    found: dict[str, Commit] = {}
    most = max(_LOG_AT_LEAST, 4 * len(wanted))
    if len(wanted) > ctx.threads:
        for commit in islice(ctx.repository.commits.log(ctx.main, first_parent=True), most):
            if commit.id in wanted:
                found[commit.id] = commit
                if len(found) == len(wanted):
                    return found
    for commit in run_all(ctx.repository.commits.get, wanted - found.keys(), threads=ctx.threads):
        found[commit.id] = commit
    return found
