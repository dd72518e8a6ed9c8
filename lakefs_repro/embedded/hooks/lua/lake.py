"""The package ``lakefs``: the requests to the API that a script may make, and no others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Request(NamedTuple):
    method: str
    target: str
    body: bytes = b""


def request(name: str, arguments: Sequence[Any]) -> Request:
    """What ``lakefs.<name>`` asks for.

    Raises:
        KeyError: there is no such function.
    """
    return _REQUESTS[name](*arguments)


def get_object(repository: str, ref: str, path: str) -> Request:
    return Request("GET", f"{_refs(repository, ref)}/objects?{_path(path)}")


def _stat_object(repository: str, ref: str, path: str) -> Request:
    return Request("GET", f"{_refs(repository, ref)}/objects/stat?{_path(path)}")


def _list_objects(
    repository: str,
    ref: str,
    after: str | None = None,
    prefix: str | None = None,
    delimiter: str | None = None,
    amount: float | None = None,
) -> Request:
    page = _page(after, prefix, delimiter, amount)
    return Request("GET", f"{_refs(repository, ref)}/objects/ls?{page}")


def _diff_refs(
    repository: str,
    left: str,
    right: str,
    after: str | None = None,
    prefix: str | None = None,
    delimiter: str | None = None,
    amount: float | None = None,
) -> Request:
    page = _page(after, prefix, delimiter, amount)
    return Request("GET", f"{_refs(repository, left)}/diff/{_quoted(right)}?{page}")


def _diff_branch(
    repository: str,
    branch: str,
    after: str | None = None,
    amount: float | None = None,
    prefix: str | None = None,
    delimiter: str | None = None,
) -> Request:
    page = _page(after, prefix, delimiter, amount)
    return Request("GET", f"/repositories/{_quoted(repository)}/branches/{_quoted(branch)}/diff?{page}")


def _create_tag(repository: str, ref: str, tag: str) -> Request:
    return Request("POST", f"/repositories/{_quoted(repository)}/tags", _json({"id": tag, "ref": ref}))


def _update_metadata(repository: str, branch: str, path: str, metadata: dict[str, Any]) -> Request:
    told = {name: str(value) for name, value in metadata.items()} if isinstance(metadata, dict) else {}
    target = f"/repositories/{_quoted(repository)}/branches/{_quoted(branch)}/objects/stat/user_metadata"
    return Request("PUT", f"{target}?{_path(path)}", _json({"set": told}))


_REQUESTS: dict[str, Callable[..., Request]] = {
    "get_object": get_object,
    "stat_object": _stat_object,
    "list_objects": _list_objects,
    "diff_refs": _diff_refs,
    "diff_branch": _diff_branch,
    "create_tag": _create_tag,
    "update_object_user_metadata": _update_metadata,
}


def _quoted(name: str) -> str:
    return quote(name, safe="", errors="surrogateescape")


def _refs(repository: str, ref: str) -> str:
    return f"/repositories/{_quoted(repository)}/refs/{_quoted(ref)}"


def _path(path: str) -> str:
    return urlencode({"path": path}, errors="surrogateescape")


def _page(after: str | None, prefix: str | None, delimiter: str | None, amount: float | None) -> str:
    told = {"after": after, "prefix": prefix, "delimiter": delimiter}
    given = {name: value for name, value in told.items() if value}
    if amount is not None:
        given["amount"] = str(int(amount))
    return urlencode(given, errors="surrogateescape")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
