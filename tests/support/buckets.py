"""Buckets to test against: moto as the store, and a real lakeFS whose objects lie in the same store."""

from __future__ import annotations

import logging
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import EndpointConnectionError
from moto.server import ThreadedMotoServer

from support import engines

KEYS = ("testing-key", "testing-secret")
LAKE = "lake"
_START_SECONDS = 30


@dataclass
class BucketServer:
    """A moto server: its URL, and a client that is not the one under test."""

    endpoint: str
    client: Any
    buckets: list[str] = field(default_factory=list)

    def new_bucket(self, objects: dict[str, bytes] | None = None, **how: Any) -> str:
        """A fresh bucket with these objects."""
        name = f"raw-{secrets.token_hex(6)}"
        self.client.create_bucket(Bucket=name)
        self.put(name, objects or {}, **how)
        return name

    def put(self, bucket: str, objects: dict[str, bytes], **how: Any) -> None:
        for key, data in objects.items():
            self.client.put_object(Bucket=bucket, Key=key, Body=data, **how)


@contextmanager
def moto_server():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = _client(endpoint)
    try:
        yield BucketServer(endpoint, client)
    finally:
        client.close()
        server.stop()


@contextmanager
def separate_moto_server():
    """Another store: moto servers of one process share what they hold."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = _client(f"http://127.0.0.1:{port}")
    try:
        _await(client)
        yield BucketServer(f"http://127.0.0.1:{port}", client)
    finally:
        client.close()
        process.terminate()
        process.wait(timeout=30)


def _await(client: Any) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            client.list_buckets()
        except EndpointConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _client(endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=KEYS[0],
        aws_secret_access_key=KEYS[1],
        region_name="us-east-1",
    )


@contextmanager
def lakefs_on(server: BucketServer, folder: Path):
    """A real lakeFS that keeps its objects in this store."""
    server.client.create_bucket(Bucket=LAKE)
    settings = {
        "BLOCKSTORE_TYPE": "s3",
        "BLOCKSTORE_S3_ENDPOINT": server.endpoint,
        "BLOCKSTORE_S3_FORCE_PATH_STYLE": "true",
        "BLOCKSTORE_S3_DISCOVER_BUCKET_REGION": "false",
        "BLOCKSTORE_S3_REGION": "us-east-1",
        "BLOCKSTORE_S3_CREDENTIALS_ACCESS_KEY_ID": KEYS[0],
        "BLOCKSTORE_S3_CREDENTIALS_SECRET_ACCESS_KEY": KEYS[1],
    }
    with engines.started_lakefs(folder, **settings) as engine:
        yield replace(engine, namespace_prefix=f"s3://{LAKE}/")


class Watched:
    """Counts what a boto3 client is asked, by operation."""

    def __init__(self, client: Any) -> None:
        self.calls: dict[str, int] = {}
        self._hooks: dict[str, Any] = {}
        client.meta.events.register("before-call.s3", self._called)

    def _called(self, model, **_: Any) -> None:
        self.calls[model.name] = self.calls.get(model.name, 0) + 1
        action = self._hooks.pop(model.name, None)
        if action:
            action()

    def before(self, operation: str, action) -> None:
        """Do something once, before the next call of an operation goes out."""
        self._hooks[operation] = action

    def reset(self) -> dict[str, int]:
        seen, self.calls = self.calls, {}
        return seen
