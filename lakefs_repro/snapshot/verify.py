"""Proving that a snapshot is there: manifest, listing, and every object at its last byte or whole.

A listing and a ``stat`` prove nothing, since lakeFS answers them for objects that were collected long ago.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from lakefs_repro.errors import IntegrityError, InvalidError, LakefsReproError, NotFoundError
from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import build
from lakefs_repro.model.names import dataset_prefix, release_pin
from lakefs_repro.model.paths import match_glob
from lakefs_repro.model.report import MAX_PROBLEMS, PinState, Problem, ProblemKind, VerifyReport
from lakefs_repro.snapshot.bucket_known import is_external
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.external import look_at_sources
from lakefs_repro.snapshot.snapshot import Snapshot
from lakefs_repro.snapshot.versions import branch_head, pin_head, pin_state
from lakefs_repro.transfer.download import Wanted
from lakefs_repro.transfer.parallel import run_all

_BATCH: Final = 32
_ASIDE: Final = 10_000
_KINDS: Final[dict[str, ProblemKind]] = {
    "object-gone": "gone",
    "truncated": "truncated",
    "size-mismatch": "size-mismatch",
    "hash-mismatch": "hash-mismatch",
}


def verify(ctx: Context, snapshot: Snapshot, *, deep: bool = False, include: Iterable[str] = ()) -> VerifyReport:
    """Find out whether a snapshot can still be read, exactly as it was ingested.

    The manifest must be whole and have the digest that the commit promises; the commit must list exactly its files;
    each must answer at its last byte. ``deep`` reads everything and compares each SHA-256: only that finds bytes that
    were changed in the store.

    Args:
        ctx: the repository.
        snapshot: what to look at; of a part only the part's files, but always the whole manifest.
        deep: read everything.
        include: globs that select files; all without them.

    Raises:
        UnavailableError: the server can't be reached, which says nothing about the data.
        InvalidError: ``include`` selects nothing.
    """
    begun = ctx.now()
    found = _Findings()
    patterns = tuple(include)
    selects = _selection(snapshot, patterns)
    if _manifest_is_whole(ctx, snapshot, found):
        listed = _listed(ctx, snapshot, selects, found)
        if deep:
            _read_all(ctx, snapshot, (entry for _, entry in listed), found)
        else:
            _probe_all(ctx, snapshot, _inside(ctx, snapshot, listed, found), found)
        if patterns and not found.files and not found.counts:
            raise InvalidError(f"No file of {snapshot} matches {' '.join(patterns)}.", kind="nothing-included")
    else:
        _probe_unlisted(ctx, snapshot, selects, found)
    _sidecar_can_be_read(snapshot, found)
    _merge_is_the_ingest(ctx, snapshot, selects, found)
    return VerifyReport(
        ref=str(snapshot),
        dataset=snapshot.dataset,
        version=snapshot.version,
        digest=snapshot.digest,
        commit=snapshot.commit,
        deep=deep,
        files=found.files,
        bytes=found.bytes,
        read_bytes=found.read_bytes,
        seconds=(ctx.now() - begun).total_seconds(),
        counts=dict(sorted(found.counts.items())),
        problems=tuple(sorted(found.problems, key=lambda problem: problem.path)),
        pin=_pin(ctx, snapshot),
        external=snapshot.external,
    )


def _pin(ctx: Context, snapshot: Snapshot) -> PinState | None:
    """Whether what should keep the snapshot does: the pin of its version, or of the release that it was named in."""
    if snapshot.release:
        return pin_state(branch_head(ctx, release_pin(snapshot.release)), snapshot.commit)
    if snapshot.version is None:
        return None
    return pin_state(pin_head(ctx, snapshot.dataset, snapshot.version), snapshot.ingest_commit)


class _Findings:
    """What was found so far: all counted, the first ones kept."""

    def __init__(self) -> None:
        self.counts: Counter[ProblemKind] = Counter()
        self.problems: list[Problem] = []
        self.files = self.bytes = self.read_bytes = 0

    def add(self, path: str, kind: ProblemKind, detail: str) -> None:
        self.counts[kind] += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(path, kind, detail))

    def add_error(self, path: str, error: LakefsReproError) -> None:
        """What a reading ended with; what is no statement about the object goes on upwards."""
        if isinstance(error, NotFoundError):
            self.add(path, "missing", error.message)
        elif isinstance(error, IntegrityError) and error.kind in _KINDS:
            self.add(path, _KINDS[error.kind], error.message)
        else:
            raise error


def _selection(snapshot: Snapshot, include: tuple[str, ...]) -> Callable[[str], bool]:
    def selects(path: str) -> bool:
        return snapshot.selects(path) and (not include or any(match_glob(path, pattern) for pattern in include))

    return selects


def _manifest_is_whole(ctx: Context, snapshot: Snapshot, found: _Findings) -> bool:
    """Read every chunk, and build the manifest anew from the entries: the digest must come out again."""
    ctx.progress.step("manifest")
    paths = snapshot.sidecar.paths
    try:
        built = build(snapshot.files.everything(), presorted=True)
    except (IntegrityError, InvalidError, NotFoundError) as error:
        found.add(paths.chunks, "manifest", error.message)
        return False
    said = snapshot.annotation
    if built.root != snapshot.digest:
        found.add(paths.chunks, "manifest", f"its entries have the digest {built.root}, not {snapshot.digest}")
    if (built.entries, built.bytes) != (said.files, said.bytes):
        detail = f"it has {built.entries} files of {built.bytes} bytes; the commit says {said.files} of {said.bytes}"
        found.add(paths.chunks, "manifest", detail)
    return True


def _listed(
    ctx: Context, snapshot: Snapshot, selects: Callable[[str], bool], found: _Findings
) -> Iterator[tuple[ObjectInfo, Entry]]:
    """The files that the commit lists as the manifest has them; both come in the order of their paths' bytes."""
    prefix = dataset_prefix(snapshot.dataset)
    objects = iter(ctx.repository.objects.list(snapshot.ingest_commit, prefix))
    entries = snapshot.files.selecting(selects)
    listed = next(objects, None)
    for entry in entries:
        path = prefix + entry.path
        found.files += 1
        found.bytes += entry.size
        while listed is not None and listed.path < path:
            _extra(listed, prefix, selects, found)
            listed = next(objects, None)
        if listed is None or listed.path != path:
            found.add(path, "missing", "the manifest has it, the commit does not")
            continue
        info, listed = listed, next(objects, None)
        if info.size == entry.size:
            yield info, entry
        else:
            detail = f"the commit lists it with {info.size} bytes, the manifest with {entry.size}"
            found.add(path, "size-mismatch", detail)
    while listed is not None:
        _extra(listed, prefix, selects, found)
        listed = next(objects, None)


