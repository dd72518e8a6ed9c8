"""What other programs leave beside the data that they write: never data, or a sign that they are still at it.

Patterns are those of :func:`lakefs_repro.model.paths.match_glob`. docs/how-to/ingest-from-spark.md has them with
their sources.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lakefs_repro.ingest.scan import ALWAYS_EXCLUDED
from lakefs_repro.model.paths import match_glob

# Delta's _delta_log/ is not among them: without it the files of a Delta table are no table.
DEFAULT_EXCLUDES: Final = (
    *ALWAYS_EXCLUDED,
    "_SUCCESS",  # Hadoop's committers, when a job is done
    "_committed_*",  # Databricks' transactional commit, with its _started_*
    "_started_*",
    ".*.crc",  # Hadoop's checksum file systems
    "_spark_metadata/",  # Spark's streaming file sink: absolute paths, which follow no version
    "_checkpoint/",  # streaming checkpoints that are kept within a table's folder
    "_checkpoints/",
    ".ipynb_checkpoints/",
)

UNFINISHED: Final = (
    "_temporary/",  # Hadoop's FileOutputCommitter
    "__magic/",  # S3A's magic committer
    "__magic_job-*/",
    ".spark-staging-*/",  # Spark's dynamic partition overwrite
    ".hive-staging*/",
    "_impala_insert_staging/",
    "*._COPYING_",  # hadoop fs -put
    "*.inprogress*",  # Flink's file sink
    "**/_delta_log/*.tmp",
)

_FOLDER_MARKERS: Final = ("/", "_$folder$")


class Excludes:
    """What is left out of a snapshot.

    Args:
        patterns: globs of the user's own.
        defaults: whether :data:`DEFAULT_EXCLUDES` and folder markers are left out, too.

    Raises:
        InvalidError: a pattern is malformed.
    """

    def __init__(self, patterns: Iterable[str] = (), *, defaults: bool = True) -> None:
        self._own = tuple(patterns)
        self._patterns = (*(DEFAULT_EXCLUDES if defaults else ()), *self._own)
        self._defaults = defaults
        for pattern in self._patterns:
            match_glob("", pattern)

    def leave_out(self, path: str, size: int) -> bool:
        """Whether an object is no data; ``path`` is that in the dataset, ``size`` its bytes.

        An empty object whose name ends with ``/`` or ``_$folder$`` is how S3A, EMR and consoles make a folder.
        """
        if self._defaults and size == 0 and path.endswith(_FOLDER_MARKERS):
            return True
        return any(match_glob(path, pattern) for pattern in self._patterns)

    def unfinished(self, path: str) -> bool:
        """Whether an object says that somebody has not finished writing; one that the user excludes does not."""
        return any(match_glob(path, pattern) for pattern in UNFINISHED) and not self.named(path)

    def named(self, path: str) -> bool:
        """Whether the user says that an object is no data."""
        return any(match_glob(path, pattern) for pattern in self._own)


def never_committed(paths: Iterable[str]) -> list[str]:
    """The ``_started_*`` files that have no ``_committed_*`` of the same transaction beside them."""
    every = set(paths)
    return sorted(
        path
        for path in every
        if (name := path.rpartition("/")[2]).startswith("_started_")
        and path.removesuffix(name) + name.replace("_started_", "_committed_", 1) not in every
    )
