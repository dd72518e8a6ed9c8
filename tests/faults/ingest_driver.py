"""An ingest in a process of its own, which kills itself, or waits, at the beginning of a step.

Run as a script with a JSON object: endpoint, keys, repository, source, state, mode, and ``kill`` or ``wait``; with
``branch``, the source is a branch that is finished.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from lakefs_repro.ingest.branch.opened import finish_branch
from lakefs_repro.ingest.branch.source import FromBranch
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.lakes import make_context


class _Saboteur:
    def __init__(self, kill: str, wait: str, flag: str) -> None:
        self.kill, self.wait, self.flag = kill, wait, flag

    def step(self, name, *, total=None, unit=""):
        if name == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if name == self.wait:
            Path(self.flag + ".reached").touch()
            while not Path(self.flag + ".go").exists():
                time.sleep(0.02)

    def advance(self, amount=1):
        if self.kill == "upload+" and amount:
            os.kill(os.getpid(), signal.SIGKILL)

    def note(self, text):
        pass


def main() -> None:
    said = json.loads(sys.argv[1])
    engine = SimpleNamespace(**said["engine"])
    saboteur = _Saboteur(said.get("kill", ""), said.get("wait", ""), said.get("flag", ""))
    context = make_context(engine, said["repository"], Path(said["state"]), progress=saboteur)
    if said.get("branch"):
        asked = FromBranch("flights", said["source"])
        result = finish_branch(context, IngestRequest("flights", ()), asked).result
    else:
        result = ingest(context, IngestRequest("flights", (Path(said["source"]),), mode=said.get("mode", "replace")))
    print(json.dumps(dict(result.to_json())))


if __name__ == "__main__":
    main()
