"""Buckets, as a program sees them: what is asked of one becomes a source to plan and to ingest."""

from __future__ import annotations

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.store import open_store
from lakefs_repro.errors import InvalidError
from lakefs_repro.ingest.bucket.import_source import ImportSource
from lakefs_repro.ingest.bucket.source import BucketSource, FromBucket
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.snapshot.context import Context

__all__ = ["bucket_source"]


def bucket_source(
    ctx: Context,
    request: IngestRequest,
    address: str,
    *,
    zero_copy: bool = False,
    stream: bool = False,
    endpoint: str | None = None,
    default_excludes: bool = True,
) -> BucketSource:
    """The objects below ``s3://bucket/prefix`` as the source of a request; nothing is asked of the bucket yet.

    Args:
        ctx: the repository.
        request: whose dataset, excludes and folder are meant.
        address: where the objects lie.
        zero_copy: list them in the version, and leave them where they are.
        stream: let the bytes pass through here even where the store could copy them.
        endpoint: of the store; that which boto3 finds when ``None``.
        default_excludes: whether what other programs leave beside their data is left out.

    Raises:
        InvalidError: the address can't be read, or the request contradicts itself.
    """
    if zero_copy and stream:
        raise InvalidError(
            "What is streamed is copied: --zero-copy and --stream exclude each other.",
            hint="leave one of them out",
            kind="contradicting-options",
        )
    asked = FromBucket(
        request.dataset,
        BucketAddress.parse(address),
        exclude=request.exclude,
        default_excludes=default_excludes,
        under=request.under,
        stream=stream,
    )
    store = open_store(endpoint, connections=2 * ctx.threads)
    return (ImportSource if zero_copy else BucketSource)(ctx, store, asked)
