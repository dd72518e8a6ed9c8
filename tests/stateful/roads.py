"""The ways in which bytes come into the embedded engine; all must lead to the same object."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from support.engines import Answer

from stateful.model import Content

if TYPE_CHECKING:
    from stateful.side import Side

_BULK = "application/vnd.lakefs-repro.bulk.v1"


def api(side: Side, branch: str, path: str, content: Content) -> Any:
    headers = {"Content-Type": content.type, **{f"x-lakefs-meta-{k}": v for k, v in content.metadata}}
    return side.call("POST", f"/branches/{branch}/objects", fields={"path": path}, body=content.data, headers=headers)


def form(side: Side, branch: str, path: str, content: Content) -> Any:
    boundary = secrets.token_hex(16)
    head = f'Content-Disposition: form-data; name="content"; filename="f"\r\nContent-Type: {content.type}\r\n\r\n'
    body = f"--{boundary}\r\n{head}".encode() + content.data + f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        **{f"x-lakefs-meta-{k}": v for k, v in content.metadata},
    }
    return side.call("POST", f"/branches/{branch}/objects", fields={"path": path}, body=body, headers=headers)


def bulk(side: Side, branch: str, path: str, content: Content) -> Any:
    header = {
        "path": path,
        "size": len(content.data),
        "content_type": content.type,
        "user_metadata": dict(content.metadata),
    }
    text = json.dumps(header).encode()
    body = struct.pack(">I", len(text)) + text + content.data
    answer = side.call("POST", f"/branches/{branch}/objects/bulk", body=body, headers={"Content-Type": _BULK})
    if answer.status != 200:
        return answer
    return Answer(answer.json["results"][0]["status"], answer.headers, answer.data)


def local(side: Side, branch: str, path: str, content: Content) -> Any:
    name = secrets.token_hex(8)
    (side.server.engine.root / "incoming" / name).write_bytes(content.data)
    body = {
        "path": path,
        "file": name,
        "size": len(content.data),
        "sha256": hashlib.sha256(content.data).hexdigest(),
        "md5": content.checksum,
        "content_type": content.type,
        "user_metadata": dict(content.metadata),
    }
    return side.call("POST", f"/branches/{branch}/objects/local", json=body)


def presigned(side: Side, branch: str, path: str, content: Content) -> Any:
    where = f"/branches/{branch}/staging/backing"
    issued = side.call("GET", where, fields={"path": path, "presign": "true"}).json
    put = side.server.engine.pool.request("PUT", issued["presigned_url"], body=content.data)
    assert put.status == 200, put.data
    body = {
        "staging": {"physical_address": issued["physical_address"]},
        "checksum": content.checksum,
        "size_bytes": len(content.data),
        "content_type": content.type,
        "user_metadata": dict(content.metadata),
    }
    answer = side.call("PUT", where, fields={"path": path}, json=body)
    return Answer(201, answer.headers, answer.data) if answer.status == 200 else answer


ROADS: dict[str, Callable[[Any, str, str, Content], Any]] = {
    "api": api,
    "form": form,
    "bulk": bulk,
    "local": local,
    "presigned": presigned,
}
OF_LAKEFS = ("api", "form")
