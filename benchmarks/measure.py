"""Whole processes, timed from outside, with the peak memory that the kernel reports."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """One finished process."""

    seconds: float
    peak_mb: float


def run(command: Sequence[str], cwd: Path, environ: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end; a failure is raised with what it printed."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **(environ or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    if process.returncode:
        raise RuntimeError(f"{command} exited with {process.returncode}:\n{said.decode(errors='replace')}")
    return Run(seconds, usage.ru_maxrss / 1024)


def peak_of(pid: int) -> float:
    """The peak memory of a running process in MB (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def summary(name: str, runs: Sequence[Run], target: float | None = None) -> dict[str, float | str | int | None]:
    """Median, least and most of some runs of one thing."""
    seconds = [r.seconds for r in runs]
    return {
        "what": name,
        "runs": len(runs),
        "median_s": round(statistics.median(seconds), 3),
        "min_s": round(min(seconds), 3),
        "max_s": round(max(seconds), 3),
        "peak_mb": round(max(r.peak_mb for r in runs)),
        "target_s": target,
    }
