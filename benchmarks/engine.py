"""``python -m benchmarks.engine [--rounds 3] [--objects 1000000] [--json FILE]``: the embedded engine by itself.

Everything is measured over HTTP from another process, with the engine's defaults (each answer is on disk). The
ceiling in the same run is a bare ASGI application behind the same server that reads a body and answers 250 bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.http_load import Client
from benchmarks.measure import peak_of
from lakefs_repro.embedded import process

SMALL, SMALL_SIZE = 5_000, 4 << 10
BULK = 10_000
LISTED = 100_000
CHANGED = 10
_BARE = """
import sys
from lakefs_repro.embedded.serve import _listen
from lakefs_repro.embedded.server import run
async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"250")]})
    await send({"type": "http.response.body", "body": b"x" * 250})
listener = _listen("127.0.0.1", 0)
run(app, listener, lambda: print(listener.getsockname()[1], flush=True))
"""


class Bench:
    """Collects figures by name: (value, unit, better is more, target)."""

    def __init__(self, root: Path, rounds: int, objects: int) -> None:
        self.root, self.rounds, self.objects = root, rounds, objects
        self.figures: dict[str, list[float]] = {}
        self.targets: dict[str, str] = {}

    def note(self, what: str, value: float, target: str = "") -> None:
        self.figures.setdefault(what, []).append(value)
        self.targets[what] = target
        print(f"  {what}: {value:.3f}", file=sys.stderr)

    def start(self, name: str) -> tuple[process.ServerInfo, Client]:
        """Start an engine on a new folder and measure how long it took until it answers."""
        begun = time.perf_counter()
        server = process.start(self.root / name)
        self.note("start, s", time.perf_counter() - begun, "< 0.5")
        return server, Client(server.endpoint, server.access_key_id, server.secret_access_key)

    def small(self, number: int) -> None:
        """The standard road, beside what the same client gets out of a bare server."""
        _, client = self.start(f"small-{number}")
        repository = client.repository("small")
        blobs = [random.Random(number).randbytes(SMALL_SIZE) for _ in range(64)]

        def upload(item: int) -> None:
            body = item.to_bytes(8, "big") + blobs[item % 64][8:]
            client.send("POST", f"{repository}/branches/main/objects?path=d{item % 50}/f{item:06d}", body)

        def download(item: int) -> None:
            client.send("GET", f"{repository}/refs/main/objects?path=d{item % 50}/f{item:06d}")

        self.note("small uploads, objects/s", SMALL / client.each(SMALL, upload), ">= 1000")
        self.note("small downloads, objects/s", SMALL / client.each(SMALL, download))
        seconds = client.bulk(client.repository("bulk"), [f"d{n % 50}/f{n:06d}" for n in range(BULK)], SMALL_SIZE)
        self.note("bulk uploads, objects/s", BULK / seconds, ">= 3000")
        process.stop(self.root / f"small-{number}")
        self.bare(client.threads)

    def bare(self, threads: int) -> None:
        """The ceiling: the same client, the same server, no engine."""
        with subprocess.Popen([sys.executable, "-c", _BARE], stdout=subprocess.PIPE) as child:
            port = int(child.stdout.readline()) if child.stdout else 0
            client = Client(f"http://127.0.0.1:{port}", "key", "secret", threads)
            body = bytes(SMALL_SIZE)
            self.note("bare server, requests/s", SMALL / client.each(SMALL, lambda _: client.send("POST", "/x", body)))
            child.terminate()

    def large(self) -> None:
        """A repository of many objects: listing, a small commit, a diff, memory."""
        server, client = self.start("large")
        repository = client.repository("large")
        paths = [f"p{n // 10_000:03d}/f{n:07d}" for n in range(self.objects)]
        self.note(f"{self.objects:,} objects in by bulk, s", client.bulk(repository, paths, 16))
        self.note(
            "their commit, s", self.timed(client, "POST", f"{repository}/branches/main/commits", {"message": "m"})
        )
        chosen = random.Random(3)
        for _ in range(max(self.rounds, 5)):
            for path in chosen.sample(paths, CHANGED):
                client.send("POST", f"{repository}/branches/main/objects?path={path}", chosen.randbytes(32))
            seconds = self.timed(client, "POST", f"{repository}/branches/main/commits", {"message": "m"})
            self.note(f"commit of {CHANGED} changed of {self.objects:,}, s", seconds, "< 0.2")
        diff = f"{repository}/refs/main~1/diff/main?type=two_dot&amount=1000"
        self.note("diff of that commit, s", self.timed(client, "GET", diff))
        for _ in range(self.rounds):
            self.note(f"{LISTED:,} objects listed, s", listing(client, repository, LISTED), "< 2")
        self.note("peak memory, MB", peak_of(server.pid), "< 400")
        process.stop(self.root / "large")

    def timed(self, client: Client, method: str, path: str, body: Any = None) -> float:
        begun = time.perf_counter()
        client.json(method, path, body)
        return time.perf_counter() - begun


def listing(client: Client, repository: str, count: int) -> float:
    """List the first ``count`` objects, page by page."""
    begun, seen, after = time.perf_counter(), 0, ""
    while seen < count:
        page = client.json("GET", f"{repository}/refs/main/objects/ls?amount=1000&after={after}")
        seen += len(page["results"])
        if not page["pagination"]["has_more"]:
            break
        after = page["pagination"]["next_offset"]
    if seen < count:
        raise RuntimeError(f"listed {seen} of {count} objects")
    return time.perf_counter() - begun


def shown(cell: object) -> str:
    """A cell of the table."""
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:,.0f}" if cell >= 50 else f"{cell:.3f}"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.objects < LISTED:
        parser.error(f"--objects: at least {LISTED}")
    with tempfile.TemporaryDirectory(prefix="lakefs-repro-bench-") as folder:
        bench = Bench(Path(folder), arguments.rounds, arguments.objects)
        for number in range(arguments.rounds):
            bench.small(number)
        bench.large()
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}; load {os.getloadavg()[0]:.1f} at the end\n")
    print("| what | runs | median | least | most | target |\n|---|---|---|---|---|---|")
    rows = []
    for what, values in bench.figures.items():
        row = (what, len(values), statistics.median(values), min(values), max(values), bench.targets[what])
        rows.append(dict(zip(("what", "runs", "median", "min", "max", "target"), row, strict=True)))
        print("| " + " | ".join(map(shown, row)) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
