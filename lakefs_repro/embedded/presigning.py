"""Presigned URLs as the API hands them out: made for the host by which the client called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.signing import PRESIGNED_ROOT

if TYPE_CHECKING:
    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.signing import Grant
    from lakefs_repro.embedded.store.entry import Entry

OBJECT_PATH = f"{PRESIGNED_ROOT}object"
UPLOAD_PATH = f"{PRESIGNED_ROOT}upload"
PART_PATH = f"{PRESIGNED_ROOT}part"
LIST_PATH = f"{PRESIGNED_ROOT}list"
_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


def _url(call: Call, grant: Grant) -> tuple[str, int]:
    host = call.header(b"host") or ""
    if not _HOST.fullmatch(host):
        name, port = call.scope["server"]
        host = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    return f"{call.scope['scheme']}://{host}{grant.target}", grant.expiry


def object_url(call: Call, entry: Entry) -> tuple[str, int]:
    """Where ``entry`` can be read without credentials, and until when."""
    fields = {
        "address": entry.address,
        "etag": entry.checksum,
        "type": entry.content_type,
        "mtime": str(entry.mtime),
        "name": entry.path.rpartition("/")[2],
    }
    return _url(call, call.engine.signer.grant("GET", OBJECT_PATH, fields))


def upload_url(call: Call, address: str) -> tuple[str, int]:
    """Where the bytes for an address that was issued can be put, and until when."""
    return _url(call, call.engine.signer.grant("PUT", UPLOAD_PATH, {"address": address}))


def part_url(call: Call, upload: str, number: int) -> str:
    """Where one part of a multipart upload can be put."""
    fields = {"upload": upload, "part": str(number)}
    return _url(call, call.engine.signer.grant("PUT", PART_PATH, fields))[0]


def list_url(call: Call, file: str) -> str:
    """Where a list for a garbage collection can be read; ``file`` is below the folder of all lists."""
    return _url(call, call.engine.signer.grant("GET", LIST_PATH, {"file": file}))[0]


def presigned(call: Call, stats: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """An ObjectStats whose physical address is a URL to read it."""
    url, expiry = object_url(call, entry)
    return {**stats, "physical_address": url, "physical_address_expiry": expiry}
