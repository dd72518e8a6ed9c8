"""What can be told of a server before a repository is named: does it answer, does it know us, what is it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Final

from lakefs_repro.doctor.finding import Finding
from lakefs_repro.errors import DeniedError, LakefsReproError, UnavailableError
from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.values import ServerInfo
from lakefs_repro.lake.wire import Answer, Retry, Wire
from lakefs_repro.transfer.presigned import reads_presigned
from lakefs_repro.transfer.upload import Roads

OLDEST_TESTED: Final = (1, 84)
FIRST_UNDER_BSL: Final = (1, 87)
CLOCK_TOLERANCE: Final = timedelta(seconds=60)

_TIMEOUT_S: Final = 10.0
_ATTEMPTS: Final = 2
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


def _utc_now() -> datetime:
    return datetime.now(tz=timezone.utc)


def check_connection(
    endpoint: Endpoint, *, now: Callable[[], datetime] = _utc_now, timeout_s: float = _TIMEOUT_S
) -> tuple[Finding, ...]:
    """Look at a server: endpoint, credentials, version, storage and clock.

    Needs no repository and changes nothing. What is found is never raised. A server that does not answer, or does not
    know the credentials, ends the list: nothing further could be told.

    Args:
        endpoint: the server.
        now: this machine's clock.
        timeout_s: seconds to wait for each answer.
    """
    wire = Wire(endpoint, timeout_s=timeout_s, retry=Retry(attempts=_ATTEMPTS))
    try:
        return tuple(_look(wire, now))
    finally:
        wire.close()


def _look(wire: Wire, now: Callable[[], datetime]) -> Iterator[Finding]:
    try:
        wire.call("GET", "/healthcheck", doing="ask for the server's health", expect=(200, 204))
    except LakefsReproError as error:
        yield _no_server(wire.endpoint, error)
        return
    yield Finding("endpoint", "ok", f"{wire.endpoint.url} answers.")
    before = now()
    try:
        answer = wire.call("GET", "/config", doing="read the server's configuration")
        after = now()
        info = ServerInfo.from_wire(answer.json())
    except DeniedError as error:
        yield Finding(
            "credentials",
            "problem",
            f"{wire.endpoint.url} does not take the access key {wire.endpoint.access_key_id!r}: {error.message}",
            "correct LAKECTL_CREDENTIALS_ACCESS_KEY_ID and LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY, or ~/.lakectl.yaml",
        )
        return
    except (LakefsReproError, AttributeError) as error:
        yield Finding("endpoint", "problem", f"{wire.endpoint.url} is no lakeFS server: {error}", _CHECK_ADDRESS)
        return
    yield Finding("credentials", "ok", f"The access key {wire.endpoint.access_key_id!r} is known there.")
    yield version_finding(info, wire.endpoint.engine)
    yield storage_finding(info)
    yield clock_finding(answer, before, after)


_CHECK_ADDRESS: Final = "correct the endpoint: LAKECTL_SERVER_ENDPOINT_URL, ~/.lakectl.yaml or lakefs-repro.yaml"


def _no_server(endpoint: Endpoint, error: LakefsReproError) -> Finding:
    if isinstance(error, UnavailableError) and error.kind in ("unreachable", "connection-lost"):
        return Finding("endpoint", "problem", f"No server answers at {endpoint.url}.", f"start it, or {_CHECK_ADDRESS}")
    return Finding("endpoint", "problem", f"{endpoint.url} is no lakeFS server: {error.message}", _CHECK_ADDRESS)


def version_finding(info: ServerInfo, engine: str) -> Finding:
    """Whether this release of the server is one that the toolkit was tried with."""
    if engine == "embedded" or info.extensions:
        own = info.extensions.get("engine_version") or "of unknown version"
        return Finding("server-version", "ok", f"The embedded engine {own}, which behaves like lakeFS {info.version}.")
    match = _VERSION.match(info.version)
    if match is None:
        return Finding(
            "server-version", "warning", f"The server calls its version {info.version!r}, which is no release."
        )
    version = (int(match[1]), int(match[2]))
    if version >= FIRST_UNDER_BSL:
        return Finding(
            "server-version",
            "warning",
            f"lakeFS {info.version} is under the Business Source License (1.86 was the last under Apache-2.0), "
            "and this toolkit was not tried with it.",
            "see whether the licence allows your use: https://github.com/treeverse/lakeFS/blob/master/LICENSE",
        )
    if version < OLDEST_TESTED:
        oldest = ".".join(map(str, OLDEST_TESTED))
        return Finding(
            "server-version",
            "warning",
            f"lakeFS {info.version} is older than {oldest}, the oldest that this toolkit was tried with.",
            f"upgrade the server to {oldest} or later",
        )
    return Finding("server-version", "ok", f"lakeFS {info.version}.")


def storage_finding(info: ServerInfo) -> Finding:
    """What the objects lie on, and the roads that bytes take."""
    roads = Roads.of(info)
    taken = [
        "many small files in one request" if roads.bulk else "",
        f"large files through {roads.incoming}" if roads.incoming else "",
        "large files straight to the store by presigned multipart" if roads.multipart else "",
    ]
    road = "; ".join(filter(None, taken)) or "every file through the server, one request each"
    signed = "presigned URLs" if info.presign else "no presigned URLs"
    reads = "straight from the store, presigned" if reads_presigned(info) else "through the server"
    message = f"Block store {info.blockstore!r}, {signed}. Roads: {road}; what others wrote is hashed {reads}."
    if info.blockstore == "mem":
        return Finding("storage", "problem", f"{message} It forgets everything when it stops.",
                       "configure a block store that lasts (blockstore.type: local, s3, gs or azure)")  # fmt: skip
    return Finding("storage", "ok", message)


def clock_finding(answer: Answer, before: datetime, after: datetime) -> Finding:
    """Compare this machine's clock around a request with the date that its answer bears."""
    server = server_time(answer)
    if server is None:
        return Finding("clock", "warning", "The server does not say what time it is.")
    drift = _Drift.of(server, before, after)
    if drift.size <= CLOCK_TOLERANCE:
        return Finding("clock", "ok", "This machine's clock and the server's agree.")
    return Finding(
        "clock",
        "warning",
        f"This machine's clock is {_plain(drift.size)} {drift.direction} the server's.",
        "set it (NTP): leases of half-done ingests are reckoned by clocks",
    )


def server_time(answer: Answer) -> datetime | None:
    """The date of an answer, in whole seconds, or ``None`` when it bears none."""
    try:
        found = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class _Drift:
    size: timedelta
    direction: str

    @classmethod
    def of(cls, server: datetime, before: datetime, after: datetime) -> _Drift:
        """The least difference that explains what was seen."""
        if server < before - timedelta(seconds=1):
            return cls(before - server, "ahead of")
        if server > after:
            return cls(server - after, "behind")
        return cls(timedelta(0), "")


def _plain(size: timedelta) -> str:
    seconds = int(size.total_seconds())
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{seconds} seconds"
