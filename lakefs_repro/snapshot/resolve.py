"""From a REF to the snapshot that it stands for, or to an error that says what there is instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches

from lakefs_repro.errors import ConflictError, IntegrityError, InvalidError, NotFoundError
from lakefs_repro.lake.values import Commit
from lakefs_repro.model.names import (
    SIDECAR,
    check_dataset_name,
    dataset_prefix,
    is_dataset_name,
    sidecar_prefix,
    tag_name,
)
from lakefs_repro.model.ref import Ref, parse_ref
from lakefs_repro.model.version import LATEST, Version, VersionRange
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line, foreign_changes, line_at
from lakefs_repro.snapshot.releases import release_snapshot
from lakefs_repro.snapshot.snapshot import Snapshot
from lakefs_repro.snapshot.versions import Tagged, annotation_of, list_versions, pin_head, read_tagged, tagged

_NAMED = 8
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")


def resolve(ctx: Context, ref: str, *, dataset: str | None = None) -> Snapshot:
    """The snapshot that ``ref`` stands for.

    Args:
        ctx: the repository.
        ref: a version (``flights@1.2.0``), range, ``latest``, branch, tag, commit, digest, their beginnings of 8 and
            more hexadecimal digits, a dataset of a release (``release:q3/flights``), or a ``lakefs://`` URI; perhaps
            with ``#partition``.
        dataset: whose snapshot, where ``ref`` names none.

    Raises:
        NotFoundError: there is none; the hint names the nearest that there are.
        InvalidError: it can't be read, several are meant, or it does not say which dataset.
        IntegrityError: the version's tag was moved (``tag-moved``) or stands at a commit that is no such version
            (``bad-annotation``).
        ConflictError: the branch or commit holds what no ingest wrote (``foreign-change``).
    """
    if dataset is not None:
        check_dataset_name(dataset)
    parsed = _parse(ctx, ref, dataset)
    if parsed.kind == "uri":
        found = _uri(ctx, parsed)
    elif parsed.kind == "version" and parsed.dataset:
        found = _version(ctx, parsed.dataset, parsed.version)
    elif parsed.kind == "range" and parsed.dataset:
        found = _range(ctx, parsed.dataset, parsed.range)
    elif parsed.kind == "release":
        found = release_snapshot(ctx, parsed.value, parsed.dataset or dataset)
    elif parsed.kind == "digest":
        found = _digest(ctx, parsed, parsed.dataset or dataset)
    else:
        found = _name(ctx, parsed, dataset)
    return replace(found, partition=parsed.partition) if parsed.partition else found


def datasets_at(ctx: Context, ref: str) -> tuple[str, ...]:
    """The datasets that a ref holds."""
    listed = ctx.repository.objects.list(ref, SIDECAR, delimiter="/")
    names = (one.path.removeprefix(SIDECAR).rstrip("/") for one in listed if one.is_prefix)
    return tuple(name for name in names if is_dataset_name(name))


def _parse(ctx: Context, text: str, dataset: str | None) -> Ref:
    """Read a REF; what only makes sense behind a dataset, such as ``^1.1``, gets the only one there is."""
    try:
        parsed = parse_ref(text)
    except InvalidError:
        known = dataset or _only_dataset(ctx)
        if known is None or text.startswith("release:") or "@" in text or "/" in text.partition("#")[0]:
            raise
        return parse_ref(f"{known}@{text}")
    if parsed.kind == "name" and parsed.dataset is None and parsed.value == LATEST:
        known = dataset or _only_dataset(ctx)
        return parsed if known is None else parse_ref(f"{known}@{text}")
    return parsed


def _only_dataset(ctx: Context) -> str | None:
    known = datasets_at(ctx, ctx.main)
    return known[0] if len(known) == 1 else None


def _version(ctx: Context, dataset: str, version: Version) -> Snapshot:
    try:
        tag = ctx.repository.tags.get(tag_name(dataset, version))
    except NotFoundError as error:
        raise _no_version(ctx, dataset, str(version)) from error
    return _tagged(ctx, Tagged(dataset, version, tag.commit))


def _range(ctx: Context, dataset: str, wanted: VersionRange) -> Snapshot:
    tags = {tag.version: tag for tag in tagged(ctx, dataset)}
    best = wanted.best(tags)
    if best is None:
        raise _no_version(ctx, dataset, str(wanted))
    return _tagged(ctx, tags[best])


def _tagged(ctx: Context, tag: Tagged) -> Snapshot:
    merge = ctx.repository.commits.get(tag.commit)
    said = read_tagged(ctx, tag, merge, pin_head(ctx, tag.dataset, tag.version))
    try:
        at_line = annotation_of(ctx.repository.commits.get(said.commit))
    except NotFoundError:
        at_line = None
    if at_line is None or (at_line.ingest, at_line.digest) != (said.ingest, said.digest):
        raise IntegrityError(
            f"The tag of {tag.dataset}@{tag.version} points at {merge.id[:12]}, which names {said.commit[:12]} as its "
            "ingest commit; that one says nothing of the kind.",
            hint=f"somebody wrote this annotation by hand; `lakefs-repro doctor --dataset {tag.dataset}` looks further",
            kind="bad-annotation",
        )
    return Snapshot(
        context=ctx,
        dataset=tag.dataset,
        version=str(tag.version),
        digest=said.digest,
        commit=merge.id,
        ingest_commit=said.commit,
        annotation=said,
    )


def _digest(ctx: Context, ref: Ref, dataset: str | None) -> Snapshot:
    found = _by_digest(ctx, ref.value, dataset)
    if len({(one.dataset, one.digest) for one in found}) > 1:
        raise _ambiguous(ref, (one.label for one in found))
    if not found:
        raise NotFoundError(
            f"No version{f' of {dataset}' if dataset else ''} has a digest that begins with {ref.value}.",
            hint="`lakefs-repro list` shows the digest of each version",
            kind="ref-not-found",
        )
    return _version(ctx, found[-1].dataset, Version(found[-1].version))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A version that a digest may mean."""

    dataset: str
    version: str
    digest: str

    @property
    def label(self) -> str:
        return f"{self.dataset}@{self.version} (sha256:{self.digest[:16]}…)"


