"""What an ingest of a bucket would take, before anything is taken: objects, requests, cost, time at a measured rate."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from lakefs_repro.bucket.address import BucketAddress
from lakefs_repro.bucket.estimate import PRICES_OF, S3_STANDARD, Estimate, Load, Rates, RoadName, estimate, load_of
from lakefs_repro.bucket.store import Store
from lakefs_repro.bucket.values import ARCHIVED, BucketObject
from lakefs_repro.errors import RejectedError
from lakefs_repro.ingest.bucket.source import BucketSource
from lakefs_repro.snapshot.context import Context
from lakefs_repro.snapshot.line import read_line

__all__ = ["BucketPlan", "Limits", "plan_bucket"]

_LOOKS: Final = 4
_SAMPLE: Final = 4 << 20
_STEPS: Final[dict[RoadName, int]] = {"copy": 4, "stream": 2, "import": 1}
"""Requests one after the other that an object takes, on each road."""

_COPIED_BYTES: Final = 100e6


@dataclass(frozen=True)
class BucketPlan:
    """What would be done.

    Attributes:
        source: the address.
        previous: the newest version, or "".
        objects: below the address, with ``bytes``; ``excluded`` were left out.
        new: those that the newest version has not, with ``new_bytes``.
        removed: files of the newest version that the bucket has no more.
        archived: new objects that lie in an archive, and must be brought back from there first.
        road: ``copy`` (the store copies by itself), ``stream`` (the bytes pass through here), ``import``.
        amazon: whether the prices are those of the store; else there are none.
    """

    dataset: str
    source: str
    previous: str
    objects: int
    bytes: int
    excluded: int
    new: int
    new_bytes: int
    removed: int
    archived: int
    road: RoadName
    rates: Rates
    estimate: Estimate
    amazon: bool

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        raw = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("rates", "estimate")}
        prices = S3_STANDARD.what if self.amazon else ""
        return {
            "outcome": "planned",
            **raw,
            "estimate": self.estimate.to_json(),
            "rates": asdict(self.rates),
            "prices": prices,
            "prices_of": PRICES_OF if self.amazon else "",
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """What is not to be gone beyond: bytes to take, dollars for requests and for bytes that leave the region."""

    bytes: int | None = None
    cost: float | None = None

    def require(self, plan: BucketPlan) -> None:
        """Refuse a plan that is above.

        Raises:
            RejectedError: it is.
        """
        cost = plan.estimate.requests_usd + plan.estimate.out_usd
        if self.bytes is not None and plan.new_bytes > self.bytes:
            raise _too_large(f"{plan.new_bytes:,} bytes are to be taken, and --max-bytes is {self.bytes:,}")
        if self.cost is not None and cost > self.cost:
            raise _too_large(f"requests and traffic may cost ${cost:,.2f}, and --max-cost is ${self.cost:,.2f}")


def _too_large(what: str) -> RejectedError:
    return RejectedError(
        f"The plan is larger than you allowed: {what}. Nothing was taken.",
        hint="--dry-run shows the plan; raise the limit, or ingest a smaller prefix",
        kind="plan-too-large",
    )


def plan_bucket(ctx: Context, source: BucketSource, *, clock: Callable[[], float] = time.monotonic) -> BucketPlan:
    """List the bucket, compare it with the newest version, and measure a few requests.

    It reads at most four HEADs and one object of up to 4 MiB; nothing is written anywhere.
    """
    source.find()
    ctx.progress.step("look")
    line = read_line(ctx, source.dataset)
    compared = source.compare(line)
    listing = source.listing
    new = load_of(found.size for found in compared.new)
    rates = _measured(source, compared.new, clock, ctx.threads)
    before = line.annotation.files if line.annotation else 0
    return BucketPlan(
        dataset=source.dataset,
        source=str(source.address),
        previous=line.annotation.version if line.annotation else "",
        objects=len(listing.files),
        bytes=listing.size,
        excluded=listing.excluded,
        new=new.objects,
        new_bytes=new.bytes,
        removed=max(0, before - len(compared.known) - len(compared.before)),
        archived=sum(found.storage_class in ARCHIVED for found in compared.new),
        road=source.road,
        rates=rates,
        estimate=_estimate(source, new, len(listing.files) + listing.excluded, rates),
        amazon=source.store.amazon,
    )


def _estimate(source: BucketSource, new: Load, listed: int, rates: Rates) -> Estimate:
    return estimate(source.road, new, listed=listed, rates=rates)


def _measured(source: BucketSource, new: list[BucketObject], clock: Callable[[], float], threads: int) -> Rates:
    """Rates from a few small requests to the bucket."""
    looked = new[:_LOOKS]
    if not looked:
        return Rates(1.0, 1.0, 1.0, "nothing to measure with")
    store, address = source.store, source.address
    begun = clock()
    for found in looked:
        store.look(address, found)
    seconds = max(1e-6, (clock() - begun) / len(looked))
    objects = threads / (seconds * _STEPS[source.road])
    through, said = _throughput(store, address, max(new, key=lambda found: min(found.size, _SAMPLE)), clock)
    how = f"{len(looked)} HEAD requests took {1000 * seconds:.1f} ms each; {said}; {threads} at once"
    if source.road == "copy":
        how += f"; that the store copies {_COPIED_BYTES / 1e6:.0f} MB a second is assumed"
    return Rates(objects, through, _COPIED_BYTES, how)


def _throughput(
    store: Store, address: BucketAddress, found: BucketObject, clock: Callable[[], float]
) -> tuple[float, str]:
    amount = min(found.size, _SAMPLE)
    if not amount or found.storage_class in ARCHIVED:
        return _COPIED_BYTES, "nothing could be read"
    begun = clock()
    store.read(address, found, 0, amount)
    rate = amount / max(1e-6, clock() - begun)
    return rate, f"{amount:,} bytes were read at {rate / 1e6:,.1f} MB a second"
