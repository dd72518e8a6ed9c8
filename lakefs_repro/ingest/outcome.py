"""What an ingest says of itself: its version, its annotation, its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lakefs_repro.errors import InternalError, InvalidError
from lakefs_repro.ingest.branch.frozen import FROM, FROM_COMMIT
from lakefs_repro.ingest.plan import IngestPlan
from lakefs_repro.ingest.publish import Published, taken_versions
from lakefs_repro.ingest.request import IngestRequest, IngestResult, Outcome
from lakefs_repro.ingest.source import Source
from lakefs_repro.ingest.validate import Validated
from lakefs_repro.lake.values import Commit
from lakefs_repro.ledger.append import ledger_head
from lakefs_repro.model.annotation import EXTERNAL, Annotation
from lakefs_repro.model.version import FIRST_VERSION, Version
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import Line


def next_version(ctx: Context, request: IngestRequest, line: Line) -> str:
    """The version to make.

    Raises:
        InvalidError: the version named does not come after those that exist.
    """
    taken = taken_versions(ctx, request.dataset)
    if line.annotation:
        taken.append(Version(line.annotation.version))
    if not taken:
        return str(Version(request.version)) if request.version else FIRST_VERSION
    latest = max(taken)
    if not request.version:
        return str(latest.bump(request.bump or "minor"))
    wanted = Version(request.version)
    if wanted <= latest:
        raise InvalidError(
            f"{request.dataset}@{wanted} does not come after the latest version, {latest}.",
            hint=f"name a higher one, or leave it out for {latest.bump(request.bump or 'minor')}",
            kind="version-not-higher",
        )
    return str(wanted)


def annotation_of(
    ctx: Context,
    request: IngestRequest,
    line: Line,
    plan: IngestPlan,
    validated: Validated,
    source: Source,
    ulid: str,
    version: str,
) -> Annotation:
    return Annotation(
        ingest=ulid or ctx.new_id(),
        dataset=request.dataset,
        version=version,
        digest=plan.manifest.root,
        schema=validated.contract.hash,
        rows=validated.rows,
        bytes=plan.manifest.bytes,
        files=plan.manifest.entries,
        inputs=request.inputs,
        job=request.job,
        query=request.query,
        code=request.code,
        code_dirty=request.code_dirty,
        ledger=ledger_head(ctx.repository),
        previous=line.annotation.version if line.annotation else "",
        tool=ctx.tool,
        sha256_by=",".join(sorted(source.sha256_by)),
        extra={
            "repro.by": ctx.who,
            "repro.added": str(plan.added),
            "repro.changed": str(plan.changed),
            "repro.removed": str(len(plan.remove)),
            **source.extra,
            **_external(line, plan),
        },
    )


def _external(line: Line, plan: IngestPlan) -> dict[str, str]:
    """A version that keeps files of an external one is external, too."""
    keeps = plan.manifest.entries > len(plan.new)
    return {EXTERNAL: "true"} if keeps and line.annotation and line.annotation.external else {}


def result_of(
    ctx: Context, outcome: Outcome, said: Annotation | None, plan: IngestPlan, source: Source
) -> IngestResult:
    if said is None:
        raise InternalError("There is nothing to compare with.")
    return IngestResult(
        outcome=outcome,
        dataset=said.dataset,
        version=said.version,
        digest=said.digest,
        engine=ctx.engine,
        repository=ctx.repository.name,
        ingest=said.ingest,
        previous=said.previous,
        files=plan.manifest.entries,
        bytes=plan.manifest.bytes,
        rows=said.rows or 0,
        added=plan.added,
        changed=plan.changed,
        removed=len(plan.remove),
        partition=source.extra.get("repro.partition", ""),
        excluded=source.excluded,
        external=said.external,
        **_taken(source.extra),
        **asdict(source.counts),
    )


def finished_result(ctx: Context, published: Published, made: Commit, source: Source) -> IngestResult:
    said = published.annotation
    return IngestResult(
        outcome="resumed",
        dataset=said.dataset,
        version=said.version,
        digest=said.digest,
        engine=ctx.engine,
        repository=ctx.repository.name,
        commit=published.merge,
        ingest_commit=made.id,
        ingest=said.ingest,
        previous=said.previous,
        files=said.files,
        bytes=said.bytes,
        rows=said.rows or 0,
        added=int(said.extra.get("repro.added", 0)),
        changed=int(said.extra.get("repro.changed", 0)),
        removed=int(said.extra.get("repro.removed", 0)),
        partition=said.extra.get("repro.partition", ""),
        excluded=source.excluded,
        external=said.external,
        **_taken(said.extra),
    )


def _taken(extra: Mapping[str, str]) -> dict[str, Any]:
    """What others wrote that it was taken from."""
    return {"taken_from": extra.get(FROM, ""), "taken_commit": extra.get(FROM_COMMIT, "")}
