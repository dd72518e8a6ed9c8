"""Answers without what differs from run to run.

What is replaced, and by what; everything else is compared as it came:

===========================  ===========================================================================================
ids of commits               ``<commit:1>``, counted by first appearance in the scenario: the same id keeps its number
ids of metaranges, ranges    ``<metarange:1>``, ``<range:1>``
physical addresses           ``<address:1>``, by what follows the last ``/data/``; a signature becomes ``,<signature>``
times within a day of now    ``<time>``; those in the future ``<time+15m>``; a time that the client chose is kept
names of this run            ``<repository>``, ``<namespace>``, ``<endpoint>``, and ``<user>`` for the user as committer
URLs                         ``<url>``, but for their place in an answer nothing of them is compared
opaque ETags                 ``<etag:1>``; an MD5 is kept
ids of runs, uploads, UUIDs  ``<run:1>``, ``<upload:1>``, ``<uuid:1>``
ids of pull requests         ``<id:1>``
tokens                       ``<token>``
``comm_prefs_missing``       ``<installation>``: it depends on how the server was set up
errors of a store, in XML    their ``Code``; where lakeFS quotes one, ``RequestID: <request>, HostID: <host>``
texts of schema errors       cut before ``Schema:``; where JSON can not be parsed, before the parser's own words
===========================  ===========================================================================================
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import Counter
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from conformance.transcript.client import RawAnswer

HEADERS = (
    "accept-ranges",
    "allow",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-range",
    "content-security-policy",
    "content-type",
    "etag",
    "expires",
    "last-modified",
    "location",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
)
STORE_HEADERS = ("content-range", "content-type", "etag", "last-modified")
_CODE = re.compile(rb"<Error>.*<Code>(\w+)</Code>", re.DOTALL)
_DAY = 86400
_LONGEST_TEXT = 600
_TIMES = {"creation_date", "mtime", "presigned_url_expiry", "physical_address_expiry", "token_expiration"}
_IDS = {"run_id": "run", "upload_id": "upload"}
_NAMES = {"committer", "cherry-pick-committer"}
_HEX64 = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_MD5 = re.compile(r'"[0-9a-f]{32}(-\d+)?"')
_RUN = re.compile(r"(?<=aborted, run id ')[^']+")
_STORE_REQUEST = re.compile(r"RequestID: \S+, HostID: [^,]*")
_MADE_ID = re.compile(r"[0-9a-v]{20}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_SCHEMA = re.compile(r"\n(Schema|Or|Value)\b.*", re.DOTALL)
_DECODING = re.compile(r"(failed to decode request body).*", re.DOTALL)


class Normaliser:
    """Makes the answers of one run of one scenario comparable to those of another."""

    def __init__(self, *, repository: str, namespace: str, endpoint: str, user: str) -> None:
        self._fixed = [(namespace, "<namespace>"), (repository, "<repository>"), (endpoint, "<endpoint>")]
        self._user = user
        self._labels: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._prefixes: dict[str, str] = {}

    def learn_prefix(self, value: str, length: int) -> None:
        """A later text may quote the first ``length`` characters of this id."""
        if _HEX64.fullmatch(value):
            self._prefixes[value[:length]] = self._label("commit", value)[:-1] + f":{length}>"

    def answer(self, raw: RawAnswer, *, of_store: bool = False) -> dict[str, Any]:
        """Status, the headers that matter, and the body; ``of_store`` for what a presigned URL answers."""
        result: dict[str, Any] = {"status": raw.status}
        wanted = STORE_HEADERS if of_store else HEADERS
        headers = {name: self._header(name, raw.headers[name]) for name in wanted if name in raw.headers}
        if headers:
            result["headers"] = headers
        if code := _CODE.search(raw.data) if of_store else None:
            return {**result, "code": code[1].decode()}
        is_json = raw.headers.get("content-type", "").startswith("application/json")
        if not is_json and (raw.data or "content-length" in raw.headers):
            result["length"] = self._length(raw)
        if raw.data:
            result.update(self._body(raw.data, parse=is_json))
        return result

    def _length(self, raw: RawAnswer) -> Any:
        declared = raw.headers.get("content-length")
        text = raw.data.decode("latin-1")
        if self._text("", text) != text:
            return "<length>"
        return int(declared) if declared is not None else f"{len(raw.data)}, undeclared"

    def _body(self, data: bytes, *, parse: bool) -> dict[str, Any]:
        if parse:
            try:
                parsed = {"json": self._value("", json.loads(data))}
            except ValueError:
                return {"text": self._text("", data.decode("utf-8", "replace"))}
            if not data.endswith(b"\n"):
                parsed["newline"] = False
            return parsed
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = None
        if text is None or len(text) > _LONGEST_TEXT:
            return {"sha256": hashlib.sha256(data).hexdigest()}
        return {"text": self._text("", text)}

    def _value(self, key: str, value: Any) -> Any:
        if key == "comm_prefs_missing":
            return "<installation>"
        if isinstance(value, dict):
            return {name: self._value(name, value[name]) for name in sorted(value)}
        if isinstance(value, list):
            return [self._value(key, each) for each in value]
        if isinstance(value, str):
            return self._string(key, value)
        if isinstance(value, int) and not isinstance(value, bool) and key in _TIMES:
            return near(value)
        return value

    def _string(self, key: str, value: str) -> str:
        if not value:
            return value
        if value.startswith(("http://", "https://")):
            return "<url>"
        if key == "physical_address":
            return self._address(value)
        if key in _IDS or (key == "id" and _MADE_ID.fullmatch(value)):
            return self._label(_IDS.get(key, "id"), value)
        if key in _NAMES and value == self._user:
            return "<user>"
        return self._text(key, value)

    def _address(self, value: str) -> str:
        plain, comma, _ = value.partition(",")
        known = self._label("address", plain.rpartition("/data/")[2])
        return known + (",<signature>" if comma else "")

    def _text(self, key: str, text: str) -> str:
        for value, label in self._fixed:
            if value:
                text = text.replace(value, label)
        kind = "metarange" if key == "meta_range_id" else "commit"
        text = _STORE_REQUEST.sub("RequestID: <request>, HostID: <host>", text)
        text = _HEX64.sub(lambda found: self._label(kind, found[0]), text)
        text = _RUN.sub(lambda found: self._label("run", found[0]), text)
        text = _UUID.sub(lambda found: self._label("uuid", found[0]), text)
        text = _TOKEN.sub("<token>", text)
        text = _MOMENT.sub(lambda found: _moment(found[0]), text)
        for prefix, label in self._prefixes.items():
            text = re.sub(rf"(?<![0-9a-f]){prefix}(?![0-9a-f])", label, text)
        return _DECODING.sub(r"\1", _SCHEMA.sub("", text))

    def _header(self, name: str, value: str) -> str:
        if name == "etag":
            return value if _MD5.fullmatch(value) else self._label("etag", value)
        if name == "last-modified":
            moment = near(int(parsedate_to_datetime(value).timestamp()))
            return value if isinstance(moment, int) else moment
        if name == "location":
            return self._string("", value)
        return self._text("", value)

    def _label(self, kind: str, value: str) -> str:
        if value not in self._labels:
            self._counts[kind] += 1
            self._labels[value] = f"<{kind}:{self._counts[kind]}>"
        return self._labels[value]


def near(value: int) -> int | str:
    """``<time>`` for a time of today, with the minutes that are left until it; any other number as it is."""
    ahead = value - time.time()
    if not -_DAY < ahead < 8 * _DAY:
        return value
    minutes = round(ahead / 60)
    return "<time>" if minutes <= 0 else f"<time+{minutes}m>"


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(re.sub(r"\.\d+", "", text).replace("Z", "+00:00")).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return text  # no calendar has it
    value = near(int(moment.timestamp()))
    return text if isinstance(value, int) else value
