"""An Airflow DAG: hash what a job wrote to a branch on many workers at once, then make it a version.

Workers need lakefs-repro, LAKECTL_SERVER_ENDPOINT_URL, LAKECTL_CREDENTIALS_ACCESS_KEY_ID and
LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY (from a secrets backend or the workers' environment) and
LAKEFS_REPRO_REPOSITORY. Nothing passes through Airflow's own database but a commit id and counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import lakefs_repro

try:
    from airflow.sdk import dag, task  # Airflow 3
except ImportError:
    from airflow.decorators import dag, task  # Airflow 2.4 or later

SHARDS = 8


@task
def freeze(branch: str) -> str:
    """The commit that all workers hash: what is written later is for the next version."""
    lake = lakefs_repro.connect()
    return lake.context.repository.branches.get(branch).commit


@task(retries=5, retry_delay=timedelta(minutes=1))
def hash_share(number: int, branch: str, commit: str) -> dict[str, Any]:
    """One share. A retry reads only what the killed try had not left in the repository yet."""
    lake = lakefs_repro.connect()
    return dict(lake.hash(branch, commit=commit, shard=(number, SHARDS)).to_json())


@task(retries=2)
def finish(branch: str) -> str:
    """Validate and publish; what was hashed is not read again."""
    result = lakefs_repro.connect().finish_branch(branch).result
    return f"{result.dataset}@{result.version}"


@dag(
    schedule=None,
    start_date=datetime(2024, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    params={"branch": "write-flights-nightly"},
)
def hash_at_scale() -> None:
    """Run it when the job that writes to the branch has committed: ``branch`` is a parameter of the run."""
    branch = "{{ params.branch }}"
    commit = freeze(branch)
    shares = hash_share.partial(branch=branch, commit=commit).expand(number=list(range(1, SHARDS + 1)))
    shares >> finish(branch)


hash_at_scale()
