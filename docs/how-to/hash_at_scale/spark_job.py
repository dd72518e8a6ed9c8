"""A Spark job: hash what was written to a branch on all executors, then make it a version.

    spark-submit spark_job.py write-flights-nightly 64

Executors need lakefs-repro (``--py-files``, an image, or ``pip install``); LAKECTL_SERVER_ENDPOINT_URL,
LAKECTL_CREDENTIALS_ACCESS_KEY_ID, LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY and LAKEFS_REPRO_REPOSITORY come from their
environment (``spark.executorEnv.*``, or a secret of Kubernetes). Spark moves numbers and counts, never the data.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from pyspark.sql import SparkSession

import lakefs_repro


def hash_shares(branch: str, commit: str, shards: int, numbers: Iterable[int]) -> Iterator[dict[str, Any]]:
    """On an executor: the shares of one task. Spark may run a task twice: that costs a listing, not a reading."""
    lake = lakefs_repro.connect()
    for number in numbers:
        yield dict(lake.hash(branch, commit=commit, shard=(number, shards)).to_json())


def main(branch: str, shards: int) -> None:
    """On the driver."""
    lake = lakefs_repro.connect()
    commit = lake.context.repository.branches.get(branch).commit
    spark = SparkSession.builder.appName(f"hash {branch}").getOrCreate()
    work = partial(hash_shares, branch, commit, shards)
    done = spark.sparkContext.parallelize(range(1, shards + 1), shards).mapPartitions(work).collect()
    spark.stop()
    print(f"hashed {sum(one['hashed'] for one in done)} objects, {sum(one['known'] for one in done)} were known")
    result = lake.finish_branch(branch).result
    print(f"{result.dataset}@{result.version}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
