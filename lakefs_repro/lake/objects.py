"""Objects: bytes in and out, listings, deletions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import urllib3

from lakefs_repro.errors import IntegrityError, UnavailableError
from lakefs_repro.lake.paging import pages
from lakefs_repro.lake.values import ObjectInfo
from lakefs_repro.lake.wire import Answer, Readable, Wire, segment

DELETE_AT_ONCE: Final = 1000
_LONGEST_URL: Final = 16 << 10


class Objects:
    """The objects of one repository."""

    def __init__(self, wire: Wire, repository: str) -> None:
        self._wire = wire
        self._root = f"/repositories/{segment(repository)}"

    def put(
        self,
        branch: str,
        path: str,
        body: bytes | Readable,
        *,
        size: int | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Stage an object; an existing one is replaced. Repeated by itself only when ``body`` is bytes.

        Args:
            branch: where to stage it.
            path: its whole path in the repository.
            body: the content; a file is sent in blocks.
            size: bytes of a file that is sent; needed for files.
            metadata: what is noted with it, names in lower case, ASCII.
        """
        length = len(body) if isinstance(body, bytes) else size
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        headers.update((f"X-Lakefs-Meta-{name}", value) for name, value in (metadata or {}).items())
        answer = self._wire.call(
            "POST",
            f"{self._root}/branches/{segment(branch)}/objects",
            doing=f"upload {path}",
            params={"path": path},
            body=body,
            headers=headers,
            expect=(201,),
            repeatable=True,
        )
        return ObjectInfo.from_wire(answer.json())

    def note(self, branch: str, path: str, metadata: Mapping[str, str]) -> None:
        """Replace what is noted with an object, and leave its bytes."""
        self._wire.call(
            "PUT",
            f"{self._root}/branches/{segment(branch)}/objects/stat/user_metadata",
            doing=f"note something with {path}",
            params={"path": path},
            json_body={"set": dict(metadata)},
            expect=(200, 201, 204),
            repeatable=True,
        )

    def put_frames(self, branch: str, frames: Iterable[bytes]) -> list[dict[str, Any]]:
        """Stage many small objects in one request: the embedded engine's bulk road.

        Returns:
            One result for each object in the order sent: ``path``, ``status`` and ``checksum`` or ``message``.
        """
        answer = self._wire.call(
            "POST",
            f"{self._root}/branches/{segment(branch)}/objects/bulk",
            doing=f"upload many objects to {branch}",
            body=b"".join(frames),
            headers={"Content-Type": "application/vnd.lakefs-repro.bulk.v1"},
            repeatable=True,
        )
        return list(answer.json()["results"])

    def put_local(self, branch: str, path: str, *, file: str, size: int, sha256: str, md5: str) -> ObjectInfo:
        """Hand over a file that lies in the embedded engine's ``incoming`` folder already."""
        answer = self._wire.call(
            "POST",
            f"{self._root}/branches/{segment(branch)}/objects/local",
            doing=f"hand over {path}",
            json_body={"path": path, "file": file, "size": size, "sha256": sha256, "md5": md5},
            expect=(200, 201),
        )
        return ObjectInfo.from_wire(answer.json())

    def start_multipart(self, branch: str, path: str, parts: int) -> tuple[str, str, list[str]]:
        """Begin a presigned multipart upload: its id, its physical address, and a URL for each part."""
        answer = self._wire.call(
            "POST",
            f"{self._root}/branches/{segment(branch)}/staging/pmpu",
            doing=f"begin the upload of {path}",
            params={"path": path, "parts": parts},
            expect=(201,),
            repeatable=True,
        ).json()
        return answer["upload_id"], answer["physical_address"], list(answer.get("presigned_urls") or ())

    def put_part(self, url: str, body: bytes, headers: dict[str, str]) -> str:
        """Send one part to its presigned URL and return the store's ETag."""
        answer = self._wire.fetch_url(url, method="PUT", body=body, headers=headers)
        if answer.status != 200:  # noqa: PLR2004
            raise IntegrityError(
                f"The object store answered {answer.status} to one part of an upload.", kind="part-refused"
            )
        return answer.headers.get("etag", "").strip('"')

    def finish_multipart(
        self,
        branch: str,
        path: str,
        upload_id: str,
        address: str,
        etags: Sequence[str],
        metadata: Mapping[str, str] | None = None,
    ) -> ObjectInfo:
        """Put the parts together and stage the object."""
        parts = [{"part_number": number, "etag": etag} for number, etag in enumerate(etags, start=1)]
        answer = self._wire.call(
            "PUT",
            f"{self._root}/branches/{segment(branch)}/staging/pmpu/{segment(upload_id)}",
            doing=f"finish the upload of {path}",
            params={"path": path},
            json_body={"physical_address": address, "parts": parts, "user_metadata": dict(metadata or {})},
        )
        return ObjectInfo.from_wire(answer.json())

    def abort_multipart(self, branch: str, path: str, upload_id: str, address: str) -> None:
        """Give a multipart upload up, so that its parts don't lie around."""
        self._wire.call(
            "DELETE",
            f"{self._root}/branches/{segment(branch)}/staging/pmpu/{segment(upload_id)}",
            doing=f"give up the upload of {path}",
            params={"path": path},
            json_body={"physical_address": address},
            expect=(204, 404),
            repeatable=True,
        )

    def get(self, ref: str, path: str) -> bytes:
        """A whole (small) object.

        Raises:
            NotFoundError: no such path at ``ref``.
            IntegrityError: collected, or truncated in the store.
        """
        return self._read(ref, path, doing=f"read {path} at {ref}").body

    def stat(self, ref: str, path: str) -> ObjectInfo:
        """What lakeFS has noted of an object. No proof that it can be read: see :meth:`probe`."""
        doing = f"look at {path} at {ref}"
        url = f"{self._root}/refs/{segment(ref)}/objects/stat"
        return ObjectInfo.from_wire(self._wire.call("GET", url, doing=doing, params={"path": path}).json())

    def open(self, ref: str, path: str, *, start: int | None = None) -> urllib3.BaseHTTPResponse:
        """An object's content, unread, from byte ``start`` on; the caller calls ``release_conn``."""
        headers = {"Range": f"bytes={start}-"} if start else None
        return self._wire.stream(
            f"{self._root}/refs/{segment(ref)}/objects",
            doing=f"read {path} at {ref}",
            params={"path": path},
            headers=headers,
            expect=(206,) if start else (200,),
        )

    def presigned_url(self, ref: str, path: str) -> str:
        """Where the object store itself gives the object, for some minutes, to anybody who has the URL: a secret.

        Raises:
            UnavailableError: the server names no usable address (kind ``no-presigned-url``).
        """
        answer = self._wire.call(
            "GET",
            f"{self._root}/refs/{segment(ref)}/objects",
            doing=f"ask where {path} at {ref} lies",
            params={"path": path, "presign": True},
            expect=(302, 307),
        )
        url = answer.headers.get("location", "")
        if len(url) > _LONGEST_URL or not url.startswith(("https://", "http://")):
            raise UnavailableError(
                f"The server was asked where {path} lies, and named no http(s) address.", kind="no-presigned-url"
            )
        return url

    def open_url(self, url: str, *, start: int | None = None, length: int | None = None) -> urllib3.BaseHTTPResponse:
        """The answer of an object store to a presigned URL, body unread, whatever its status; no redirect is followed.

        Args:
            url: from :meth:`presigned_url`.
            start: the first byte wanted.
            length: how many bytes from there; all when left out.

        Raises:
            UnavailableError: the store can't be reached.
        """
        end = "" if length is None else (start or 0) + length - 1
        headers = {"Range": f"bytes={start or 0}-{end}"} if start or length else {}
        return self._wire.stream_url(url, headers=headers)

    def probe(self, ref: str, path: str, size: int) -> None:
        """Prove that an object can be read to its end: its last byte by a ranged GET, a plain GET when it is empty.

        ``stat`` is no proof: lakeFS answers 200 to it for an object that was collected.

        Raises:
            NotFoundError: no such path at ``ref``.
            IntegrityError: collected, truncated, or of another size than ``size`` bytes.
        """
        headers = {"Range": f"bytes={size - 1}-{size - 1}"} if size else None
        answer = self._read(ref, path, doing=f"read the last byte of {path} at {ref}", headers=headers)
        total = answer.headers.get("content-range", "").rpartition("/")[2]
        found = int(total) if total.isdigit() else len(answer.body)
        if found != size or len(answer.body) != min(size, 1):
            raise IntegrityError(f"{path} has {found} bytes at {ref}, not {size}.", kind="size-mismatch")

    def get_range(self, ref: str, path: str, start: int, length: int, *, size: int) -> bytes:
        """``length`` bytes of an object from ``start`` on.

        Args:
            ref: where the object is.
            path: its whole path.
            start: the first byte.
            length: how many, at least one, all of them within the object.
            size: the size that the object should have.

        Raises:
            NotFoundError: no such path at ``ref``.
            IntegrityError: collected, truncated, or of another size than ``size`` bytes.
        """
        headers = {"Range": f"bytes={start}-{start + length - 1}"}
        doing = f"read {length} bytes of {path} at {ref}"
        answer = self._read(ref, path, doing=doing, headers=headers)
        total = answer.headers.get("content-range", "").rpartition("/")[2]
        if total.isdigit() and int(total) != size:
            raise IntegrityError(f"{path} has {total} bytes at {ref}, not {size}.", kind="size-mismatch")
        return answer.body

    def _read(self, ref: str, path: str, *, doing: str, headers: Mapping[str, str] | None = None) -> Answer:
        try:
            return self._wire.call(
                "GET",
                f"{self._root}/refs/{segment(ref)}/objects",
                doing=doing,
                params={"path": path},
                headers=headers,
                expect=(206,) if headers else (200,),
            )
        except UnavailableError as error:
            if error.kind != "answer-cut-off":
                raise
            # lakeFS promises the size that it has on record, and then can't deliver it.
            raise IntegrityError(
                f"{path} at {ref} is shorter in the store than the server says.", kind="truncated"
            ) from error

    def get_frames(self, ref: str, paths: Sequence[str]) -> urllib3.BaseHTTPResponse:
        """Many small objects in one answer: the embedded engine's bulk road; the caller calls ``release_conn``."""
        return self._wire.stream(
            f"{self._root}/refs/{segment(ref)}/objects/bulk",
            doing=f"read {len(paths)} objects at {ref}",
            method="POST",
            json_body={"paths": list(paths)},
        )

    def list(
        self, ref: str, prefix: str = "", *, after: str = "", delimiter: str = "", metadata: bool = False
    ) -> Iterator[ObjectInfo]:
        """The objects under ``prefix``, by the bytes of their path; ``metadata`` asks for what their writers noted."""
        params = {"prefix": prefix or None, "delimiter": delimiter or None, "user_metadata": metadata}
        path = f"{self._root}/refs/{segment(ref)}/objects/ls"
        for raw in pages(self._wire, path, params, doing=f"list {prefix or 'objects'} at {ref}", after=after):
            yield ObjectInfo.from_wire(raw)

    def delete(self, branch: str, paths: Iterable[str]) -> None:
        """Stage the deletion of objects; those that are not there are no error."""
        batch: list[str] = []
        for path in paths:
            batch.append(path)
            if len(batch) == DELETE_AT_ONCE:
                self._delete(branch, batch)
                batch = []
        if batch:
            self._delete(branch, batch)

    def _delete(self, branch: str, batch: Sequence[str]) -> None:
        answer = self._wire.call(
            "POST",
            f"{self._root}/branches/{segment(branch)}/objects/delete",
            doing=f"delete {len(batch)} objects on {branch}",
            json_body={"paths": list(batch)},
            repeatable=True,
        ).json()
        failed = [e for e in answer.get("errors") or () if e.get("status_code") != 404]  # noqa: PLR2004
        if failed:
            raise IntegrityError(
                f"The server did not delete {failed[0].get('path')!r}: {failed[0].get('message')}.",
                kind="delete-failed",
            )


def frame(path: str, body: bytes) -> bytes:
    """One object on the bulk road: the header's length in 4 bytes, big-endian; the header as JSON; the bytes."""
    header = json.dumps({"path": path, "size": len(body)}).encode()
    return len(header).to_bytes(4, "big") + header + body
