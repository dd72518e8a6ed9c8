"""Golden files: what a real lakeFS answered, and the differences of another transcript from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.transcript.calls import Scenario

FOLDER = Path(__file__).resolve().parent.parent / "golden"
RECORDING = "recording.json"
ABSENT = "<absent>"


@dataclass(frozen=True)
class Difference:
    """At ``place`` in the answer to ``call``, lakeFS said ``golden`` and the server under test ``actual``."""

    call: str
    place: str
    golden: Any
    actual: Any

    def __str__(self) -> str:
        return f"{self.call}\n    at {self.place}\n    golden {_line(self.golden)}\n    actual {_line(self.actual)}"


def path(scenario: Scenario) -> Path:
    """The golden file of a scenario; one folder for each kind of block store."""
    return FOLDER / (scenario.store or "any") / f"{scenario.name}.json"


def load(scenario: Scenario) -> list[dict[str, Any]]:
    """The transcript that was recorded for ``scenario``."""
    return json.loads(path(scenario).read_text(encoding="utf-8"))["calls"]


def save(scenario: Scenario, transcript: list[dict[str, Any]]) -> None:
    write(path(scenario), {"scenario": scenario.name, "calls": transcript})


def write(target: Path, value: Any) -> None:
    """JSON that diffs well: a line for each value, keys sorted."""
    target.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    target.write_text(text + "\n", encoding="utf-8")


def differences(golden: list[dict[str, Any]], actual: list[dict[str, Any]]) -> list[Difference]:
    """Where the answers differ, call by call; the calls must be the same."""
    asked = [{"call": each["call"], "request": each["request"]} for each in golden]
    if asked != [{"call": each["call"], "request": _plain(each["request"])} for each in actual]:
        raise ValueError("the scenario asks otherwise than its golden file: record it anew")
    found = []
    for was, now in zip(golden, actual, strict=True):
        found += [Difference(was["call"], *each) for each in _walk("", was["answer"], _plain(now["answer"]))]
    return found


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _walk(place: str, golden: Any, actual: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(golden, dict) and isinstance(actual, dict):
        for key in sorted({*golden, *actual}):
            yield from _walk(f"{place}/{key}", golden.get(key, ABSENT), actual.get(key, ABSENT))
    elif isinstance(golden, list) and isinstance(actual, list) and len(golden) == len(actual):
        for index, (was, now) in enumerate(zip(golden, actual, strict=True)):
            yield from _walk(f"{place}/{index}", was, now)
    elif golden != actual or type(golden) is not type(actual):
        yield place, golden, actual


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
