"""Hash a branch in a process of its own and print by how many bytes its memory grew at most.

Run as a script with a JSON object: engine, repository, state, presign.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from lakefs_repro.ingest.hashing.hash_shard import HashRequest, hash_shard

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.lakes import make_context


def peak() -> int:
    """The most memory that this process ever held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    said = json.loads(sys.argv[1])
    context = make_context(SimpleNamespace(**said["engine"]), said["repository"], Path(said["state"]), threads=8)
    context = replace(context, server=replace(context.server, extensions={}, presign=said["presign"]))
    hash_shard(context, HashRequest("flights", "small"))
    before = peak()
    hashed = hash_shard(context, HashRequest("flights", "spark")).hashed_bytes
    print(json.dumps({"grown": peak() - before, "hashed": hashed}))


if __name__ == "__main__":
    main()
