"""Where the embedded engine answers otherwise than the golden transcripts, on purpose.

``row`` begins a row of the table "Deviations from lakeFS" in ``docs/reference/embedded-engine.md``, which says what is done
instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from conformance.transcript.golden import ABSENT, Difference


@dataclass(frozen=True)
class Deviation:
    """At ``place`` in the answer to ``call`` of ``scenario``, the engine says ``here``; ``...`` stands for any value.

    Without a place it is the whole answer that differs, and ``here`` is its status.
    """

    row: str
    scenario: str
    call: str
    place: str
    here: Any


_ADDRESS = "/json/physical_address"
_LINK = "PUT branches/main/staging/backing?path="
_COPY = "POST branches/main/objects/copy?dest_path="
_HEAD = "HEAD refs/main/objects?path=a"
_OTHER_PATH = "linking an address inside the repository's storage that was not issued for this path"
_PARTS = "PUT branches/main/staging/pmpu/${upload}?path=big"
_NO_UPLOAD = (
    "operation error: CompleteMultipartUpload, api error NoSuchUpload: The specified multipart upload does not exist. "
    "The upload ID may be invalid, or the upload may have been aborted or completed."
)
_NO_SCHEMA = "a malformed request without credentials"

DEVIATIONS = (
    Deviation("commits cherry-picked", "branch-cherry-pick-again", "POST branches/two/cherry-pick", "", 201),
    Deviation("physical address", "commit", "POST branches/main/objects?path=c #2", _ADDRESS, "<address:3>"),
    Deviation("physical address", "diff-staged", "POST branches/main/objects?path=a #3", _ADDRESS, "<address:1>"),
    Deviation("physical address", "object-copied", f"{_COPY}b", _ADDRESS, "<address:2>"),
    Deviation("physical address", "object-copied", f"{_COPY}c", _ADDRESS, "<address:1>"),
    Deviation("physical address", "object-copied", f"{_COPY}d", _ADDRESS, "<address:2>"),
    Deviation("physical address", "object-copied", "GET refs/main/objects/stat?path=c", _ADDRESS, "<address:1>"),
    Deviation("physical address", "object-copied", f"{_COPY}a", _ADDRESS, "<address:1>"),
    Deviation("a path that is not UTF-8", "object-path-no-utf-8", "GET refs/main/objects?path=%EF%BF%BD", "", 200),
    Deviation("`/config`", "server", "GET /config", "/json/embedded", ...),
    *[
        Deviation("presigned URLs", "server", call, f"{place}/pre_sign_{what}", True)
        for call, place in (("GET /config", "/json/storage_config"), ("GET /config/storage", "/json"))
        for what in ("multipart_upload", "support", "support_ui")
    ],
    Deviation("`HEAD` with credentials", "server-credentials", f"{_HEAD} #3", "/headers", ABSENT),
    Deviation("`HEAD` with credentials", "server-credentials", f"{_HEAD} #5", "/headers", ABSENT),
    Deviation("`GET /user`", "server-credentials", "GET /user", "", 401),
    Deviation(_NO_SCHEMA, "server-credentials", "POST /repositories", "", 401),
    Deviation(_NO_SCHEMA, "server-credentials", "POST /repositories #2", "", 401),
    Deviation(_NO_SCHEMA, "server-credentials", "POST branches/main/objects", "", 401),
    Deviation(_NO_SCHEMA, "server-credentials", "GET /repositories?amount=x", "", 401),
    Deviation("a method that HTTP does not know", "server-nothing-there", "BREW /repositories", "", 400),
    Deviation(
        "linking an address of another store",
        "staging-refused",
        "PUT branches/main/staging/backing?path=a #10",
        "",
        400,
    ),
    Deviation(_OTHER_PATH, "staging-refused", "PUT branches/nope/staging/backing?path=a", "", 400),
    Deviation(
        _OTHER_PATH,
        "staging-refused",
        "PUT branches/a.b/staging/backing?path=a",
        "/json/message",
        "invalid address signature: invalid address",
    ),
    Deviation("linking an address of another store", "presigned-writing", f"{_LINK}up #5", "", 400),
    Deviation("linking without an address", "presigned-writing", f"{_LINK}up #6", "", 400),
    Deviation("a store's refusal that lakeFS quotes", "presigned-parts", f"{_PARTS} #2", "/json/message", _NO_UPLOAD),
    *[
        Deviation("an operation that open-source lakeFS does not offer either", "server", call, "/json/message", ...)
        for call in (
            "GET /auth/groups",
            "GET /auth/policies",
            "GET /auth/users/${me}/groups",
            "GET /auth/external/principals?principalId=x",
        )
    ],
    Deviation(
        "the text of a broken action file's", "actions-unreadable", "POST branches/b0/commits", "/json/message", ...
    ),
    *[
        Deviation("an integer in JSON", "odd-json", f"POST branches/main/commits #{number}", "", 400)
        for number in (23, 25, 28)
    ],
    Deviation("`%25` in a ref", "tags-named", "GET tags/a%25b", "", 200),
)


def unlisted(scenario: str, found: list[Difference], statuses: dict[str, int]) -> list[Difference]:
    """What was found in ``scenario`` that no deviation allows; ``statuses`` are the engine's."""
    listed = _of(scenario)
    return [each for each in found if not any(_covers(deviation, each, statuses) for deviation in listed)]


def unneeded(scenario: str, found: list[Difference], statuses: dict[str, int]) -> list[Deviation]:
    """The deviations of ``scenario`` that did not occur."""
    return [each for each in _of(scenario) if not any(_covers(each, difference, statuses) for difference in found)]


def _of(scenario: str) -> list[Deviation]:
    return [each for each in DEVIATIONS if each.scenario == scenario]


def _covers(deviation: Deviation, found: Difference, statuses: dict[str, int]) -> bool:
    if deviation.call != found.call:
        return False
    if not deviation.place:
        return statuses[found.call] == deviation.here
    return deviation.place == found.place and deviation.here in (..., found.actual)
