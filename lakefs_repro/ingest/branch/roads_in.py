"""How other programs write to a branch: its addresses, and the options that each program wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

KEY_VARIABLE = "LAKECTL_CREDENTIALS_ACCESS_KEY_ID"
SECRET_VARIABLE = "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY"  # noqa: S105 - a variable's name, not its value


@dataclass(frozen=True, slots=True)
class RoadsIn:
    """Where a branch of a dataset can be written to.

    Options name credentials as ``$LAKECTL_…``: no secret is ever in them.

    Args:
        repository: its name.
        branch: the branch.
        dataset: the dataset, which lies under its name.
        gateway: the address of the server's S3 gateway; empty where there is none.
    """

    repository: str
    branch: str
    dataset: str
    gateway: str

    def uri(self, scheme: str) -> str:
        """The dataset's address on the branch, for ``lakefs``, ``s3a`` or ``s3``."""
        return f"{scheme}://{self.repository}/{self.branch}/{self.dataset}/"

    @property
    def uris(self) -> Mapping[str, str]:
        """All addresses: those through the gateway only where there is one."""
        return {scheme: self.uri(scheme) for scheme in (("lakefs", "s3a", "s3") if self.gateway else ("lakefs",))}

    @property
    def spark(self) -> Mapping[str, str]:
        """Settings of Spark for this repository alone: other buckets stay with their own store.

        Per-bucket configuration of S3A:
        https://hadoop.apache.org/docs/stable/hadoop-aws/tools/hadoop-aws/index.html
        """
        bucket = f"spark.hadoop.fs.s3a.bucket.{self.repository}"
        return {
            f"{bucket}.endpoint": self.gateway,
            f"{bucket}.path.style.access": "true",
            f"{bucket}.access.key": f"${KEY_VARIABLE}",
            f"{bucket}.secret.key": f"${SECRET_VARIABLE}",
        }

    @property
    def deltalake(self) -> Mapping[str, str]:
        """``storage_options`` of deltalake, polars and others on object_store."""
        options = {
            "AWS_ENDPOINT_URL": self.gateway,
            "AWS_ACCESS_KEY_ID": f"${KEY_VARIABLE}",
            "AWS_SECRET_ACCESS_KEY": f"${SECRET_VARIABLE}",
            "AWS_REGION": "us-east-1",
        }
        return options if self.gateway.startswith("https:") else {**options, "AWS_ALLOW_HTTP": "true"}

    @property
    def duckdb(self) -> str:
        """A statement for the ``duckdb`` command, whose ``getenv`` reads the variables."""
        secure = str(self.gateway.startswith("https:")).lower()
        return (
            f"CREATE SECRET lakefs (TYPE s3, KEY_ID getenv('{KEY_VARIABLE}'), SECRET getenv('{SECRET_VARIABLE}'), "
            f"REGION 'us-east-1', ENDPOINT '{urlsplit(self.gateway).netloc}', URL_STYLE 'path', USE_SSL {secure}, "
            f"SCOPE 's3://{self.repository}/');"
        )

    @property
    def fsspec(self) -> str:
        """A line of Python for pandas, pyarrow, dask: lakefs-spec takes ``LAKECTL_*`` by itself."""
        return f'df.to_parquet("{self.uri("lakefs")}part-0.parquet")'
