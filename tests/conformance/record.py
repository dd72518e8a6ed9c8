"""Record the golden transcripts anew, from a real lakeFS.

    python -m tests.conformance.record --endpoint URL --namespace local:// [--only NAME]

Keys come from ``LAKECTL_CREDENTIALS_ACCESS_KEY_ID`` and ``LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY``. Each scenario runs twice,
and one whose two transcripts differ is refused: what changes by itself can't be a golden answer.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.scenarios import SCENARIOS
from conformance.transcript import golden
from conformance.transcript.calls import Call, Scenario
from conformance.transcript.client import Server
from conformance.transcript.play import play


def main() -> int:
    """Write the golden files; 1 when a scenario could not be recorded."""
    options = _options()
    keys = [os.environ[f"LAKECTL_CREDENTIALS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")]
    server = Server(options.endpoint.rstrip("/").removesuffix("/api/v1"), *keys, options.namespace.rstrip("/") + "/")
    if options.namespace == "local://":
        server = Server(server.endpoint, *keys, "local://")
    config = json.loads(server.send(Call("GET", "/config")).data)
    store = config["storage_config"]["blockstore_type"]
    if "embedded" in config:
        sys.exit("that is the embedded engine: golden transcripts come from a real lakeFS")
    wanted = [each for each in SCENARIOS if (each.store or "local") == store and options.only in each.name]
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda each: _recorded(each, server), wanted))
    for each, problem in zip(wanted, outcomes, strict=True):
        print(f"{each.name}: {problem or f'{len(each.calls)} calls'}")
    if any(outcomes):
        return 1
    _say_where_from(store, config["version_config"]["version"])
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Record golden transcripts from a real lakeFS.")
    parser.add_argument("--endpoint", required=True, help="such as http://127.0.0.1:8000")
    parser.add_argument("--namespace", required=True, help="where repositories may be made: local:// or s3://bucket/")
    parser.add_argument("--only", default="", help="only scenarios with this in their name")
    parser.add_argument("--jobs", type=int, default=4)
    return parser.parse_args()


def _recorded(scenario: Scenario, server: Server) -> str:
    """Play and save; what went wrong, or nothing."""
    try:
        first, second = play(scenario, server), play(scenario, server)
    except (LookupError, OSError, RuntimeError) as error:
        return f"FAILED: {error}"
    differences = golden.differences(json.loads(json.dumps(first)), second)
    if differences:
        return "FAILED, two runs differ:\n" + "\n".join(map(str, differences))
    golden.save(scenario, first)
    return ""


def _say_where_from(store: str, version: str) -> None:
    target = golden.FOLDER / golden.RECORDING
    said = json.loads(target.read_text()) if target.exists() else {}
    said[store] = {"server": "lakeFS", "version": version, "recorded": datetime.now(timezone.utc).date().isoformat()}
    golden.write(target, said)


if __name__ == "__main__":
    sys.exit(main())
