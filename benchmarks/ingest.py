"""``python -m benchmarks.ingest [--rounds 3] [--json FILE]``: the main job's speed and memory on the embedded engine.

Each figure is of a whole ``lakefs-repro`` process against a running engine; each round has a repository of its own.
With ``dvc`` on the PATH, ``dvc add`` of the same files is measured in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import Run, peak_of, run, summary
from benchmarks.shapes import change_some, large_files, small_files

SMALL, SMALL_SIZE = 10_000, 10 << 10
LARGE, LARGE_SIZE = 4, 256 << 20


class Bench:
    """One place, one engine, all rounds."""

    def __init__(self, root: Path, rounds: int) -> None:
        self.root = root
        self.rounds = rounds
        self.command = [str(Path(sys.executable).with_name("lakefs-repro")), "--quiet"]
        self.runs: dict[str, list[Run]] = {}
        self.server_peak = 0.0

    def measure(self, what: str, *arguments: str, cwd: Path) -> None:
        """Run one command of ours and keep its figures under ``what``."""
        self.runs.setdefault(what, []).append(run([*self.command, *arguments], cwd))

    def project(self, name: str) -> Path:
        """A fresh project with a running engine."""
        folder = self.root / name
        folder.mkdir()
        run([*self.command, "init", "--embedded", "--repository", name], folder)
        return folder

    def close(self, project: Path) -> None:
        """Stop a project's engine, remember its peak memory, and remove its data."""
        state = json.loads((project / ".lakefs-repro" / "engine" / "server.json").read_text())
        self.server_peak = max(self.server_peak, peak_of(int(state["pid"])))
        run([*self.command, "server", "stop"], project)
        shutil.rmtree(project)

    def dvc(self, what: str, source: Path, number: int) -> None:
        """``dvc add`` of a copy, because it moves files into its cache."""
        if not shutil.which("dvc"):
            return
        folder = self.root / f"dvc-{what.split(maxsplit=1)[0]}-{number}"
        folder.mkdir()
        run(["git", "init", "-q"], folder)
        environ = {"DVC_NO_ANALYTICS": "1"}
        run(["dvc", "init", "-q"], folder, environ)
        shutil.copytree(source, folder / "data")
        self.runs.setdefault(f"dvc add: {what}", []).append(run(["dvc", "add", "-q", "data"], folder, environ))
        shutil.rmtree(folder)

    def go(self) -> None:
        """All shapes, in turn, round by round."""
        small = small_files(self.root / "small", SMALL, SMALL_SIZE)
        large = large_files(self.root / "large", LARGE, LARGE_SIZE)
        for number in range(self.rounds):
            self.measure("--version", "--version", cwd=self.root)
            project = self.project(f"small-{number}")
            ingest = ("ingest", str(small), "--dataset", "small")
            self.measure("10,000 x 10 KiB ingested", *ingest, cwd=project)
            self.measure("nothing changed", *ingest, cwd=project)
            change_some(small, 100, number)
            self.measure("1 % changed", *ingest, cwd=project)
            self.measure("10,000 x 10 KiB restored", "restore", "small@1.0.0", "--to", "out", cwd=project)
            self.close(project)
            self.dvc("10,000 x 10 KiB", small, number)
            project = self.project(f"large-{number}")
            self.measure("1 GiB in 4 ingested", "ingest", str(large), "--dataset", "large", cwd=project)
            self.measure("1 GiB in 4 restored", "restore", "large@1.0.0", "--to", "out", cwd=project)
            self.close(project)
            self.dvc("1 GiB in 4", large, number)


TARGETS = {
    "--version": 0.15,
    "10,000 x 10 KiB ingested": 5.6,
    "1 GiB in 4 ingested": 6.9,
    "1 % changed": 2.0,
}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lakefs-repro-bench-") as folder:
        bench = Bench(Path(folder), arguments.rounds)
        bench.go()
    rows = [summary(what, runs, TARGETS.get(what)) for what, runs in bench.runs.items()]
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}; the engine's peak memory {bench.server_peak:.0f} MB\n")
    print("| what | runs | median s | min s | max s | peak MB | target s |\n|---|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join("" if value is None else str(value) for value in row.values()) + " |")
    if arguments.json:
        result = {"machine": machine, "engine_peak_mb": round(bench.server_peak), "rows": rows}
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
