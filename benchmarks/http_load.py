"""A pooled Python client for one engine: urllib3 and some threads, nothing of the toolkit's own."""

from __future__ import annotations

import itertools
import json
import random
import struct
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import urllib3

API = "/api/v1"
BULK_TYPE = "application/vnd.lakefs-repro.bulk.v1"
_BULK_OBJECTS = 50_000
_SENT_AT_ONCE = 1 << 20


class Client:
    """Speaks to ``endpoint`` over at most ``threads`` connections that are kept."""

    def __init__(self, endpoint: str, key: str, secret: str, threads: int = 8) -> None:
        self.threads = threads
        token = b64encode(f"{key}:{secret}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}
        self._pool = urllib3.connection_from_url(endpoint, maxsize=threads, retries=False)

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/octet-stream") -> bytes:
        """One request; anything but success is an error."""
        headers = {**self._headers, "Content-Type": kind}
        answer = self._pool.urlopen(method, API + path, body=body, headers=headers)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.data[:200]!r}")
        return answer.data

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """One request with JSON both ways."""
        sent = None if body is None else json.dumps(body).encode()
        answer = self.send(method, path, sent, "application/json")
        return json.loads(answer) if answer[:1] in {b"{", b"["} else answer

    def repository(self, name: str) -> str:
        """A fresh repository's path."""
        self.json("POST", "/repositories", {"name": name, "storage_namespace": f"local://{name}"})
        return f"/repositories/{name}"

    def each(self, count: int, work: Callable[[int], object]) -> float:
        """Call ``work`` with every number below ``count`` from all threads; seconds that it took."""
        numbers, guard = itertools.chain(range(count)), threading.Lock()
        failures: list[BaseException] = []

        def labour() -> None:
            try:
                while True:
                    with guard:
                        number = next(numbers, None)
                    if number is None or failures:
                        return
                    work(number)
            except Exception as error:  # noqa: BLE001  told below, in the caller's thread
                failures.append(error)

        threads = [threading.Thread(target=labour) for _ in range(self.threads)]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return time.perf_counter() - begun

    def bulk(self, repository: str, paths: list[str], size: int) -> float:
        """Upload objects of random bytes by the bulk road; seconds that it took."""
        pool = random.Random(7).randbytes(size)
        begun = time.perf_counter()
        for first in range(0, len(paths), _BULK_OBJECTS):
            some = paths[first : first + _BULK_OBJECTS]
            answer = self.send(
                "POST", f"{repository}/branches/main/objects/bulk", _frames(some, first, pool, size), BULK_TYPE
            )
            refused = [each for each in json.loads(answer)["results"] if each["status"] != 201]
            if refused:
                raise RuntimeError(f"bulk upload refused {refused[:3]}")
        return time.perf_counter() - begun


def _frames(paths: list[str], first: int, pool: bytes, size: int) -> Iterator[bytes]:
    buffer = bytearray()
    for number, path in enumerate(paths, first):
        header = json.dumps({"path": path, "size": size}).encode()
        # Its number in front: no two objects are alike.
        content = number.to_bytes(8, "big") + pool[: size - 8]
        buffer += struct.pack(">I", len(header)) + header + content
        if len(buffer) > _SENT_AT_ONCE:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer)
