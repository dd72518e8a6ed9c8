"""The lake: one repository with its datasets, as a program sees it. It delegates everything to the verbs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lakefs_repro.api.buckets import bucket_source
from lakefs_repro.api.config import Config, DatasetConfig
from lakefs_repro.api.session import IngestSession
from lakefs_repro.errors import InvalidError, NotFoundError
from lakefs_repro.ingest.branch.opened import (
    Finished,
    OpenBranch,
    dataset_of,
    finish_branch,
    open_branch,
    open_branches,
)
from lakefs_repro.ingest.branch.roads_in import RoadsIn
from lakefs_repro.ingest.branch.source import FromBranch
from lakefs_repro.ingest.bucket.plan import BucketPlan, plan_bucket
from lakefs_repro.ingest.bucket.source import BucketSource
from lakefs_repro.ingest.hashing.hash_shard import HashRequest, HashResult, Shard, hash_shard
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.release import ReleaseResult, make_release
from lakefs_repro.ingest.request import Bump, IngestRequest, IngestResult, Mode
from lakefs_repro.model.annotation import Input
from lakefs_repro.model.contract import Contract
from lakefs_repro.model.ref import named_release
from lakefs_repro.model.report import LogEntry, ReleaseInfo, ReleaseReport, RestoreReport, VerifyReport, VersionInfo
from lakefs_repro.restore.folder import restore_to
from lakefs_repro.restore.rollback import RollbackResult, roll_back
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.difference import SnapshotDifference
from lakefs_repro.snapshot.history import log
from lakefs_repro.snapshot.releases import Release, find_release, list_releases, verify_release
from lakefs_repro.snapshot.resolve import resolve
from lakefs_repro.snapshot.snapshot import Snapshot
from lakefs_repro.snapshot.verify import verify
from lakefs_repro.snapshot.versions import list_versions


class Lake:
    """Datasets of one repository on one server; made by :func:`lakefs_repro.connect`."""

    def __init__(self, context: Context, config: Config) -> None:
        self.context = context
        self.config = config

    def ingest(
        self,
        dataset: str,
        *,
        mode: Mode = "replace",
        version: str | None = None,
        bump: Bump | None = None,
        contract: str | Path | None = None,
        inputs: Iterable[str] = (),
        query: str = "",
        job: str = "",
        code: str = "",
        message: str = "",
        exclude: Iterable[str] = (),
        allow_shrink: bool = False,
        partition: str = "",
        table: str = "",
    ) -> IngestSession:
        """Begin an ingest, to be used in a ``with`` block.

        ::

            with lake.ingest("flights", bump="minor") as ingest:
                ingest.add("data/flights")
            print(ingest.result.version)

        Arguments are those of :class:`~lakefs_repro.ingest.request.IngestRequest`; ``inputs`` are references
        such as ``"raw@1.0.0"``, resolved now. With a ``partition``, such as ``"year=2024/month=3"``, it alone is
        replaced, or appended to; ``table`` names the folder of its table, where partitions don't lie at the dataset's
        top.
        """
        if table and not partition:
            raise InvalidError("A table's folder is named for a partition alone.", kind="contradicting-options")
        request = self.request(
            dataset, (), contract=contract, inputs=inputs, exclude=exclude,
        )  # fmt: skip
        request = replace(
            request, mode=mode, version=version, bump=bump, query=query, job=job, code=code, message=message,
            allow_shrink=allow_shrink, partition=partition, under=table,
        )  # fmt: skip
        return IngestSession(self.context, request)

    def open_branch(self, dataset: str, *, name: str = "") -> OpenBranch:
        """Make a branch at the dataset's latest version for others to write to; :meth:`roads_in` says how.

        Args:
            dataset: its name; it need not have a version yet.
            name: the end of the branch's name, of lower-case letters, digits and ``_``.
        """
        return open_branch(self.context, dataset, name)

    def open_branches(self, dataset: str | None = None) -> tuple[OpenBranch, ...]:
        """The branches that were opened and are still there."""
        return tuple(open_branches(self.context, dataset))

    def roads_in(self, branch: OpenBranch, *, gateway: str | None = None) -> RoadsIn:
        """The addresses of a branch, and the options with which other programs write to it.

        Args:
            branch: an open one.
            gateway: where the server's S3 gateway answers; the server's own address when left out, as lakeFS has it
                unless it is configured otherwise. The embedded engine has none.
        """
        own = "" if self.context.engine == "embedded" else self.context.repository.wire.endpoint.url
        return RoadsIn(self.context.repository.name, branch.branch, branch.dataset, (gateway or own).rstrip("/"))

    def finish_branch(
        self,
        branch: str,
        *,
        dataset: str | None = None,
        commit_staged: bool = False,
        exclude: Iterable[str] = (),
        default_excludes: bool = True,
        contract: str | Path | None = None,
        inputs: Iterable[str] = (),
        version: str | None = None,
        bump: Bump | None = None,
        message: str = "",
    ) -> Finished:
        """Make what others wrote to a branch, or to a commit of one, the next version of its dataset.

        Nothing is copied, and only what the latest version does not have is read. The branch is deleted when
        :meth:`open_branch` had made it and nobody wrote to it meanwhile.

        Args:
            branch: the branch, or a commit id.
            dataset: whose data it is, where the branch does not tell.
            commit_staged: commit what is staged there under the dataset's prefix first.
            exclude: globs of what is no data.
            default_excludes: leave out ``_SUCCESS``, checksum files and folder markers, too.
            contract: the contract to hold the data to, instead of the captured one.
            inputs: references of the snapshots that it was made from.
            version: the exact version to make.
            bump: which part to raise when no version is named.
            message: for the commit.
        """
        name = dataset or self.dataset_of(branch)
        request = self.request(name, (), contract=contract, inputs=inputs, exclude=exclude)
        request = replace(request, version=version, bump=bump, message=message)
        return self.take_branch(branch, request, commit_staged=commit_staged, default_excludes=default_excludes)

    def adopt(
        self,
        dataset: str,
        *,
        contract: str | Path | None = None,
        inputs: Iterable[str] = (),
        version: str | None = None,
        bump: Bump | None = None,
        message: str = "",
    ) -> IngestResult:
        """Make what lies in ``main`` under the dataset's prefix its next version, exactly as it is there."""
        request = self.request(dataset, (), contract=contract, inputs=inputs)
        request = replace(request, version=version, bump=bump, message=message, exclude=())
        return self.take_branch(self.context.main, request, adopt=True).result

    def dataset_of(self, branch: str) -> str:
        """The dataset that a branch is for, by its name or by the line that it grew from."""
        return dataset_of(self.context, branch)

    def take_branch(
        self,
        ref: str,
        request: IngestRequest,
        *,
        adopt: bool = False,
        commit_staged: bool = False,
        default_excludes: bool = True,
    ) -> Finished:
        """Run a request that :meth:`request` began on what others wrote to ``ref``."""
        asked = FromBranch(
            request.dataset,
            ref,
            adopt=adopt,
            commit_staged=commit_staged,
            exclude=request.exclude,
            default_excludes=default_excludes,
        )
        return finish_branch(self.context, request, asked)

    def request(
        self,
        dataset: str,
        sources: Iterable[Path],
        *,
        contract: str | Path | None = None,
        inputs: Iterable[str] = (),
        exclude: Iterable[str] = (),
    ) -> IngestRequest:
        """An ingest request with what the project's configuration says of the dataset."""
        settings = self.config.project.datasets.get(dataset, DatasetConfig())
        file = Path(contract) if contract else self.config.folder / settings.contract if settings.contract else None
        return IngestRequest(
            dataset=dataset,
            sources=tuple(sources),
            contract=load_contract(file) if file else None,
            inputs=tuple(self.input(ref) for ref in inputs),
            exclude=(*settings.exclude, *exclude),
        )

    def bucket(
        self,
        request: IngestRequest,
        address: str,
        *,
        zero_copy: bool = False,
        stream: bool = False,
        endpoint: str | None = None,
        default_excludes: bool = True,
    ) -> BucketSource:
        """What lies below ``s3://bucket/prefix``, for :meth:`plan_bucket` and for the ``source`` of a request.

        ::

            request = lake.request("flights", ())
            source = lake.bucket(request, "s3://raw/flights/")
            print(lake.plan_bucket(source).estimate.hours)
            lake.run_ingest(replace(request, source=source))
        """
        return bucket_source(
            self.context,
            request,
            address,
            zero_copy=zero_copy,
            stream=stream,
            endpoint=endpoint,
            default_excludes=default_excludes,
        )

    def plan_bucket(self, source: BucketSource) -> BucketPlan:
        """What an ingest of a bucket would take: requests, time, money; nothing is written."""
        return plan_bucket(self.context, source)

    def run_ingest(self, request: IngestRequest) -> IngestResult:
        """Run a request that :meth:`request` began."""
        return ingest(self.context, request)

    def hash(
        self,
        branch: str,
        *,
        dataset: str | None = None,
        shard: tuple[int, int] = (1, 1),
        commit: str = "",
        exclude: Iterable[str] = (),
        default_excludes: bool = True,
    ) -> HashResult:
        """Hash one worker's share of what others wrote to a branch, and leave the results in the repository.

        ::

            lake.hash("spark-nightly", dataset="flights", shard=(2, 8))

        Args:
            branch: its head is taken; a tag or a commit id too.
            dataset: whose objects; told by the branch when left out, as for :meth:`finish_branch`.
            shard: this worker's share, (number from 1, of how many).
            commit: a commit to take instead of the head.
            exclude: globs of what is no data, besides those of the configuration.
            default_excludes: whether what other programs leave beside their data is left out, too.

        Can be killed and called again. Raises as :func:`~lakefs_repro.ingest.hashing.hash_shard.hash_shard` does.
        """
        name = dataset or self.dataset_of(branch)
        settings = self.config.project.datasets.get(name, DatasetConfig())
        request = HashRequest(
            name, branch, commit=commit, shard=Shard(*shard), exclude=(*settings.exclude, *exclude),
            default_excludes=default_excludes,
        )  # fmt: skip
        return hash_shard(self.context, request)

    def input(self, ref: str) -> Input:
        """A snapshot as an input of another, exact whatever the reference."""
        found = self.snapshot(ref)
        return Input(
            ref=ref, dataset=found.dataset, version=found.version or "", commit=found.commit, digest=found.digest
        )

    def snapshot(self, ref: str, *, dataset: str | None = None) -> Snapshot:
        """The snapshot that a reference stands for: ``flights@1.2.0``, ``flights@^1``, a commit, a digest, ...

        Raises:
            NotFoundError: there is none.
            InvalidError: the reference can't be read, or does not say which dataset.
        """
        return resolve(self.context, ref, dataset=dataset)

    def versions(self, dataset: str | None = None) -> tuple[VersionInfo, ...]:
        """All versions, of one dataset or of all."""
        return list_versions(self.context, dataset)

    def log(self, dataset: str) -> Iterator[LogEntry]:
        """The history of a dataset, newest first, rollbacks too; read while it is iterated over.

        Of a partition, ``flights#year=2024``, only the versions in which it changed.
        """
        return log(self.context, dataset)

    def diff(self, left: str, right: str, *, dataset: str | None = None) -> SnapshotDifference:
        """What must change to turn one snapshot, or a part of one, into another; read as it is asked for."""
        return SnapshotDifference(self.snapshot(left, dataset=dataset), self.snapshot(right, dataset=dataset))

    def release(self, name: str, uses: Iterable[str], *, message: str = "", dry_run: bool = False) -> ReleaseResult:
        """Release versions of several datasets as one: ``lake.release("2024-q3", ["flights@1.2.0", "planes@2.0.0"])``.

        One tag and one pin, which keeps the data of all of them; ``main`` does not move, and nothing is copied. A
        release is immutable: the same content under the same name makes nothing, other content is refused.
        """
        return make_release(self.context, name, uses, message=message, dry_run=dry_run)

    def read_release(self, name: str) -> Mapping[str, Snapshot]:
        """The snapshot of each dataset of a release, by the dataset's name.

        Raises:
            NotFoundError: there is no such release.
        """
        return find_release(self.context, name).snapshots

    def find_release(self, name: str) -> Release:
        """A release with its commit, its pin and what it says."""
        return find_release(self.context, name)

    def releases(self, dataset: str | None = None) -> tuple[ReleaseInfo, ...]:
        """All releases, or those that hold a dataset."""
        return list_releases(self.context, dataset)

    def verify_release(self, name: str, *, deep: bool = False) -> ReleaseReport:
        """Verify every dataset of a release, as it is in the release's own commit."""
        return verify_release(self.context, find_release(self.context, name), deep=deep)

    def verify(self, ref: str, *, dataset: str | None = None, deep: bool = False) -> VerifyReport:
        """Read every object at its last byte, or whole and hashed when ``deep``."""
        return verify(self.context, self.snapshot(ref, dataset=dataset), deep=deep)

    def restore(
        self,
        ref: str,
        to: str | Path,
        *,
        dataset: str | None = None,
        include: Iterable[str] = (),
        dry_run: bool = False,
    ) -> RestoreReport:
        """Put a snapshot's exact files into a folder, verified before they appear.

        A whole release, ``release:q3``, appears with each of its datasets in a folder of its own.
        """
        name = named_release(ref) if dataset is None else None
        return restore_to(
            self.context,
            self.snapshot(ref, dataset=dataset) if name is None else find_release(self.context, name).contents,
            Path(to),
            include=tuple(include),
            state=self.context.state,
            dry_run=dry_run,
        )

    def roll_back(
        self, ref: str, *, dataset: str | None = None, message: str = "", dry_run: bool = False
    ) -> RollbackResult:
        """Make an earlier version of a dataset the newest one, by a new commit that copies nothing."""
        found = self.snapshot(ref, dataset=dataset)
        if not found.whole:
            raise InvalidError(
                f"{ref} is a part of a dataset; only a whole one can be rolled back.",
                hint=f"use {found.dataset}@{found.version}",
                kind="partial-rollback",
            )
        return roll_back(self.context, found.dataset, found.ingest_commit, message=message, dry_run=dry_run)


def load_contract(path: Path) -> Contract:
    """Read a contract file.

    Raises:
        NotFoundError: it is not there.
        InvalidError: it is wrong; file, line and key are named.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"The contract {path} can't be read: {error.strerror}.", kind="contract-not-found"
        ) from error
    return Contract.load(text, source=str(path))
