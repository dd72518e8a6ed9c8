"""The words that scenarios are written in: calls, and values that later calls take from earlier answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_PLACE = re.compile(r"\$\{(\w+)(?::(\d+))?\}")
_BOUNDARY = "transcript-boundary"


@dataclass(frozen=True)
class Call:
    """One request.

    ``path`` is relative to the scenario's repository, or below ``/api/v1`` when it begins with a slash, or a whole URL, and
    is sent exactly as written. ``${name}`` anywhere stands for a saved value, ``${name:8}`` for its first eight characters,
    ``${repo}`` and ``${namespace}`` for the scenario's repository and its storage.

    ``save`` maps names to places in the JSON answer (``commit_id``, ``results/0/id``), to ``text`` for a plain body, or to
    ``header Etag``. ``until`` is a status that a real server takes a while to arrive at: the call is repeated until then.
    """

    method: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    json: Any = None
    body: str | bytes | None = None
    save: dict[str, str] = field(default_factory=dict)
    authorized: bool = True
    until: int | None = None


@dataclass(frozen=True)
class Scenario:
    """Calls in their order, in a repository of their own; ``store`` names the only block store the answers hold for."""

    name: str
    calls: tuple[Call, ...]
    store: str = ""
    repository: bool = True


def scenario(name: str, *calls: Call | list[Call], store: str = "", repository: bool = True) -> Scenario:
    flat: list[Call] = []
    for each in calls:
        flat.extend(each if isinstance(each, list) else [each])
    return Scenario(name, tuple(flat), store, repository)


def get(path: str, **options: Any) -> Call:
    return Call("GET", path, **options)


def head(path: str, **options: Any) -> Call:
    return Call("HEAD", path, **options)


def post(path: str, **options: Any) -> Call:
    return Call("POST", path, **options)


def put(path: str, **options: Any) -> Call:
    return Call("PUT", path, **options)


def delete(path: str, **options: Any) -> Call:
    return Call("DELETE", path, **options)


def patch(path: str, **options: Any) -> Call:
    return Call("PATCH", path, **options)


def upload(path: str, body: str | bytes | None = None, *, branch: str = "main", **options: Any) -> Call:
    """An upload of raw bytes, of the path itself unless told otherwise, as text/plain unless told otherwise."""
    headers = {"Content-Type": "text/plain", **options.pop("headers", {})}
    query = {"path": path, **options.pop("query", {})}
    body = path if body is None else body
    return post(f"branches/{branch}/objects", query=query, body=body, headers=headers, **options)


def remove(path: str, *, branch: str = "main", **options: Any) -> Call:
    return delete(f"branches/{branch}/objects", query={"path": path}, **options)


def commit(
    message: str, *, branch: str = "main", save: str = "", query: dict[str, Any] | None = None, **body: Any
) -> Call:
    """A commit; ``save`` is the name that its id gets."""
    saved = {save: "id"} if save else {}
    return post(f"branches/{branch}/commits", json={"message": message, **body}, save=saved, query=query or {})


def branch(name: str, source: str = "main", **body: Any) -> Call:
    return post("branches", json={"name": name, "source": source, **body})


def tag(name: str, ref: str = "main", **body: Any) -> Call:
    return post("tags", json={"id": name, "ref": ref, **body})


def merge(source: str, destination: str = "main", *, save: str = "", **body: Any) -> Call:
    saved = {save: "reference"} if save else {}
    return post(f"refs/{source}/merge/{destination}", json=body, save=saved)


def listing(ref: str = "main", **query: Any) -> Call:
    return get(f"refs/{ref}/objects/ls", query=query)


def log(ref: str = "main", **query: Any) -> Call:
    return get(f"refs/{ref}/commits", query=query)


def form(*parts: str) -> dict[str, Any]:
    """The body and the content type of a form; a part is its headers, an empty line and its content."""
    body = "".join(f"--{_BOUNDARY}\r\n{part}\r\n" for part in parts) + f"--{_BOUNDARY}--\r\n"
    return {"body": body, "headers": {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}}


def part(content: str, *, name: str = "content", filename: str = "", content_type: str = "") -> str:
    """A part of a form."""
    disposition = f'Content-Disposition: form-data; name="{name}"'
    if filename:
        disposition += f'; filename="{filename}"'
    kind = f"\r\nContent-Type: {content_type}" if content_type else ""
    return f"{disposition}{kind}\r\n\r\n{content}"


def filled(value: Any, saved: dict[str, str]) -> Any:
    """``value`` with every place taken by what was saved under its name."""
    if isinstance(value, str):
        return _PLACE.sub(lambda found: _taken(saved, found), value)
    if isinstance(value, bytes):
        return filled(value.decode("latin-1"), saved).encode("latin-1")
    if isinstance(value, dict):
        return {filled(key, saved): filled(item, saved) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, saved) for item in value]
    return value


def _taken(saved: dict[str, str], found: re.Match[str]) -> str:
    value = saved[found[1]]
    return value[: int(found[2])] if found[2] else value


def prefixes(value: Any) -> set[tuple[str, int]]:
    """The names that ``value`` takes the first few characters of, and how many."""
    return {(found[1], int(found[2])) for found in _PLACE.finditer(repr(value)) if found[2]}


def names(of: Scenario) -> list[str]:
    """A readable name for each call, none twice in a scenario."""
    seen: dict[str, int] = {}
    result = []
    for call in of.calls:
        name = f"{call.method} {call.path or '.'}"
        if call.query:
            name += "?" + "&".join(f"{key}={item}" for key, item in call.query.items())
        name = name if len(name) <= 120 else name[:117] + "..."
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return result


def request(call: Call) -> dict[str, Any]:
    """A call as a golden file shows it."""
    shown: dict[str, Any] = {"method": call.method, "path": call.path}
    for key in ("query", "headers", "json", "save", "until"):
        if getattr(call, key) not in (None, {}):
            shown[key] = getattr(call, key)
    if call.json is None:
        shown.pop("json", None)
    if call.body is not None:
        shown["body"] = _short(call.body)
    if not call.authorized:
        shown["authorized"] = False
    return shown


def _short(body: str | bytes) -> str:
    text = body if isinstance(body, str) else body.decode("latin-1")
    return text if len(text) <= 400 else f"{text[:40]}... ({len(text)} bytes)"
