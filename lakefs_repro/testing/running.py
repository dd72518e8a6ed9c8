"""What a test knows about its server: where it is, how to log in, what it was asked."""

from __future__ import annotations

import base64
import json
import secrets
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS = 60.0


class ServedRequest(NamedTuple):
    """A request that the server answered; ``target`` is path and query as they were sent."""

    method: str
    target: str
    status: int
    received: int
    sent: int


@dataclass(frozen=True)
class RunningLakefs:
    """A running server: one that ``running_lakefs`` started, or any lakeFS, by its address and keys.

    Attributes:
        endpoint: its address, such as ``http://127.0.0.1:41235``; the API is below ``/api/v1``.
        access_key_id: the user name of HTTP Basic, and lakeFS' access key.
        secret_access_key: the password that goes with it.
        root: the temporary folder that holds its data and its logs; None for a server that was not started here.
        pid: its process; None likewise.
        namespace_prefix: where it keeps new repositories, such as ``s3://bucket/tests/``.
    """

    endpoint: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    root: Path | None = None
    pid: int | None = None
    namespace_prefix: str = "local://"

    @property
    def env(self) -> dict[str, str]:
        """The environment variables by which lakeFS' clients find it."""
        return {
            "LAKECTL_SERVER_ENDPOINT_URL": self.endpoint,
            "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": self.access_key_id,
            "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": self.secret_access_key,
            "LAKEFS_ENDPOINT": self.endpoint,
            "LAKEFS_ACCESS_KEY_ID": self.access_key_id,
            "LAKEFS_SECRET_ACCESS_KEY": self.secret_access_key,
        }

    @property
    def login(self) -> dict[str, str]:
        """``host``, ``username``, ``password``: arguments of lakeFS' Python clients.

        They fit ``lakefs.Client``, ``lakefs_sdk.Configuration`` and ``lakefs_spec.LakeFSFileSystem``.
        """
        return {
            "host": f"{self.endpoint}/api/v1",
            "username": self.access_key_id,
            "password": self.secret_access_key,
        }

    def call(self, method: str, path: str, body: object = None) -> Any:
        """One JSON request below ``/api/v1``, with nothing but the standard library.

        Returns the decoded answer, None for an empty one. Raises ``urllib.error.HTTPError`` for 400 and above.
        """
        pair = f"{self.access_key_id}:{self.secret_access_key}"
        headers = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        url = f"{self.endpoint}/api/v1{path}"
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  the scheme is ours
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy would not find this machine
        with direct.open(request, timeout=_SECONDS) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def new_repository(self, name: str | None = None, *, default_branch: str = "main") -> LakefsRepository:
        """A fresh, empty repository; its name is random when none is given."""
        name = name or f"test-{secrets.token_hex(6)}"
        body = {"name": name, "storage_namespace": f"{self.namespace_prefix}{name}", "default_branch": default_branch}
        self.call("POST", "/repositories", body)
        return LakefsRepository(name, self, default_branch)

    def requests(self) -> list[ServedRequest]:
        """What it was asked so far, in the order of its answers. Those of a client that hung up have status 499.

        Raises:
            InvalidError: it was not started here, and its log can't be read.
        """
        if self.root is None:
            raise InvalidError(f"what {self.endpoint} was asked can't be read: it was not started by this process.")
        found = []
        for line in (self.root / "access.log").read_text(encoding="utf-8").splitlines():
            _, method, target, status, received, sent = line.split(" ")
            found.append(ServedRequest(method, target, int(status), int(received), int(sent)))
        return found


@dataclass(frozen=True)
class LakefsRepository:
    """A repository on a running server; as text it is its name."""

    name: str
    server: RunningLakefs
    default_branch: str = "main"

    def __str__(self) -> str:
        return self.name

    def uri(self, path: str = "", *, ref: str | None = None) -> str:
        """``lakefs://repository/ref/path``; the ref is the default branch when none is given."""
        return f"lakefs://{self.name}/{ref or self.default_branch}/{path}"
