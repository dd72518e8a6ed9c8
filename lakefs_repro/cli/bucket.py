"""``ingest s3://…``: the plan first, then the version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click

from lakefs_repro.advice.amounts import parse_size
from lakefs_repro.bucket.address import is_bucket_address
from lakefs_repro.cli.result import Result, Where
from lakefs_repro.cli.text import counted, size
from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from lakefs_repro.api.lake import Lake
    from lakefs_repro.cli.page import Page
    from lakefs_repro.ingest.bucket.plan import BucketPlan
    from lakefs_repro.ingest.bucket.source import BucketSource
    from lakefs_repro.ingest.request import IngestRequest

__all__ = ["BucketOptions", "PlannedBucket", "bucket_options", "is_bucket", "planned", "summary"]

_ROADS: Final = {
    "copy": "the store copies by itself; no byte passes through here",
    "stream": "the bytes pass through this machine, hashed on the way",
    "import": "nothing is copied: the version lists the bucket's objects, and is external",
}


def _parse_size(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    return parse_size(value) if value else None


_OPTIONS: Final = (
    click.option("--zero-copy", is_flag=True,
                 help="With s3://: list the objects in the version, and leave them where they are."),
    click.option("--stream", is_flag=True, help="With s3://: let the bytes pass through here in any case."),
    click.option("--s3-endpoint", metavar="URL", help="With s3://: the store, instead of the one that boto3 finds."),
    click.option("--max-bytes", metavar="SIZE", callback=_parse_size, help="With s3://: refuse to take more: 500GB."),
    click.option("--max-cost", metavar="USD", type=click.FloatRange(min=0),
                 help="With s3://: refuse when requests and traffic may cost more."),
)  # fmt: skip


@dataclass(frozen=True)
class BucketOptions:
    """What the command line says of a bucket alone; ``address`` and ``default_excludes`` are added to it."""

    zero_copy: bool = False
    stream: bool = False
    s3_endpoint: str | None = None
    max_bytes: int | None = None
    max_cost: float | None = None
    address: str = ""
    default_excludes: bool = True


def bucket_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that are for a bucket alone, handed on as one value, ``bucket``."""

    @wraps(function)
    def handed_on(*args: Any, **said: Any) -> Any:
        own = {name: said.pop(name) for name in ("zero_copy", "stream", "s3_endpoint", "max_bytes", "max_cost")}
        return function(*args, bucket=BucketOptions(**own), **said)

    for option in reversed(_OPTIONS):
        handed_on = option(handed_on)
    return handed_on


def is_bucket(sources: Sequence[str], options: BucketOptions) -> bool:
    """Whether a bucket is meant.

    Raises:
        InvalidError: a bucket and something else are, or an option is for a bucket and none is named.
    """
    buckets = [source for source in sources if is_bucket_address(source)]
    if (buckets and len(sources) > 1) or (not buckets and options != BucketOptions()):
        raise InvalidError(
            "One bucket at a time, please; --zero-copy, --stream, --s3-endpoint and --max-… are for a bucket.",
            hint="lakefs-repro ingest s3://BUCKET/PREFIX --dataset NAME",
            kind="contradicting-options",
        )
    return bool(buckets)


def planned(lake: Lake, options: BucketOptions, request: IngestRequest) -> tuple[BucketSource, BucketPlan]:
    """The bucket as a source, and what it would take.

    Raises:
        RejectedError: it is more than the options allow.
    """
    from lakefs_repro.ingest.bucket.plan import Limits  # noqa: PLC0415 - only when a bucket is meant

    source = lake.bucket(
        request,
        options.address,
        zero_copy=options.zero_copy,
        stream=options.stream,
        endpoint=options.s3_endpoint,
        default_excludes=options.default_excludes,
    )
    plan = lake.plan_bucket(source)
    Limits(options.max_bytes, options.max_cost).require(plan)
    return source, plan


class PlannedBucket(Result):
    """What an ingest of a bucket would take; nothing was done."""

    def __init__(self, where: Where, plan: BucketPlan) -> None:
        self.where: Where = where
        self._plan = plan

    def data(self) -> Mapping[str, Any]:
        return self._plan.to_json()

    def show(self, page: Page) -> None:
        plan = self._plan
        page.line(f"{plan.source} → {plan.dataset}: the plan; nothing was done", strong=True)
        page.fields(_fields(plan, str(self.where)))


def _fields(plan: BucketPlan, where: str) -> list[tuple[str, str]]:
    cost = plan.estimate
    known = plan.objects - plan.new
    requests = (
        f"{cost.listed:,} LIST, {cost.copies:,} COPY, {cost.heads:,} HEAD, {cost.gets:,} GET, {cost.puts:,} PUT; "
        f"{cost.server:,} to lakeFS"
    )
    money = f"${cost.requests_usd:,.2f} for requests"
    if cost.through:
        money += f", ${cost.out_usd:,.2f} more if this machine is outside the bucket's region"
    if cost.stored:
        money += f"; then ${cost.month_usd:,.2f} a month for the copy"
    return [
        ("there", f"{counted(plan.objects, 'object')}, {size(plan.bytes)}"),
        ("left out", counted(plan.excluded, "object") if plan.excluded else ""),
        ("to take", f"{counted(plan.new, 'object')}, {size(plan.new_bytes)}; {known:,} known already"),
        ("no more there", counted(plan.removed, "file") if plan.removed else ""),
        ("archived", f"{counted(plan.archived, 'object')}, to be brought back first" if plan.archived else ""),
        ("road", _ROADS[plan.road]),
        ("requests", requests),
        ("time", f"{_span(cost.hours)}: {plan.rates.how}"),
        ("cost", f"{money} (S3 list prices)" if plan.amazon else "not Amazon's store: no list prices"),
        ("in", where),
    ]


def summary(plan: BucketPlan) -> str:
    """The plan in a line."""
    if not plan.new:
        return f"{plan.source}: {counted(plan.objects, 'object')}, all known already"
    money = f", ${plan.estimate.requests_usd:,.2f} for requests" if plan.amazon else ""
    return (
        f"{plan.source}: {plan.new:,} of {counted(plan.objects, 'object')} to take, {size(plan.new_bytes)}, by "
        f"{plan.road}; about {_span(plan.estimate.hours)}{money}"
    )


def _span(hours: float) -> str:
    seconds = hours * 3600
    if seconds < 100:  # noqa: PLR2004 - what people call seconds
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if hours < 2 else f"{hours:,.1f} h"  # noqa: PLR2004 - and hours
