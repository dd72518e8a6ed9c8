"""Contexts on real repositories, over real HTTP."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from lakefs_repro.ingest.ingest import ingest
from lakefs_repro.ingest.request import IngestRequest, IngestResult
from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.repository import Server
from lakefs_repro.lake.wire import Retry, Wire
from lakefs_repro.model.names import dataset_prefix
from lakefs_repro.snapshot.context import Context


def make_context(engine, repository: str, state: Path, *, url: str = "", progress=None, threads: int = 4) -> Context:
    """A context on one repository of an engine, perhaps by way of a proxy at ``url``."""
    endpoint = Endpoint(url or engine.endpoint, engine.access_key_id, engine.secret_access_key)
    server = Server(Wire(endpoint, retry=Retry(sleep=lambda _: None)))
    context = Context(
        repository=server.repository(repository),
        server=server.info(),
        main="main",
        state=state,
        engine=engine.name,
        who="tester@here",
        tool="lakefs-repro test",
        threads=threads,
    )
    return replace(context, progress=progress) if progress else context


def write_files(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def ingest_files(
    ctx: Context, folder: Path, files: dict[str, bytes], dataset: str = "flights", **options
) -> IngestResult:
    """Write files into a fresh folder and ingest it."""
    source = write_files(folder / os.urandom(4).hex(), files)
    return ingest(ctx, IngestRequest(dataset, (source,), **options))


def data_at(ctx: Context, ref: str, dataset: str = "flights") -> dict[str, bytes]:
    """The dataset's objects at a ref, by their path in the dataset."""
    prefix = dataset_prefix(dataset)
    objects = ctx.repository.objects
    return {o.path.removeprefix(prefix): objects.get(ref, o.path) for o in objects.list(ref, prefix)}


def leftovers(ctx: Context) -> list[str]:
    """Branches that an ingest should not leave behind."""
    return [b.name for b in ctx.repository.branches.list() if b.name.startswith(("ingest-", "ledger-", "tree-"))]


def tags(ctx: Context) -> list[str]:
    """All tags."""
    return [t.name for t in ctx.repository.tags.list()]


def pins(ctx: Context) -> list[str]:
    """All pins."""
    return [b.name for b in ctx.repository.branches.list("pin-")]


class Watch:
    """Progress that calls back at steps: ``Watch(merge=do_this)``."""

    def __init__(self, **at) -> None:
        self.at = at
        self.steps: list[str] = []
        self.notes: list[str] = []

    def step(self, name, *, total=None, unit=""):
        self.steps.append(name)
        action = self.at.pop(name, None)
        if action:
            action()

    def advance(self, amount=1):
        pass

    def note(self, text):
        self.notes.append(text)
