"""Two datasets through any sequence of ingests, rollbacks and other clients' commits, beside a plain dictionary.

The suite runs a few short sequences. For a long search::

    pytest --hypothesis-profile=long tests/property/test_ingest_state.py
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.lakes import leftovers, make_context, write_files

from lakefs_repro.errors import ConflictError, RejectedError
from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest
from lakefs_repro.model.annotation import Annotation
from lakefs_repro.model.entry import Entry
from lakefs_repro.model.manifest import build
from lakefs_repro.model.names import pin_branch, tag_name
from lakefs_repro.model.version import Version
from lakefs_repro.restore.rollback import roll_back

DATASETS = ("flights", "planes")
FEW = settings(
    max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)

datasets = st.sampled_from(DATASETS)
paths = st.sampled_from(["a", "b", "d/x", "d/y", "é", "new\nline"])
contents = st.sampled_from([b"", b"1", b"2"])
file_sets = st.dictionaries(paths, contents, min_size=1)
picks = st.integers(0, 99)


def digest_of(files: dict[str, bytes]) -> str:
    return build(Entry(p, len(d), hashlib.sha256(d).hexdigest()) for p, d in files.items()).root


def checksums(files: dict[str, bytes]) -> dict[str, str]:
    return {p: hashlib.md5(d).hexdigest() for p, d in files.items()}


class Ingests(RuleBasedStateMachine):
    """``versions`` holds, by dataset and version in their order, the files and the ingest commit."""

    number = itertools.count()

    def __init__(self, engine, folder: Path) -> None:
        super().__init__()
        self.engine, self.folder = engine, folder
        self.versions: dict[str, dict[str, tuple[dict[str, bytes], str]]] = {d: {} for d in DATASETS}
        self.foreign: dict[str, dict[str, bytes | None]] = {d: {} for d in DATASETS}

    @initialize()
    def begin(self):
        self.state = self.folder / f"state{next(self.number)}"
        self.ctx = make_context(self.engine, self.engine.new_repository(), self.state)

    def latest(self, dataset: str) -> dict[str, bytes]:
        return next(reversed(self.versions[dataset].values()))[0] if self.versions[dataset] else {}

    def head(self) -> str:
        return self.ctx.repository.branches.get("main").commit

    # What we do.

    @rule(dataset=datasets, files=file_sets, mode=st.sampled_from(["replace", "append"]), allow=st.booleans())
    def ingest(self, dataset, files, mode, allow):
        old = self.latest(dataset)
        wanted = {**old, **files} if mode == "append" else files
        source = write_files(self.folder / f"source{next(self.number)}", files)
        request = IngestRequest(dataset, (source,), mode=mode, allow_shrink=allow)
        refused = self._refusal(dataset, old, files, wanted, mode=mode, allow=allow)
        before = self.head()
        if refused:
            with pytest.raises(refused[0]) as caught:
                ingest(self.ctx, request)
            assert caught.value.kind == refused[1]
            assert self.head() == before
            return
        result = ingest(self.ctx, request)
        if wanted == old:
            assert result.outcome == "unchanged"
            assert self.head() == before
            return
        taken = [Version(v) for v in self.versions[dataset]]
        assert (result.outcome, result.version) == ("created", str(max(taken).bump("minor")) if taken else "1.0.0")
        assert result.uploaded == sum(old.get(p) != d for p, d in files.items())
        assert result.digest == digest_of(wanted)
        self.versions[dataset][result.version] = (wanted, result.ingest_commit)

    def _refusal(self, dataset, old, files, wanted, *, mode, allow):
        if self.foreign[dataset]:
            return ConflictError, "foreign-change"
        if mode == "append" and any(old.get(p, d) != d for p, d in files.items()):
            return ConflictError, "append-would-change"
        if 2 * len(old.keys() - wanted.keys()) > len(old) and not allow:
            return RejectedError, "shrinks-too-much"
        return None

    @precondition(lambda self: any(self.versions.values()))
    @rule(dataset=datasets, pick=picks)
    def roll_back(self, dataset, pick):
        if not self.versions[dataset]:
            return
        number, (files, commit) = list(self.versions[dataset].items())[pick % len(self.versions[dataset])]
        before = self.head()
        if self.foreign[dataset]:
            with pytest.raises(ConflictError) as caught:
                roll_back(self.ctx, dataset, commit)
            assert caught.value.kind == "foreign-change"
            assert self.head() == before
            return
        result = roll_back(self.ctx, dataset, commit)
        assert result.digest == digest_of(files)
        if files == self.latest(dataset):
            assert result.outcome == "unchanged"
            assert self.head() == before
            return
        highest = max(Version(v) for v in self.versions[dataset])
        assert (result.outcome, result.version) == ("rolled-back", str(highest.bump("patch")))
        assert result.rolled_back_to == number
        self.versions[dataset][result.version] = (files, result.ingest_commit)

    # What others do.

    @rule(dataset=datasets, path=paths, data=contents)
    def somebody_writes_under_the_prefix(self, dataset, path, data):
        if self.foreign[dataset] or self.latest(dataset).get(path) == data:
            return
        self.foreign[dataset] = {path: self.latest(dataset).get(path)}
        self.ctx.repository.objects.put("main", f"{dataset}/{path}", data)
        self.ctx.repository.commits.create("main", "by hand")

    @rule(dataset=datasets)
    def somebody_undoes_it(self, dataset):
        for path, data in self.foreign[dataset].items():
            if data is None:
                self.ctx.repository.objects.delete("main", [f"{dataset}/{path}"])
            else:
                self.ctx.repository.objects.put("main", f"{dataset}/{path}", data)
            self.ctx.repository.commits.create("main", "undone")
        self.foreign[dataset] = {}

    @rule()
    def somebody_writes_elsewhere(self):
        self.ctx.repository.objects.put("main", "elsewhere/x", b"%d" % next(self.number))
        self.ctx.repository.commits.create("main", "none of our business")

    @rule()
    def the_journals_are_deleted(self):
        shutil.rmtree(self.state, ignore_errors=True)

    # What always holds.

    def stored(self, ref: str, prefix: str = "") -> dict[str, str]:
        return {o.path.removeprefix(prefix): o.checksum for o in self.ctx.repository.objects.list(ref, prefix)}

    @invariant()
    def main_holds_the_latest_of_each_dataset(self):
        for dataset in DATASETS:
            if not self.foreign[dataset]:
                assert self.stored("main", f"{dataset}/") == checksums(self.latest(dataset))

    @invariant()
    def there_are_exactly_the_versions_that_were_made(self):
        made = {tag_name(d, v) for d in DATASETS for v in self.versions[d]}
        assert {t.name for t in self.ctx.repository.tags.list()} == made

    @invariant()
    def every_version_is_what_it_was_pinned_alone_and_named_by_its_content(self):
        for dataset, versions in self.versions.items():
            for version, (files, commit) in versions.items():
                assert self.stored(tag_name(dataset, version), f"{dataset}/") == checksums(files)
                pin = pin_branch(dataset, version)
                assert self.ctx.repository.branches.get(pin).commit == commit
                held = self.stored(pin)
                assert {p: c for p, c in held.items() if p.startswith(f"{dataset}/")} == {
                    f"{dataset}/{p}": c for p, c in checksums(files).items()
                }
                assert all(p.startswith((f"{dataset}/", f"_lakefs_repro/{dataset}/")) for p in held)
                said = Annotation.decode(self.ctx.repository.commits.get(commit).metadata)
                assert (said.dataset, said.version, said.digest) == (dataset, version, digest_of(files))

    @invariant()
    def nothing_is_left_behind(self):
        assert leftovers(self.ctx) == []
        pins = {pin_branch(d, v) for d in DATASETS for v in self.versions[d]}
        assert {b.name for b in self.ctx.repository.branches.list("pin-")} == pins


def test_any_sequence_of_ingests_and_rollbacks_keeps_its_promises(embedded_engine, tmp_path):
    long = settings.default if settings.default.stateful_step_count == 40 else None
    run_state_machine_as_test(lambda: Ingests(embedded_engine, tmp_path), settings=long or FEW)
