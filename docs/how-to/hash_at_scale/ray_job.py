"""A Ray job: hash what was written to a branch on all nodes, then make it a version.

    ray job submit --working-dir . -- python ray_job.py write-flights-nightly 64

Nodes need lakefs-repro (``runtime_env``, or the image); LAKECTL_SERVER_ENDPOINT_URL,
LAKECTL_CREDENTIALS_ACCESS_KEY_ID, LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY and LAKEFS_REPRO_REPOSITORY come from their
environment. Ray moves counts, never the data.
"""

from __future__ import annotations

import sys
from typing import Any

import ray

import lakefs_repro


@ray.remote(max_retries=5, retry_exceptions=True)
def hash_share(branch: str, commit: str, number: int, shards: int) -> dict[str, Any]:
    """One share. A retry on another node reads only what the lost one had not left in the repository yet."""
    lake = lakefs_repro.connect()
    return dict(lake.hash(branch, commit=commit, shard=(number, shards)).to_json())


def main(branch: str, shards: int) -> None:
    """On the driver."""
    lake = lakefs_repro.connect()
    commit = lake.context.repository.branches.get(branch).commit
    ray.init(ignore_reinit_error=True)
    done = ray.get([hash_share.remote(branch, commit, number, shards) for number in range(1, shards + 1)])
    print(f"hashed {sum(one['hashed'] for one in done)} objects, {sum(one['known'] for one in done)} were known")
    result = lake.finish_branch(branch).result
    print(f"{result.dataset}@{result.version}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
