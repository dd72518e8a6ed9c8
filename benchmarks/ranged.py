"""Checks of table files that lie in a repository: seconds, requests and bytes, beside downloading them whole.

Runs against the server that ``LAKECTL_*`` names, in a new repository in the namespace ``LAKEFS_REPRO_TEST_NAMESPACE``
(such as ``s3://bucket/``), or else against an embedded engine of its own: ``python -m benchmarks.ranged``.
"""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.objects import Objects
from lakefs_repro.lake.repository import Repository, Server
from lakefs_repro.lake.wire import Wire
from lakefs_repro.model.contract import Contract
from lakefs_repro.tables import TableFile, validate
from lakefs_repro.testing import running_lakefs
from lakefs_repro.transfer.parallel import run_all
from lakefs_repro.transfer.ranged import RangeCache, ranged_object

COLUMNS = 20
SMALL_FILES = 1000
THREADS = 8


class Road:
    """Ranges of one commit's objects, counted."""

    def __init__(self, objects: Objects, commit: str) -> None:
        self.objects, self.commit = objects, commit
        self.requests = self.bytes = 0
        self._lock = threading.Lock()

    def file(self, path: str, size: int, cache: RangeCache) -> TableFile:
        def fetch(start: int, length: int) -> bytes:
            with self._lock:
                self.requests += 1
                self.bytes += length
            return self.objects.get_range(self.commit, path, start, length, size=size)

        return TableFile(
            path, remote=ranged_object(self.objects, self.commit, path, size, cache=cache, open_range=fetch)
        )


@contextlib.contextmanager
def repository() -> Iterator[Repository]:
    """A new repository on the server to measure."""
    name = f"ranged-{os.urandom(4).hex()}"
    url = os.environ.get("LAKECTL_SERVER_ENDPOINT_URL")
    with contextlib.ExitStack() as stack:
        if url:
            names = ("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY")
            endpoint = Endpoint(url, *(os.environ[variable] for variable in names))
        else:
            lake = stack.enter_context(running_lakefs())
            endpoint = Endpoint(lake.endpoint, lake.access_key_id, lake.secret_access_key)
        server = Server(Wire(endpoint))
        server.create_repository(name, os.environ.get("LAKEFS_REPRO_TEST_NAMESPACE", "local://") + name)
        yield server.repository(name)


def put_parquet(lake: Repository, path: str, seed: int, rows: int) -> tuple[str, int]:
    """Upload a Parquet file, made group by group so that its making does not count as this process' peak."""
    pick = np.random.default_rng(seed)
    schema = pa.schema([(f"c{i}", pa.int64()) for i in range(COLUMNS)])
    with tempfile.TemporaryFile() as file:
        with pq.ParquetWriter(file, schema) as writer:
            for start in range(0, rows, 50_000):
                count = min(50_000, rows - start)
                writer.write_table(pa.table([pick.integers(0, 1 << 60, count) for _ in schema], schema=schema))
        size = file.tell()
        file.seek(0)
        lake.objects.put("main", path, file, size=size)
    return path, size


def contract(**promise: bool) -> Contract:
    columns = [{"name": f"c{i}", "logicalType": "integer", **(promise if i == 3 else {})} for i in range(COLUMNS)]
    return Contract.model_validate({"id": "d", "schema": [{"name": "t", "properties": columns}]})


def check(what: str, road: Road, sizes: Sequence[tuple[str, int]], promised: Contract) -> None:
    road.requests = road.bytes = 0
    cache = RangeCache()
    files = [road.file(path, size, cache) for path, size in sizes]
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as spill:
        report = validate(promised, files, spill_dir=Path(spill), threads=THREADS)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = "" if report.ok else " BAD"
    print(f"| {what} | {seconds:.2f} | {road.requests} | {road.bytes / 1e6:.1f} | {peak:.0f} |{found}")


def main() -> None:
    with repository() as lake:
        large = [put_parquet(lake, "large.parquet", 0, 1_000_000)]
        small = [put_parquet(lake, f"small/{number:04}.parquet", number, 100) for number in range(1, SMALL_FILES + 1)]
        road = Road(lake.objects, lake.commits.create("main", "data").id)
        print(f"{large[0][1] / 1e6:.0f} MB in one file, {sum(size for _, size in small) / 1e6:.0f} MB in {SMALL_FILES}")
        print("| what | seconds | requests | MB | peak MB |\n|---|---|---|---|---|")
        for name, files in (("one file", large), (f"{SMALL_FILES} files", small)):
            check(f"{name}: types and nulls", road, files, contract(required=True))
            check(f"{name}: a unique column", road, files, contract(unique=True))
            begun = time.perf_counter()
            fetched = sum(run_all(lambda item: len(lake.objects.get(road.commit, item[0])), files, threads=THREADS))
            seconds = time.perf_counter() - begun
            print(f"| {name}: downloaded whole | {seconds:.2f} | {len(files)} | {fetched / 1e6:.1f} | |")


if __name__ == "__main__":
    main()
