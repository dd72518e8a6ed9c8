"""What snapshot, diff and lineage are with each approach, on each storage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lakefs_repro.advice.approaches import ApproachName

__all__ = ["BY_ITSELF", "MECHANICS", "PLACES", "Mechanics"]


@dataclass(frozen=True, slots=True)
class Mechanics:
    """How one approach answers the three questions; each is a paragraph of Markdown.

    ``{dataset}`` stands for a dataset's name.
    """

    snapshot: str
    diff: str
    lineage: str


_OURS_DIFF: Final = (
    "`lakefs-repro log {dataset}` tells for each version how many files were added, changed and removed; "
    "`lakefs-repro show {dataset}@1.0.0 --sha256sum` lists the files of one, and two such lists can be compared "
    "anywhere. An unchanged file is neither read nor stored again."
)
_OURS_LINEAGE: Final = (
    "The commit carries its annotation: version, digest, schema, rows, inputs (`--input`), job (`--job`), query "
    "(`--query-file`) and code. It stays when the data is gone. The training job records `{dataset}@1.0.0` and its "
    "digest with the run; the digest is the same on any server and storage."
)

MECHANICS: Final[dict[ApproachName, Mechanics]] = {
    "lakefs": Mechanics(
        "A snapshot is a commit that holds one dataset alone, validated before it is merged into `main`. Its "
        "version (`{dataset}@1.0.0`) is a tag at the merge, and a *pin*, a hidden branch at the commit itself, "
        "keeps its objects from garbage collection: a tag alone does not. Its digest is a Merkle root over paths "
        "and SHA-256 sums.",
        _OURS_DIFF + " On the server, `lakectl diff` compares two refs by their metadata ranges and skips equal ones.",
        _OURS_LINEAGE,
    ),
    "embedded": Mechanics(
        "A snapshot is a commit in the engine's folder that holds one dataset alone, validated before it is merged "
        "into `main`. Its version (`{dataset}@1.0.0`) is a tag at the merge, held by a pin. Its digest is a Merkle "
        "root over paths and SHA-256 sums.",
        _OURS_DIFF,
        _OURS_LINEAGE,
    ),
    "dvc": Mechanics(
        "A snapshot is a git commit with a pointer file (`data.dvc`, or `dvc.lock` of a pipeline), which holds the "
        "MD5 of each tracked file or of a folder's list. Name it by a git tag. It is whole only after `dvc push`: a "
        "commit whose data was never pushed can be checked out nowhere else.",
        "`dvc diff {dataset}-v1.0.0 {dataset}-v1.1.0` lists files that were added, modified and deleted, by their "
        "hashes. Rows it does not know.",
        "`dvc repro` writes into `dvc.lock` which data, code and parameters made which output, and `dvc dag` draws "
        "it. What happened outside a pipeline is not recorded.",
    ),
    "delta": Mechanics(
        "A snapshot is a version number of one table, in its `_delta_log`. It has no name and no owner: write the "
        "number down with what was made from it. It can be read for as long as its files and its log entries are "
        "kept.",
        "`DESCRIBE HISTORY` tells which operation made each version; the change data feed, where it was switched on "
        "beforehand, tells the rows.",
        "Each commit records its operation and user. Which model read which version is yours to record: table, "
        "version number and timestamp as parameters of the run.",
    ),
    "iceberg": Mechanics(
        "A snapshot is a snapshot id of one table. A tag names it and keeps it from expiry. A branch takes writes "
        "until they are validated; `fast_forward` then moves `main` to it.",
        "The `snapshots` and `entries` metadata tables tell the files; `create_changelog_view` tells the rows "
        "between two snapshots.",
        "A snapshot's summary records the operation. Which model read which snapshot is yours to record: table, tag "
        "and snapshot id as parameters of the run.",
    ),
}

_IN_PLACE: Final = "the table stays where it is, at `{place}`: old files lie beside new ones until they are removed"
_NAMES: Final = {
    "local": "DISK/PATH",
    "nas": "MOUNT/PATH",
    "s3": "s3://BUCKET/PREFIX",
    "gcs": "gs://BUCKET/PREFIX",
    "azure": "https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX",
    "onprem-s3": "s3://BUCKET/PREFIX",
    "hdfs": "hdfs://NAMENODE/PATH",
}
_REMOTES: Final = {**_NAMES, "azure": "azure://CONTAINER/PREFIX"}
_TABLES: Final = {**_NAMES, "azure": "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX"}


def _lakefs(storage: str) -> str:
    if storage in {"local", "nas"}:
        return (
            "a new object store beside your files (MinIO, say) holds the repository's namespace, "
            "`s3://BUCKET/REPOSITORY`; each ingest copies what is new there"
        )
    return (
        f"the repository's namespace is `{_NAMES[storage].removesuffix('PREFIX').removesuffix('PATH')}REPOSITORY`, in "
        "your own account: objects there are written once and never changed"
    )


PLACES: Final[dict[ApproachName, dict[str, str]]] = {
    "lakefs": {storage: _lakefs(storage) for storage in _NAMES},
    "embedded": dict.fromkeys(
        _NAMES,
        "the engine's folder `.lakefs-repro/engine`, on a local disk, holds content-addressed blocks and a SQLite "
        "database; each ingest copies what is new there, and the original is not touched",
    ),
    "dvc": {
        storage: f"each machine has a cache in `.dvc/cache`, and `{name}` is the remote that all share"
        for storage, name in _REMOTES.items()
    },
    "delta": {storage: _IN_PLACE.format(place=name) for storage, name in _TABLES.items()},
    "iceberg": {storage: _IN_PLACE.format(place=name) for storage, name in _TABLES.items()},
}
"""Where the bytes of versions lie, as a clause."""

_OBJECTS: Final = (
    "keeps old versions of single objects, but has no name for a state of many, and its lifecycle rules delete by age: "
    "see to it that none touches what versions need"
)
BY_ITSELF: Final = {
    "local": ("A file system forgets: what is overwritten is gone.", ""),
    "nas": (
        (
            "A filer's snapshots are taken of whole volumes by the clock and roll off by the clock; they bring back "
            "yesterday, not the version that a model was trained on."
        ),
        "https://openzfs.github.io/openzfs-docs/man/master/8/zfs-snapshot.8.html",
    ),
    "s3": (
        f"S3 Versioning {_OBJECTS}.",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
    ),
    "gcs": (f"Object Versioning {_OBJECTS}.", "https://cloud.google.com/storage/docs/object-versioning"),
    "azure": (
        f"Blob versioning {_OBJECTS}.",
        "https://learn.microsoft.com/en-us/azure/storage/blobs/versioning-overview",
    ),
    "onprem-s3": (
        f"An S3-compatible store's versioning {_OBJECTS}.",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
    ),
    "hdfs": (
        (
            "HDFS snapshots are real ones: read-only, named, of a directory, without copying blocks. They are a floor "
            "to stand on, without a gate, a digest or a record."
        ),
        "https://hadoop.apache.org/docs/stable/hadoop-project-dist/hadoop-hdfs/HdfsSnapshots.html",
    ),
}
"""What the storage offers without any approach, and where that is documented."""
