"""A worker's share of hashing in a process of its own, which kills itself after some objects.

Run as a script with a JSON object: engine, repository, commit, shard, of, and ``kill_after`` objects, 0 for never.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from lakefs_repro.ingest.hashing.hash_shard import HashRequest, Shard, hash_shard
from lakefs_repro.ports import Silence

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.lakes import make_context


class _Saboteur(Silence):
    def __init__(self, left: int) -> None:
        self.left = left

    def advance(self, amount=1):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    said = json.loads(sys.argv[1])
    engine = SimpleNamespace(**said["engine"])
    context = make_context(engine, said["repository"], Path(said["state"]), progress=_Saboteur(said["kill_after"]))
    # One by one, as from lakeFS: each object has a line of its own in the log.
    context = replace(context, server=replace(context.server, extensions={}, presign=False))
    request = HashRequest("flights", "spark", commit=said["commit"], shard=Shard(said["shard"], said["of"]))
    print(json.dumps(dict(hash_shard(context, request).to_json())))


if __name__ == "__main__":
    main()
