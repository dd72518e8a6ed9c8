"""The command line of the ingest that runs in a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

DRIVER = Path(__file__).resolve().parents[1] / "faults" / "ingest_driver.py"


def command(engine, repository, source, state, **more) -> list[str]:
    said = {
        "engine": {
            "endpoint": engine.endpoint,
            "access_key_id": engine.access_key_id,
            "secret_access_key": engine.secret_access_key,
            "name": engine.name,
        },
        "repository": repository,
        "source": str(source),
        "state": str(state),
        **more,
    }
    return [sys.executable, "-W", "error", str(DRIVER), json.dumps(said)]