def _by_digest(ctx: Context, prefix: str, dataset: str | None) -> list[_Candidate]:
    return [
        _Candidate(info.dataset, info.version, info.digest)
        for info in list_versions(ctx, dataset)
        if info.digest.startswith(prefix)
    ]


def _name(ctx: Context, ref: Ref, dataset: str | None) -> Snapshot:
    """A bare word: a dataset, branch, tag, commit, expression or digest."""
    if ref.dataset is None and ref.possible_dataset and tagged(ctx, ref.possible_dataset):
        return _range(ctx, ref.possible_dataset, VersionRange(LATEST))
    wanted = ref.dataset or dataset
    at = _lakefs_ref(ctx, ref.value)
    candidates = _by_digest(ctx, ref.value, wanted) if ref.kind == "hex" else []
    if at is None and candidates:
        return _digest(ctx, ref, wanted)
    if at is not None and candidates:
        raise _ambiguous(ref, [f"{at.kind} {ref.value}", *(one.label for one in candidates)])
    if at is None and ref.kind == "hex":
        _refuse_several_commits(ctx, ref)
    if at is None:
        return _not_a_name(ctx, ref, wanted)
    return _at(ctx, at, wanted or _dataset_of(ctx, ref, at))


def _not_a_name(ctx: Context, ref: Ref, dataset: str | None) -> Snapshot:
    """The last chance: ``1.2.0`` may be meant as a version of the only dataset."""
    known = dataset or _only_dataset(ctx)
    if known is not None and ref.dataset is None:
        try:
            again = parse_ref(f"{known}@{ref.value}")
        except InvalidError:
            again = ref
        if again.kind == "version":
            return _version(ctx, known, again.version)
        if again.kind == "range":
            return _range(ctx, known, again.range)
    names = [*datasets_at(ctx, ctx.main), *(branch.name for branch in ctx.repository.branches.list()),
             *(tag.name for tag in ctx.repository.tags.list())]  # fmt: skip
    raise NotFoundError(
        f"There is no dataset, branch, tag, commit or digest {ref.value!r} in {ctx.repository.name}.",
        hint=_nearest(ref.value, names) or "`lakefs-repro list` names the datasets and their versions",
        kind="ref-not-found",
    )