def _extra(listed: ObjectInfo, prefix: str, selects: Callable[[str], bool], found: _Findings) -> None:
    # Objects before the first selected entry belong to files that were not selected.
    if selects(listed.path.removeprefix(prefix)):
        found.add(listed.path, "extra", "the commit has it, the manifest does not")


def _inside(
    ctx: Context, snapshot: Snapshot, listed: Iterator[tuple[ObjectInfo, Entry]], found: _Findings
) -> Iterator[Entry]:
    """The files whose bytes the repository holds itself; those that lie elsewhere are looked at here."""
    if not snapshot.external:
        yield from (entry for _, entry in listed)
        return
    namespace = ctx.repository.info().storage_namespace
    outside: list[tuple[ObjectInfo, Entry]] = []

    def look() -> None:
        for looked in look_at_sources(snapshot, outside):
            found.read_bytes += looked.read_bytes
            if looked.error is not None:
                found.add_error(looked.wanted.path, looked.error)
            ctx.progress.advance()
        outside.clear()

    for info, entry in listed:
        if not is_external(info, namespace):
            yield entry
            continue
        outside.append((info, entry))
        if len(outside) >= _ASIDE:
            look()
    look()


def _probe_all(ctx: Context, snapshot: Snapshot, entries: Iterator[Entry], found: _Findings) -> None:
    """Ask for the last byte of each; small ones are read whole where the server gives many in one answer."""
    ctx.progress.step("probe", total=len(snapshot.files) if snapshot.whole else None, unit="files")
    downloader = snapshot.downloader()
    rest: list[Wanted] = []

    def small() -> Iterator[Wanted]:
        for wanted in map(snapshot.wanted, entries):
            if downloader.reads_as_fast_as_it_probes(wanted):
                yield wanted
            else:
                rest.append(wanted)
                if len(rest) >= _ASIDE:
                    _probe_these(ctx, snapshot, rest, found)
                    rest.clear()

    for wanted, error in downloader.check(snapshot.ingest_commit, small()):
        found.read_bytes += wanted.size
        if error is not None:
            found.add_error(wanted.path, error)
        ctx.progress.advance()
    _probe_these(ctx, snapshot, rest, found)


