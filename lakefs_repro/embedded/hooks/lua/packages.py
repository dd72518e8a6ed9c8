"""The packages that a script may ``require``, by name and function, and those that lakeFS has and we have not."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

from lakefs_repro.embedded.hooks.lua import encodings, regexps, times
from lakefs_repro.embedded.hooks.lua.values import LuaError

ABSENT = (
    "aws",
    "azure",
    "crypto/aes",
    "databricks",
    "formats",
    "gcloud",
    "lakefs/catalogexport/delta_exporter",
    "lakefs/catalogexport/glue_exporter",
    "lakefs/catalogexport/hive",
    "lakefs/catalogexport/iceberg_exporter",
    "lakefs/catalogexport/internal",
    "lakefs/catalogexport/symlink_exporter",
    "lakefs/catalogexport/table_extractor",
    "lakefs/catalogexport/unity_exporter",
)
# What a script asks of the engine: each is a frame to its process (see lake.py), nothing is done here.
LAKE = {
    "get_object": "sss",
    "stat_object": "sss",
    "list_objects": "ss|sssn",
    "diff_refs": "sss|sssn",
    "diff_branch": "ss|snss",
    "create_tag": "sss",
    "update_object_user_metadata": "ssst",
}
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)


def _split(plain: str, separator: str) -> list[str]:
    return plain.split(separator) if separator else list(plain)


def _join(separator: str, *parts: str | None) -> str:
    if not any(parts):
        return ""
    told = [part or "" for part in parts]
    while told[-1] == "" and len(told) > 1:
        told.pop()
    joined = ""
    for number, part in enumerate(told):
        trimmed = part.removeprefix(separator) if number and joined.endswith(separator) else part
        if number and not joined.endswith(separator) and not trimmed.startswith(separator):
            joined += separator
        joined += trimmed
    return joined


def _parse_path(path: str, separator: str | None = None) -> dict[str, str]:
    separator = separator or "/"
    trimmed = path.removesuffix(separator)
    above, found, name = trimmed.rpartition(separator)
    return {"parent": above + found, "base_name": name}


def _directory(path: str, separator: str | None = None) -> str:
    above, found, _ = path.rpartition(separator or "/")
    return above if found else "."


def _hidden(path: str, separator: str | None = None, prefix: str | None = None) -> bool:
    return any(part.startswith(prefix or "_") for part in path.split(separator or "/"))


def _parse_url(address: str) -> dict[str, str]:
    if address.startswith(":"):
        raise LuaError(f'parse "{address}": missing protocol scheme')
    try:
        found = urlsplit(address)
    except ValueError as error:
        raise LuaError(f'parse "{address}": {error}') from None
    return {
        "scheme": found.scheme,
        "host": found.netloc.rpartition("@")[2],
        "path": unquote_to_bytes(found.path).decode("utf-8", "surrogateescape"),
        "query": found.query,
        "fragment": found.fragment,
    }


def _unescaped(plain: str) -> bytes:
    broken = _BROKEN_ESCAPE.search(plain)
    if broken:
        raise LuaError(f'invalid URL escape "{broken[0]}"')
    return unquote_to_bytes(plain.replace("+", " "))


def _build_url(
    scheme: str, host: str, path: str | None = None, query: str | None = None, fragment: str | None = None
) -> str:
    shown = quote(path or "", safe="/~$&+,;=:@-._!'()*")
    if shown and host and not shown.startswith("/"):
        shown = f"/{shown}"
    anchor = f"#{quote(fragment)}" if fragment else ""
    return f"{scheme}://{host}{shown}{f'?{query}' if query else ''}{anchor}"


def _signed(algorithm: str) -> Any:
    return lambda message, key: hmac.new(key, message, algorithm).digest()


PACKAGES: dict[str, dict[str, tuple[str, Any]]] = {
    "strings": {
        "split": ("ss", _split),
        "trim": ("s", str.strip),
        "replace": ("sssn", lambda plain, old, new, count: plain.replace(old, new, int(count))),
        "has_prefix": ("ss", str.startswith),
        "has_suffix": ("ss", str.endswith),
        "contains": ("ss", lambda plain, part: part in plain),
    },
    "regexp": regexps.FUNCTIONS,
    "crypto/sha256": {"digest": ("b", lambda data: hashlib.sha256(data).digest())},
    "crypto/hmac": {"sign_sha1": ("bb", _signed("sha1")), "sign_sha256": ("bb", _signed("sha256"))},
    "path": {
        "join": ("s|ssssssssssssssss", _join),
        "parse": ("s|s", _parse_path),
        "is_hidden": ("s|ss", _hidden),
        "default_separator": ("", lambda: "/"),
        "extract_dir_name": ("s|s", _directory),
    },
    "time": times.FUNCTIONS,
    "uuid": {"new": ("", lambda: str(uuid.uuid4()))},
    "net/url": {
        "parse": ("s", _parse_url),
        "path_escape": ("s", lambda plain: quote(plain.encode("utf-8", "surrogateescape"), safe="~$&+=:@-._")),
        "query_unescape": ("s", _unescaped),
        "build_url": ("ss|sss", _build_url),
    },
    "hook": {"fail": ("s", None)},
    **encodings.PACKAGES,
}
