"""A restore in a process of its own, which kills itself at a step, after some bytes, or at a rename.

Run as a script with a JSON object: engine, repository, ref, target, state, and ``kill``: a step's name, ``after:N``
downloads, or ``rename:N``, just before the N-th rename of a folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

from lakefs_repro.restore import apply
from lakefs_repro.restore.folder import restore_to
from lakefs_repro.snapshot.resolve import resolve

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from support.lakes import make_context


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Saboteur:
    def __init__(self, kill: str) -> None:
        self.kill = kill
        self.left = int(kill.partition(":")[2]) if kill.startswith("after:") else -1

    def step(self, name, *, total=None, unit=""):
        if name == self.kill:
            die()

    def advance(self, amount=1):
        self.left -= 1
        if self.left == 0:
            die()

    def note(self, text):
        pass


def kill_at_rename(number: int, *, exchanging: bool) -> None:
    """Count the renames and exchanges of whole folders, and die before the one meant."""
    seen = [0]

    def count():
        seen[0] += 1
        if seen[0] == number:
            die()

    rename, exchange = Path.rename, apply.exchange

    def counted(self, target):
        if self.is_dir():
            count()
        return rename(self, target)

    def counted_exchange(one, other):
        if not exchanging:
            return False
        count()
        return exchange(one, other)

    Path.rename = counted
    apply.exchange = counted_exchange


def main() -> None:
    said = json.loads(sys.argv[1])
    engine = SimpleNamespace(**said["engine"])
    kill = said.get("kill", "")
    if kill.startswith("rename:"):
        kill_at_rename(int(kill.partition(":")[2]), exchanging=said.get("exchanging", True))
    context = make_context(engine, said["repository"], Path(said["state"]), progress=Saboteur(kill), threads=2)
    report = restore_to(context, resolve(context, said["ref"]), Path(said["target"]), state=Path(said["state"]))
    print(json.dumps(report.to_json()))


if __name__ == "__main__":
    main()
