"""One S3-compatible store: what is listed, read and copied there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.failures import source_changed, told
from lakefs_repro.bucket.values import BucketObject
from lakefs_repro.errors import IntegrityError, NotFoundError, UnavailableError

__all__ = ["BLOCK", "LARGEST_COPY", "Store", "open_store"]

BLOCK: Final = 1 << 20
LARGEST_COPY: Final = 5 << 30
"""Bytes that CopyObject takes; larger objects are copied in parts."""

_TRIES: Final = 4
_AMAZON: Final = ".amazonaws.com"


def open_store(endpoint: str | None = None, *, connections: int = 16) -> Store:
    """The store that boto3 finds: its credentials, region and endpoint as the AWS command line would.

    Args:
        endpoint: a URL instead of ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL`` and Amazon's own.
        connections: kept at once.

    Raises:
        InvalidError: the endpoint is no URL.
    """
    import boto3  # noqa: PLC0415 - takes 0.2 s, which no other source must pay
    from botocore.config import Config  # noqa: PLC0415 - see above

    session = boto3.session.Session()  # not the shared one, which remembers credentials of long ago

    def made(style: str) -> Any:
        config = Config(
            max_pool_connections=connections, retries={"mode": "standard", "max_attempts": 5},
            connect_timeout=10, read_timeout=120, s3={"addressing_style": style},
        )  # fmt: skip
        return session.client("s3", endpoint_url=endpoint, config=config)

    with told("open the store"):
        try:
            client = made("auto")
            if _AMAZON not in client.meta.endpoint_url:
                client = made("path")  # a name for each bucket is nothing that other stores can be relied on for
        except ValueError as error:
            raise UnavailableError(f"{endpoint!r} is no endpoint.", kind="bucket-unreachable") from error
    return Store(client)


@dataclass(frozen=True)
class Store:
    """A store, by a boto3 client that all threads share."""

    client: Any

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return str(self.client.meta.endpoint_url)

    @property
    def amazon(self) -> bool:
        """Whether it is Amazon's own."""
        return _AMAZON in self.endpoint

    def list(self, address: BucketAddress) -> Iterator[BucketObject]:
        """All objects below an address, by the bytes of their key; else the one object of exactly this key.

        One request for each thousand.
        """
        found = False
        token: dict[str, str] = {}
        while True:
            with told(f"list {address}"):
                page = self.client.list_objects_v2(Bucket=address.bucket, Prefix=address.folder, **token)
            for raw in page.get("Contents") or ():
                found = True
                yield _listed(raw, str(raw["Key"])[len(address.folder) :])
            if not page.get("IsTruncated"):
                break
            token = {"ContinuationToken": page["NextContinuationToken"]}
        if not found and address.prefix:
            yield from self._single(address)

    def _single(self, address: BucketAddress) -> Iterator[BucketObject]:
        try:
            head = self.head(address, address.prefix)
        except (NotFoundError, IntegrityError):
            return
        raw = {**head, "Key": address.prefix, "Size": head["ContentLength"]}
        yield _listed(raw, address.prefix.rpartition("/")[2])

    def head(self, address: BucketAddress, key: str, *, checksum: bool = False) -> Mapping[str, Any]:
        """What the store says of one object; with ``checksum`` also those that it keeps."""
        asked = {"ChecksumMode": "ENABLED"} if checksum else {}
        with told(f"look at {address.uri(key)}"):
            answer: Mapping[str, Any] = self.client.head_object(Bucket=address.bucket, Key=key, **asked)
        return answer

    def look(self, address: BucketAddress, found: BucketObject, *, checksum: bool = False) -> Mapping[str, Any]:
        """What the store says of a listed object.

        Raises:
            IntegrityError: it changed after it was listed, or is gone (kind ``source-changed``).
        """
        try:
            head = self.head(address, found.key, checksum=checksum)
        except NotFoundError as error:
            raise source_changed(address.uri(found.key)) from error
        if str(head["ETag"]).strip('"') != found.etag:
            raise source_changed(address.uri(found.key))
        return head

    def blocks(self, address: BucketAddress, found: BucketObject) -> Iterator[bytes]:
        """The bytes of a listed object, of exactly this ETag, in blocks of 1 MiB; a broken connection is resumed.

        Raises:
            IntegrityError: it changed after it was listed (kind ``source-changed``).
        """
        done, tries = 0, _TRIES
        while done < found.size:
            before = done
            broken = UnavailableError(f"{address.uri(found.key)} ended early.", kind="bucket-unreachable")
            try:
                for block in self._stream(address, found, done):
                    done += len(block)
                    yield block
            except UnavailableError as error:
                broken = error
            if done < found.size:
                tries = _TRIES if done > before else tries - 1
                if not tries:
                    raise broken

    def read(self, address: BucketAddress, found: BucketObject, start: int, length: int) -> bytes:
        """Some bytes of a listed object, of exactly this ETag."""
        doing = f"read {address.uri(found.key)}"
        with told(doing):
            answer = self.client.get_object(
                Bucket=address.bucket,
                Key=found.key,
                IfMatch=f'"{found.etag}"',
                Range=f"bytes={start}-{start + length - 1}",
            )
            data: bytes = answer["Body"].read()
        return data

    def _stream(self, address: BucketAddress, found: BucketObject, start: int) -> Iterator[bytes]:
        ranged = {"Range": f"bytes={start}-"} if start else {}
        with told(f"read {address.uri(found.key)}"):
            answer = self.client.get_object(
                Bucket=address.bucket, Key=found.key, IfMatch=f'"{found.etag}"', **ranged
            )  # fmt: skip
        body = answer["Body"]
        try:
            if str(answer["ETag"]).strip('"') != found.etag or start + answer["ContentLength"] != found.size:
                raise source_changed(address.uri(found.key))
            with told(f"read {address.uri(found.key)}"):
                while block := body.read(BLOCK):
                    yield block
        finally:
            body.close()

    def copy(self, address: BucketAddress, found: BucketObject, to: tuple[str, str]) -> Mapping[str, Any]:
        """Have the store copy an object of at most 5 GiB, computing its SHA-256; what it then says of the copy.

        Args:
            address: where the object lies.
            found: the object, which must still have this ETag.
            to: the bucket and key to copy to.
        """
        bucket, key = to
        with told(f"copy {address.uri(found.key)}"):
            self.client.copy_object(
                Bucket=bucket,
                Key=key,
                CopySource={"Bucket": address.bucket, "Key": found.key},
                CopySourceIfMatch=f'"{found.etag}"',
                ChecksumAlgorithm="SHA256",
                MetadataDirective="REPLACE",
                TaggingDirective="REPLACE",
                ContentType="application/octet-stream",
            )
        return self.head(BucketAddress(bucket, ""), key, checksum=True)

    def begin_parts(self, to: tuple[str, str]) -> str:
        """Begin an upload in parts and return its id."""
        with told("begin a copy in parts"):
            answer = self.client.create_multipart_upload(
                Bucket=to[0], Key=to[1], ContentType="application/octet-stream"
            )
        return str(answer["UploadId"])

    def copy_part(
        self, address: BucketAddress, found: BucketObject, to: tuple[str, str], upload: str, number: int, part: range
    ) -> str:
        """Have the store copy the bytes of one part, numbered from 1, and return its ETag."""
        with told(f"copy part {number} of {address.uri(found.key)}"):
            answer = self.client.upload_part_copy(
                Bucket=to[0],
                Key=to[1],
                UploadId=upload,
                PartNumber=number,
                CopySource={"Bucket": address.bucket, "Key": found.key},
                CopySourceIfMatch=f'"{found.etag}"',
                CopySourceRange=f"bytes={part.start}-{part.stop - 1}",
            )
        return str(answer["CopyPartResult"]["ETag"])

    def end_parts(self, to: tuple[str, str], upload: str, etags: Sequence[str]) -> Mapping[str, Any]:
        """Put the parts together; what the store then says of the object."""
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, start=1)]
        with told("finish a copy in parts"):
            self.client.complete_multipart_upload(
                Bucket=to[0], Key=to[1], UploadId=upload, MultipartUpload={"Parts": parts}
            )
        return self.head(BucketAddress(to[0], ""), to[1])

    def drop_parts(self, to: tuple[str, str], upload: str) -> None:
        """Give an upload in parts up."""
        with told("give a copy in parts up"):
            self.client.abort_multipart_upload(Bucket=to[0], Key=to[1], UploadId=upload)

    def delete(self, to: tuple[str, str]) -> None:
        """Delete a copy of our own that nothing names."""
        with told("delete a copy that is not needed"):
            self.client.delete_object(Bucket=to[0], Key=to[1])


def _listed(raw: Mapping[str, Any], path: str) -> BucketObject:
    return BucketObject(
        key=str(raw["Key"]),
        path=path,
        size=int(raw["Size"]),
        etag=str(raw["ETag"]).strip('"'),
        modified=raw["LastModified"],
        storage_class=str(raw.get("StorageClass") or "STANDARD"),
    )
