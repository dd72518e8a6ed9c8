"""Kill the embedded engine under load, again and again, and look whether everything acknowledged is there.

    python -m tests.faults.engine_kill [--rounds N | --minutes M] [--clients N] [--seed N] [--root FOLDER]

Prints one line a round; ends with 1 at the first thing that is lost.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.engine_client import TRUNK, Client, create_branch
from support.engines import EngineUnderTest

from lakefs_repro.embedded import process
from lakefs_repro.embedded.inspection import check

_LONGEST_LOAD = 1.5
_LONGEST_START = 0.6
_DEEP_EVERY = 10
_GIVEN_UP = 60.0


class KillLoop:
    """An engine on ``root``, clients that load it, and rounds that kill it."""

    def __init__(self, root: Path, *, clients: int, seed: int) -> None:
        self.root, self.random = root, random.Random(seed)
        self._pid = 0
        engine = self._start()
        repository = engine.new_repository()
        create_branch(engine, repository, TRUNK)
        self.clients = [Client(f"client{n}", engine, repository, seed * 1000 + n) for n in range(clients)]
        for client in self.clients:
            create_branch(engine, repository, client.name)
        self.killed_starts = 0

    def _start(self) -> EngineUnderTest:
        info = process.start(self.root)
        self._pid = info.pid
        return EngineUnderTest("embedded", info.endpoint, info.access_key_id, info.secret_access_key, root=self.root)

    def round(self, *, everything: bool = False) -> None:
        """Load, kill at a random moment, at times kill the next start too; then start, and check."""
        threads = [
            threading.Thread(target=client.work, args=(time.monotonic() + _GIVEN_UP,)) for client in self.clients
        ]
        for thread in threads:
            thread.start()
        time.sleep(self.random.uniform(0.02, _LONGEST_LOAD))
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        for thread in threads:
            thread.join()
        while self.random.random() < 0.25:
            self._kill_a_start()
        self._inspect(deep=False)  # as the crash has left it
        engine = self._start()
        for client in self.clients:
            assert not client.problems, client.problems
            client.engine = engine
            client.forget_files()
            client.check(everything=everything)
        self._inspect(deep=everything)

    def _kill_a_start(self) -> None:
        command = [sys.executable, "-m", "lakefs_repro.embedded", "--root", str(self.root)]
        with (self.root / "killed-start.log").open("ab") as log:
            child = subprocess.Popen(command, stdout=log, stderr=log)
        time.sleep(self.random.uniform(0.05, _LONGEST_START))
        child.kill()
        child.wait()
        self.killed_starts += 1

    def _inspect(self, *, deep: bool) -> None:
        said = check(self.root, deep=deep)
        assert said.ok, said.troubles
        assert not said.remarks  # these clients claim nothing that is not so

    @property
    def acknowledged(self) -> int:
        return sum(client.acknowledged for client in self.clients)

    def close(self) -> None:
        process.stop(self.root)


def main() -> int:
    options = _options()
    end = time.monotonic() + options.minutes * 60 if options.minutes else None
    with tempfile.TemporaryDirectory() as folder:
        loop = KillLoop(options.root or Path(folder) / "root", clients=options.clients, seed=options.seed)
        done = 0
        try:
            while time.monotonic() < end if end else done < options.rounds:
                done += 1
                loop.round(everything=done % _DEEP_EVERY == 0)
                print(f"round {done}: {loop.acknowledged} acknowledged, all there", flush=True)
            loop.round(everything=True)
        except AssertionError as error:
            print(f"seed {options.seed}, round {done}: {error}", file=sys.stderr)
            return 1
        finally:
            loop.close()
    commits = sum(len(client.commits) for client in loop.clients)
    print(
        f"{done + 1} kills under load and {loop.killed_starts} during a start (seed {options.seed}): "
        f"{loop.acknowledged} requests acknowledged, {commits} of them commits; nothing lost, the check is clean"
    )
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.engine_kill", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--root", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
