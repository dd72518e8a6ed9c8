"""Where the rules' facts are written: addresses of documentation, and pages of this project."""

from __future__ import annotations

from typing import Final

BEHAVIOUR: Final = "docs/explanation/lakefs-behaviour.md"
ARCHITECTURE: Final = "docs/explanation/architecture.md"
ENGINE: Final = "docs/reference/embedded-engine.md"
CONTRACTS: Final = "docs/reference/contracts.md"
MANIFEST: Final = "docs/reference/manifest-format.md"
PERFORMANCE: Final = "docs/explanation/performance.md"
BRANCHES: Final = "docs/how-to/ingest-from-spark.md"
BUCKETS: Final = "docs/explanation/buckets.md"
RUN_LAKEFS: Final = "docs/how-to/run-a-real-lakefs.md"

LAKEFS_ARCHITECTURE: Final = "https://docs.lakefs.io/latest/understand/architecture"
LAKEFS_GC: Final = "https://docs.lakefs.io/howto"
LAKEFS_SPARK: Final = "https://docs.lakefs.io/integrations/spark"
LAKEFS_AIRFLOW: Final = "https://docs.lakefs.io/latest/integrations"

DVC_ADD: Final = "https://dvc.org/doc/command-reference/add"
DVC_GC: Final = "https://dvc.org/doc/command-reference/gc"
DVC_EXTERNAL: Final = "https://dvc.org/doc/user-guide/data-management/importing-external-data"
DVC_INTERNALS: Final = "https://dvc.org/doc/user-guide/project-structure/internal-files"
DVC_LARGE: Final = "https://dvc.org/doc/user-guide/data-management/large-dataset-optimization"
DVC_REMOTES: Final = "https://dvc.org/doc/user-guide/data-management/remote-storage"
DVC_VERSIONING: Final = "https://dvc.org/doc/use-cases/versioning-data-and-models"
DVC_PIPELINES: Final = "https://dvc.org/doc/command-reference/repro"

DELTA_VACUUM: Final = "https://learn.microsoft.com/en-us/azure/databricks/sql/language-manual/delta-vacuum"
DELTA_HISTORY: Final = "https://learn.microsoft.com/en-us/azure/databricks/delta/history"
DELTA_TRAVEL: Final = "https://learn.microsoft.com/en-us/fabric/data-engineering/delta-lake-time-travel"
DELTA_BATCH: Final = "https://docs.delta.io/latest/delta-batch.html"
DELTA_FAQ: Final = "https://docs.delta.io/latest/delta-faq.html"

ICEBERG_BRANCHING: Final = "https://iceberg.apache.org/docs/latest/branching/"
ICEBERG_CONFIGURATION: Final = "https://iceberg.apache.org/docs/latest/configuration/"
ICEBERG_PROCEDURES: Final = "https://iceberg.apache.org/docs/latest/spark-procedures/"
ICEBERG_SPEC: Final = "https://iceberg.apache.org/spec/"

SQLITE_WAL: Final = "https://www.sqlite.org/wal.html"
