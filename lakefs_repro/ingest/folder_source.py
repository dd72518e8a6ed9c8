"""Local files as the source of a snapshot: hashed here, uploaded, and compared with what the server then has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from lakefs_repro.ingest.plan import IngestPlan, check_paths
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.ingest.scan import Scan, SourceFile, scan
from lakefs_repro.ingest.source import Counts
from lakefs_repro.ingest.write import Draft, require_changes, unconfirmed
from lakefs_repro.lake.values import Commit, ObjectInfo
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line
from lakefs_repro.tables import TableFile
from lakefs_repro.transfer.hashing import Hashes, hash_files
from lakefs_repro.transfer.parallel import run_all
from lakefs_repro.transfer.upload import Roads, Upload, Uploader, multipart_checksum, part_size_of

_STAT_RATHER_THAN_LIST: Final = 64


@dataclass(frozen=True, slots=True)
class Hashed:
    """A local file that was read."""

    file: SourceFile
    hashes: Hashes

    @property
    def entry(self) -> Entry:
        """Its line in the manifest."""
        return Entry(self.file.path, self.hashes.size, self.hashes.sha256)


class FolderSource:
    """The files that a request names: of one folder, or one by one."""

    def __init__(self, ctx: Context, request: IngestRequest) -> None:
        self._ctx = ctx
        self._request = request
        self._found = Scan((), 0)
        self._hashed: dict[str, Hashed] = {}
        self._checksums: Mapping[str, str] = {}
        self._counts = Counts()

    @property
    def intent(self) -> str:
        return ""

    @property
    def excluded(self) -> int:
        return self._found.excluded

    @property
    def extra(self) -> Mapping[str, str]:
        return {"repro.partition": self._request.scope.folder} if self._request.scope else {}

    @property
    def sha256_by(self) -> frozenset[str]:
        return frozenset({"client"})

    @property
    def counts(self) -> Counts:
        return self._counts

    def find(self) -> None:
        """Scan and hash: local files can be read before the server is asked anything."""
        ctx, request = self._ctx, self._request
        ctx.progress.step("scan")
        prefix = dataset_prefix(request.dataset)
        scope = request.scope
        under = "" if scope else request.under
        self._found = request.found or scan(request.sources, exclude=request.exclude, under=under, prefix=prefix)
        if scope:
            self._found = scope.place(self._found, request.dataset)
        files = self._found.files
        check_paths(file.path for file in files)
        ctx.progress.step("hash", total=sum(f.size for f in files), unit="B")
        paths = dict.fromkeys(file.local for file in files)
        hashes = dict(hash_files(paths, threads=min(4, ctx.threads), done=ctx.progress.advance))
        self._hashed = {file.path: Hashed(file, hashes[file.local]) for file in files}
        self._counts = Counts(hashed=len(hashes), hashed_bytes=sum(h.size for h in hashes.values()))

    def entries(self, line: Line) -> Mapping[str, Entry]:  # noqa: ARG002 - everything was hashed already
        return {path: hashed.entry for path, hashed in self._hashed.items()}

    def table(self, path: str) -> TableFile | None:
        found = self._hashed.get(path)
        return TableFile(path, found.file.local) if found else None

    def place(self, draft: Draft, plan: IngestPlan) -> Draft:
        """Upload what the branch lacks and delete what the snapshot does not have."""
        ctx, prefix = self._ctx, dataset_prefix(draft.line.dataset)
        wanted: Iterable[Hashed] = [self._hashed[entry.path] for entry in plan.new]
        remove: Iterable[str] = plan.remove
        if not draft.fresh:
            wanted, remove = self._missing(draft, plan)
        todo = sorted(wanted, key=lambda h: h.hashes.size, reverse=True)
        ctx.progress.step("upload", total=sum(h.hashes.size for h in todo), unit="B")
        uploader = Uploader(ctx.repository.objects, Roads.of(ctx.server), threads=ctx.threads)
        uploads = (Upload(prefix + h.file.path, h.file.local, h.hashes) for h in todo)
        uploader.send(draft.branch, uploads, self._arrived)
        ctx.repository.objects.delete(draft.branch, (prefix + path for path in remove))
        self._checksums = uploader.checksums
        return draft

    def _arrived(self, files: int, size: int) -> None:
        before = self._counts
        self._counts = replace(before, uploaded=before.uploaded + files, uploaded_bytes=before.uploaded_bytes + size)
        self._ctx.progress.advance(size)

    def _missing(self, draft: Draft, plan: IngestPlan) -> tuple[list[Hashed], list[str]]:
        """What an old branch lacks of the plan, and what it has too much, by its listing."""
        objects, prefix = self._ctx.repository.objects, dataset_prefix(draft.line.dataset)
        here = {o.path.removeprefix(prefix): o for o in objects.list(draft.branch, prefix)}
        lacking = [h for path, h in self._hashed.items() if path not in here or not _confirms(here[path], h)]
        at_line = {o.path.removeprefix(prefix) for o in objects.list(draft.line.head.id, prefix)}
        at_line.difference_update(plan.remove)
        return lacking, [path for path in here if path not in self._hashed and path not in at_line]

    def confirm(self, draft: Draft, made: Commit, plan: IngestPlan) -> None:
        """Compare the commit with the plan, and the server's checksums with the local files.

        From here on, local bytes stand for the commit's objects.

        Raises:
            IntegrityError: another client wrote to the ingest branch, or an object is not what was sent.
        """
        require_changes(draft, made, plan)
        objects, prefix = self._ctx.repository.objects, dataset_prefix(draft.line.dataset)
        sent = {prefix + entry.path: self._hashed[entry.path] for entry in plan.new}
        stored: Iterable[ObjectInfo]
        if len(sent) <= _STAT_RATHER_THAN_LIST:
            stored = run_all(lambda path: objects.stat(made.id, path), sent, threads=self._ctx.threads)
        else:
            stored = (o for o in objects.list(made.id, prefix) if o.path in sent)
        confirmed = 0
        for info in stored:
            known = self._checksums.get(info.path)
            if info.checksum != known and not _confirms(info, sent[info.path]):
                raise unconfirmed(draft, f"{info.path} has other bytes than were sent")
            confirmed += 1
        if confirmed != len(sent):
            raise unconfirmed(draft, f"{len(sent) - confirmed} of {len(sent)} uploaded files are not there")

    def close(self) -> None:
        """Nothing was needed on the way."""


def _confirms(stored: ObjectInfo, wanted: Hashed) -> bool:
    """Whether the server's checksum proves that an object is the local file."""
    if stored.size != wanted.hashes.size:
        return False
    if "-" in stored.checksum:
        return stored.checksum == multipart_checksum(wanted.file.local, part_size_of(stored.size))
    return stored.checksum == wanted.hashes.md5