def _probe_unlisted(ctx: Context, snapshot: Snapshot, selects: Callable[[str], bool], found: _Findings) -> None:
    """Without a manifest nobody knows what the files should be; but which of them are gone can still be told."""
    prefix = dataset_prefix(snapshot.dataset)
    ctx.progress.step("probe", unit="files")
    these: list[Wanted] = []
    for listed in ctx.repository.objects.list(snapshot.ingest_commit, prefix):
        if selects(listed.path.removeprefix(prefix)):
            found.files += 1
            found.bytes += listed.size
            these.append(Wanted(listed.path, listed.size, ""))
        if len(these) >= _ASIDE:
            _probe_these(ctx, snapshot, these, found)
            these.clear()
    _probe_these(ctx, snapshot, these, found)


def _probe_these(ctx: Context, snapshot: Snapshot, these: list[Wanted], found: _Findings) -> None:
    probe, ref = ctx.repository.objects.probe, snapshot.ingest_commit

    def job(batch: list[Wanted]) -> list[tuple[Wanted, LakefsReproError | None]]:
        return [(wanted, _failure(probe, ref, wanted)) for wanted in batch]

    size = max(1, min(_BATCH, len(these) // (2 * ctx.threads)))
    batches = (these[start : start + size] for start in range(0, len(these), size))
    for outcomes in run_all(job, batches, threads=ctx.threads):
        for wanted, error in outcomes:
            found.read_bytes += min(wanted.size, 1)
            if error is not None:
                found.add_error(wanted.path, error)
        ctx.progress.advance(len(outcomes))


def _read_all(ctx: Context, snapshot: Snapshot, entries: Iterator[Entry], found: _Findings) -> None:
    ctx.progress.step("read", total=snapshot.size if snapshot.whole else None, unit="bytes")
    wanted = map(snapshot.wanted, entries)
    for one, error in snapshot.downloader().check(snapshot.ingest_commit, wanted):
        found.read_bytes += one.size
        if error is not None:
            found.add_error(one.path, error)
        ctx.progress.advance(one.size)


def _failure(probe: Callable[[str, str, int], None], ref: str, wanted: Wanted) -> LakefsReproError | None:
    try:
        probe(ref, wanted.path, wanted.size)
    except (IntegrityError, NotFoundError) as error:
        return error
    return None


def _sidecar_can_be_read(snapshot: Snapshot, found: _Findings) -> None:
    sidecar = snapshot.sidecar
    for path, read, needed in (
        (sidecar.paths.head, sidecar.head, True),
        (sidecar.paths.contract, sidecar.contract, True),
        (sidecar.paths.statistics, sidecar.statistics, False),
    ):
        try:
            read()
        except NotFoundError as error:
            if needed:
                found.add(path, "missing", error.message)
        except IntegrityError as error:
            found.add(path, _KINDS.get(error.kind, "manifest"), error.message)


def _merge_is_the_ingest(ctx: Context, snapshot: Snapshot, selects: Callable[[str], bool], found: _Findings) -> None:
    """What the version's tag points at must hold the same files as the ingest commit that was looked at."""
    if snapshot.commit == snapshot.ingest_commit:
        return
    prefix = dataset_prefix(snapshot.dataset)
    for change in ctx.repository.commits.diff(snapshot.ingest_commit, snapshot.commit, prefix=prefix):
        if selects(change.path.removeprefix(prefix)):
            detail = f"it is {change.type} in {snapshot.commit[:12]}, against the ingest {snapshot.ingest_commit[:12]}"
            found.add(change.path, "foreign-change", detail)