@dataclass(frozen=True, slots=True)
class _At:
    """What lakeFS knows under a name."""

    kind: str
    name: str
    commit: Commit

    @property
    def branch(self) -> str | None:
        return self.name if self.kind == "branch" else None


def _lakefs_ref(ctx: Context, name: str) -> _At | None:
    """A branch, tag, commit or expression, or ``None``."""
    commits, branches, tags = ctx.repository.commits, ctx.repository.branches, ctx.repository.tags
    look: list[tuple[str, Callable[[], Commit]]] = [("commit", lambda: commits.resolve(name))]
    if not any(sign in name for sign in "~^"):
        look.insert(0, ("tag", lambda: commits.get(tags.get(name).commit)))
    if _BRANCH.fullmatch(name):
        look.insert(0, ("branch", lambda: commits.get(branches.get(name).commit)))
    for kind, commit in look:
        try:
            return _At(kind, name, commit())
        except NotFoundError:
            continue
        except InvalidError as error:  # lakeFS refuses, instead of not finding, what could not be such a name
            if error.kind != "server-refused-request":
                raise
    return None


def _refuse_several_commits(ctx: Context, ref: Ref) -> None:
    """LakeFS answers "not found" to the beginning of several ids: say which, as far as they are known."""
    ids = {
        commit.id: commit.message for commit in ctx.repository.commits.log(ctx.main) if commit.id.startswith(ref.value)
    }
    if len(ids) > 1:
        raise _ambiguous(ref, (f"commit {id_[:16]}… ({message})" for id_, message in ids.items()))


def _dataset_of(ctx: Context, ref: Ref, at: _At) -> str:
    said = annotation_of(at.commit)
    here = datasets_at(ctx, at.commit.id)
    if len(here) == 1:
        return here[0]
    if said is not None and not said.commit and said.dataset in here:
        return said.dataset
    if not here:
        raise NotFoundError(
            f"{ref} holds no dataset.",
            hint="`lakefs-repro list` names the versions there are",
            kind="dataset-not-found",
        )
    raise InvalidError(
        f"{ref} holds {len(here)} datasets: {', '.join(here[:_NAMED])}{' and others' if len(here) > _NAMED else ''}.",
        hint=f"say which with --dataset, or write {here[0]}@{ref}",
        kind="which-dataset",
    )


def _at(ctx: Context, at: _At, dataset: str) -> Snapshot:
    """A dataset as the line has it at any commit, if the commit holds just that."""
    try:
        line = line_at(ctx, dataset, at.commit.id)
    except InvalidError as error:
        raise IntegrityError(
            f"{at.name} holds {dataset} with an annotation that can't be read: {error.message}",
            hint=error.hint,
            kind="bad-annotation",
        ) from error
    said = line.annotation
    if said is None:
        raise NotFoundError(
            f"{at.kind.capitalize()} {at.name} holds no ingest of {dataset}.",
            hint=_nearest(dataset, datasets_at(ctx, at.commit.id))
            or "`lakefs-repro list` names the versions there are",
            kind="dataset-not-found",
        )
    if line.head.id != at.commit.id:
        _require_as_ingested(ctx, line, at)
    if at.branch is not None:
        _require_nothing_staged(ctx, dataset, at.branch)
    return Snapshot(
        context=ctx,
        dataset=dataset,
        version=_version_at(ctx, line),
        digest=said.digest,
        commit=at.commit.id,
        ingest_commit=line.head.id,
        annotation=said,
    )


