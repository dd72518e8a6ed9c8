"""Suites of other projects, from their own checkouts, on the embedded engine and on a real lakeFS.

Run from the top of this repository, with a Python that has what those suites need::

    python -m tests.ecosystem --python VENV/bin/python --wrapper LAKEFS/clients/python-wrapper --spec LAKEFS-SPEC --lakectl

Both servers are started fresh for it on port 8000, which lakefs-spec's tests insist on, one after the other. It prints
what came out, and names each test that came out otherwise on the engine than on lakeFS; then it exits with 1. Without a
``lakefs`` binary on the PATH it runs the engine alone, and anything that fails makes it exit with 1. ``--lakectl`` does a
day's work with the ``lakectl`` on the PATH on both, and compares what it says.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for tests/support

from ecosystem import lakectl
from support.engines import BINARY, started_lakefs

from lakefs_repro.testing import running_lakefs

PORT = 8000
KEYS = (
    "AKIAIOSFOLQUICKSTART",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
)  # lakeFS' published example, for its quickstart
PATHS = {"wrapper": "tests/integration", "spec": "tests"}


@contextmanager
def server(name: str):
    if name == "lakeFS":
        with tempfile.TemporaryDirectory() as folder, started_lakefs(Path(folder), port=PORT, keys=KEYS):
            yield
    else:
        with running_lakefs(port=PORT, credentials=KEYS, presign=name != "engine"):
            yield


def environment(suite: str, home: str) -> dict[str, str]:
    """A sealed one. The wrapper's tests find their server by it, lakefs-spec's know theirs."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" and not k.startswith(("LAKECTL_", "LAKEFS_"))}
    if suite == "wrapper":
        kept |= {
            "LAKECTL_SERVER_ENDPOINT_URL": f"http://127.0.0.1:{PORT}",
            "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": KEYS[0],
            "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": KEYS[1],
            "STORAGE_NAMESPACE": "local://ecosystem",
        }
    return {**kept, "HOME": home, "NO_PROXY": "*"}


def outcomes(suite: str, checkout: Path, python: str) -> dict[str, str]:
    """Each test of a suite, and how it came out."""
    with tempfile.TemporaryDirectory() as home:
        report = Path(home) / "report.xml"
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", PATHS[suite]]
        done = subprocess.run(
            command, cwd=checkout, env=environment(suite, home), capture_output=True, text=True, timeout=1800
        )
        if not report.exists():
            raise SystemExit(f"the suite in {checkout} did not run:\n{done.stdout}{done.stderr}")
        found = {}
        for case in ET.parse(report).getroot().iter("testcase"):
            words = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
            found[f"{case.get('classname')}::{case.get('name')}"] = words[0] if words else "passed"
        if "passed" not in found.values():
            raise SystemExit(f"nothing of the suite in {checkout} passed:\n{done.stdout}{done.stderr}")
        return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.ecosystem", description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="the Python that has what the suites need")
    parser.add_argument("--wrapper", type=Path, help="clients/python-wrapper in a checkout of treeverse/lakeFS")
    parser.add_argument("--spec", type=Path, help="a checkout of aai-institute/lakefs-spec")
    parser.add_argument("--lakectl", action="store_true", help="compare what lakectl says on both")
    options = parser.parse_args()
    suites = {name: getattr(options, name).resolve() for name in PATHS if getattr(options, name)}
    if not suites and not options.lakectl:
        parser.error("give --wrapper, --spec or --lakectl")
    if options.lakectl and not (BINARY and shutil.which("lakectl")):
        parser.error("--lakectl compares: it needs lakectl and lakefs on the PATH")
    differing = compared_suites(suites, options.python)
    if options.lakectl:
        differing += compared_lakectl()
    return 1 if differing else 0


def compared_suites(suites: dict[str, Path], python: str) -> int:
    """Run the suites, say what came out, and count the tests that came out differently."""
    engines = ["engine", "engine, presigning", *(["lakeFS"] if BINARY else [])]
    differing = 0
    for suite, checkout in suites.items():
        results = {}
        for name in engines:
            with server(name):
                results[name] = outcomes(suite, checkout, python)
            counts = ", ".join(f"{number} {word}" for word, number in sorted(Counter(results[name].values()).items()))
            print(f"{suite:8} on {name:20} {counts}", flush=True)
        expected = results.get("lakeFS") or dict.fromkeys(results["engine"], "passed")
        for test in sorted(expected.keys() | results["engine"].keys()):
            here, there = results["engine"].get(test, "absent"), expected.get(test, "absent")
            if here != there and (BINARY or here in {"failure", "error"}):
                differing += 1
                print(f"  {test}: {here} on the engine, {there} on lakeFS" if BINARY else f"  {test}: {here}")
    return differing


def compared_lakectl() -> int:
    """The same, for what lakectl says."""
    days = []
    for name in ("engine", "lakeFS"):
        with server(name):
            days.append(lakectl.said(f"http://127.0.0.1:{PORT}", KEYS))
    differing = [(here, there) for here, there in zip(*days, strict=True) if here != there]
    print(f"lakectl  {len(days[0])} commands, {len(differing)} answered differently")
    for (command, here), (_, there) in differing:
        print(f"  lakectl {command}")
        print(indent(f"on the engine: {here}\non lakeFS: {there}", "    "))
    return len(differing)


if __name__ == "__main__":
    sys.exit(main())
