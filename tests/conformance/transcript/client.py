"""Requests sent exactly as written: no client's tidying of paths and headers comes between."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from conformance.transcript.calls import Call

_TIMEOUT = 120


@dataclass(frozen=True)
class Server:
    """Where a transcript is made."""

    endpoint: str
    access_key_id: str
    secret_access_key: str
    namespace_prefix: str

    def send(self, call: Call) -> RawAnswer:
        """One request on a connection of its own; ``call`` has no places left to fill."""
        url = call.path if call.path.startswith("http") else f"{self.endpoint}/api/v1{call.path}"
        if call.query:
            url += "?" + urlencode(call.query, doseq=True, quote_via=quote)
        headers = dict(call.headers)
        if call.authorized and not call.path.startswith("http"):
            pair = f"{self.access_key_id}:{self.secret_access_key}"
            headers.setdefault("Authorization", "Basic " + b64encode(pair.encode()).decode())
        body: Any = call.body.encode() if isinstance(call.body, str) else call.body
        if call.json is not None:
            body = json.dumps(call.json, ensure_ascii=False).encode()
            headers.setdefault("Content-Type", "application/json")
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.netloc, timeout=_TIMEOUT)
        try:
            connection.request(
                call.method, url[url.index(parts.netloc) + len(parts.netloc) :], body=body, headers=headers
            )
            response = connection.getresponse()
            return RawAnswer(
                response.status, {key.lower(): value for key, value in response.getheaders()}, response.read()
            )
        finally:
            connection.close()


@dataclass(frozen=True)
class RawAnswer:
    """An answer, read to its end; header names in small letters."""

    status: int
    headers: dict[str, str]
    data: bytes

    def value(self, place: str) -> str:
        """What ``Call.save`` names."""
        if place == "text":
            return self.data.decode()
        if place.startswith("header "):
            return self.headers[place.removeprefix("header ").lower()]
        value = json.loads(self.data)
        for step in place.split("/"):
            value = value[int(step)] if isinstance(value, list) else value[step]
        return str(value)
