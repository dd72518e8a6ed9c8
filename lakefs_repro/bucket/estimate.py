"""What it takes to make a bucket a version: requests, hours and money, from counts. docs/explanation/buckets.md.

Pure: nothing is asked of anybody. The formulas stand here once, and the page's numbers are what these functions give.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from lakefs_repro.bucket.copying import SMALLEST_PART
from lakefs_repro.bucket.store import LARGEST_COPY

__all__ = [
    "AT_ONCE",
    "PRICES_OF",
    "S3_STANDARD",
    "Estimate",
    "Load",
    "Rates",
    "RoadName",
    "Tariff",
    "estimate",
    "load_of",
]

RoadName = Literal["copy", "stream", "import"]

PAGE: Final = 1000
"""Objects in one answer to a listing, of S3 and of lakeFS."""

AT_ONCE: Final = 5000
"""Objects named in one import: a request of about a megabyte."""

_GB: Final = 10**9
_HOUR_S: Final = 3600.0
PRICES_OF: Final = "2026-11-24"
"""The day on which the prices were written down, from https://aws.amazon.com/s3/pricing/."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a store charges, in US dollars.

    Attributes:
        writes: for 1,000 PUT, COPY, POST or LIST requests.
        reads: for 1,000 GET or HEAD requests.
        storage: for a GB (10^9 bytes) kept for a month.
        out: for a GB that leaves the region; nothing where the reader stands in it.
    """

    writes: float
    reads: float
    storage: float
    out: float
    what: str


S3_STANDARD: Final = Tariff(0.005, 0.0004, 0.023, 0.09, "S3 Standard, us-east-1, first 50 TB stored, first 10 TB out")


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be taken.

    Attributes:
        objects: all of them, ``bytes`` together.
        large: how many are above 5 GiB, which the store copies in parts; ``parts`` of them altogether.
        large_bytes: the bytes of those.
    """

    objects: int
    bytes: int
    large: int = 0
    parts: int = 0
    large_bytes: int = 0


def load_of(sizes: Iterable[int]) -> Load:
    """The load that objects of these sizes are."""
    objects = total = large = parts = large_bytes = 0
    for size in sizes:
        objects += 1
        total += size
        if size > LARGEST_COPY:
            large += 1
            large_bytes += size
            parts += -(-size // SMALLEST_PART)
    return Load(objects, total, large, parts, large_bytes)


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast this place is: measured, or assumed on paper.

    Attributes:
        objects: taken in a second, whatever their size, by all threads together.
        bytes: that pass through here in a second.
        copied: bytes that the store copies in a second.
        how: where the numbers come from.
    """

    objects: float
    bytes: float
    copied: float
    how: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """Requests by kind, hours, and dollars.

    Attributes:
        listed: LIST requests.
        copies: CopyObject and UploadPartCopy requests, with what begins and ends an upload in parts.
        heads: HEAD requests.
        gets: GET requests.
        puts: PUT requests that the server sends to its own store.
        server: requests to lakeFS.
        through: bytes that pass through this machine.
        stored: bytes that are kept twice from then on: in the bucket and in the repository.
        requests_usd: for all requests to stores.
        out_usd: more, when this machine is outside the bucket's region.
        month_usd: for keeping ``stored`` for a month.
    """

    road: RoadName
    listed: int
    copies: int
    heads: int
    gets: int
    puts: int
    server: int
    through: int
    stored: int
    hours: float
    requests_usd: float
    out_usd: float
    month_usd: float

    def to_json(self) -> dict[str, Any]:
        """Numbers, rounded."""
        raw = asdict(self)
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in raw.items()}


def estimate(
    road: RoadName, new: Load, *, listed: int, rates: Rates, kept_checksums: bool = False, tariff: Tariff = S3_STANDARD
) -> Estimate:
    """What one ingest takes.

    Args:
        road: ``copy`` by the store itself, ``stream`` through here, ``import`` without copying.
        new: what the newest version does not have yet.
        listed: objects below the prefix, new or not.
        rates: how fast it goes.
        kept_checksums: whether the store keeps a SHA-256 of each object, so that an import need not read it.
        tariff: prices.
    """
    lists = max(1, math.ceil(listed / PAGE))
    # The server's listing of the newest version, and of what was made, by which both are compared.
    server = 2 * lists
    copies = heads = gets = puts = through = stored = 0
    if road == "copy":
        small = new.objects - new.large
        copies = small + new.parts + 2 * new.large
        heads = new.objects
        gets, through = new.large, new.large_bytes
        server += 2 * new.objects
        stored = new.bytes
    elif road == "stream":
        gets, puts, through, stored = new.objects, new.objects, new.bytes, new.bytes
        server += new.objects
    else:
        heads = new.objects
        gets, through = (0, 0) if kept_checksums else (new.objects, new.bytes)
        # lakeFS 1.84 lists once for each object that an import names.
        lists += new.objects
        server += 2 * math.ceil(new.objects / AT_ONCE)
    seconds = new.objects / rates.objects + through / rates.bytes
    seconds += new.bytes / rates.copied if road == "copy" else 0.0
    return Estimate(
        road=road,
        listed=lists,
        copies=copies,
        heads=heads,
        gets=gets,
        puts=puts,
        server=server,
        through=through,
        stored=stored,
        hours=seconds / _HOUR_S,
        requests_usd=((lists + copies + puts) * tariff.writes + (heads + gets) * tariff.reads) / 1000,
        out_usd=through / _GB * tariff.out,
        month_usd=stored / _GB * tariff.storage,
    )