def _version_at(ctx: Context, line: Line) -> str | None:
    """The version that was made of an ingest commit, when it got its tag."""
    if line.annotation is None:
        return None
    version = line.annotation.version
    try:
        tag = ctx.repository.tags.get(tag_name(line.dataset, version))
        said = annotation_of(ctx.repository.commits.get(tag.commit))
    except NotFoundError:
        return None
    return version if said is not None and said.commit == line.head.id else None


def _require_as_ingested(ctx: Context, line: Line, at: _At) -> None:
    changes = foreign_changes(ctx, line, at.commit.id)
    if changes:
        first = changes[0]
        more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
        raise ConflictError(
            f"{first.path}{more} was {first.type} in {at.kind} {at.name} by another client since the ingest "
            f"{line.head.id[:12]}: what it holds of {line.dataset} was never validated.",
            hint=f"name a version instead, such as {line.dataset}@latest, or ingest what is there",
            kind="foreign-change",
        )


def _require_nothing_staged(ctx: Context, dataset: str, branch: str) -> None:
    for prefix in (dataset_prefix(dataset), sidecar_prefix(dataset)):
        for change in ctx.repository.branches.staged(branch, prefix, most=1):
            raise ConflictError(
                f"{change.path} is {change.type} on the branch {branch}, and not committed.",
                hint="commit or reset it (`lakectl branch reset`), or name the commit instead of the branch",
                kind="foreign-change",
            )


def _uri(ctx: Context, ref: Ref) -> Snapshot:
    if ref.repository != ctx.repository.name:
        raise InvalidError(
            f"{ref} is in the repository {ref.repository}; this project's is {ctx.repository.name}.",
            hint=f"run it where the configuration names {ref.repository}",
            kind="other-repository",
        )
    dataset, _, under = (ref.path or "").partition("/")
    at = _lakefs_ref(ctx, ref.value)
    if at is None:
        raise NotFoundError(
            f"There is no branch, tag or commit {ref.value!r} in {ctx.repository.name}.", kind="ref-not-found"
        )
    if dataset and not is_dataset_name(dataset):
        raise InvalidError(
            f"{ref} lies outside of every dataset.",
            hint=f"{at.name} holds {', '.join(datasets_at(ctx, at.commit.id)) or 'no dataset'}",
            kind="which-dataset",
        )
    return replace(_at(ctx, at, dataset or _dataset_of(ctx, ref, at)), under=under)


def _no_version(ctx: Context, dataset: str, wanted: str) -> NotFoundError:
    versions = [str(tag.version) for tag in tagged(ctx, dataset)]
    if not versions:
        datasets = sorted({tag.dataset for tag in tagged(ctx)})
        listed = f"there are {', '.join(datasets[:_NAMED])}" if datasets else "nothing was ingested yet"
        return NotFoundError(
            f"There is no dataset {dataset} in {ctx.repository.name}.",
            hint=_nearest(dataset, datasets) or listed,
            kind="dataset-not-found",
        )
    near = get_close_matches(wanted, versions, n=3, cutoff=0.5) or versions[-3:]
    return NotFoundError(
        f"{dataset} has no version {wanted}.",
        hint=f"there {'is' if len(near) == 1 else 'are'} " + ", ".join(f"{dataset}@{one}" for one in near),
        kind="version-not-found",
    )


def _nearest(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, list(names), n=3)
    return f"did you mean {' or '.join(near)}?" if near else ""


def _ambiguous(ref: Ref, candidates: Iterable[str]) -> InvalidError:
    listed = list(candidates)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return InvalidError(
        f"{ref.value} can mean {', '.join(listed[:_NAMED])}{more}.",
        hint="write more of its digits, sha256: before a digest, or the dataset and @ before it",
        kind="ambiguous-ref",
    )
