"""Asking the server itself what a garbage collection run would keep today.

lakeFS' ``prepare_commits`` lists the commits that a run would retain, and deletes nothing. This is what turns "there
is a pin" into a proof. The call is internal to lakeFS and rare, so it is made through ``lakefs-sdk``, which follows it
from release to release; the calls that every command makes go over :mod:`lakefs_repro.lake.wire`, because importing
the SDK takes a second.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from lakefs_repro.errors import UnavailableError
from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.wire import Wire
from lakefs_repro.lake.wire_errors import error_for, server_message


@dataclass(frozen=True, slots=True)
class Retained:
    """The commits that a run would keep; ``None`` when the server can't tell, and then ``why`` says why not."""

    commits: frozenset[str] | None
    why: str = ""


def ask_what_is_retained(endpoint: Endpoint, repository: str) -> Retained:
    """Ask the server which commits of a repository garbage collection would keep today.

    Deletes nothing; lakeFS writes a small list of its own into the repository's storage.

    Args:
        endpoint: the server.
        repository: the repository's name.

    Raises:
        DeniedError: the credentials don't allow it.
        UnavailableError: no server answers, or its list can't be read.
    """
    import lakefs_sdk  # noqa: PLC0415 - takes about a second, so only when this is asked
    import urllib3  # noqa: PLC0415 - beside the SDK that raises its errors

    configuration = lakefs_sdk.Configuration(
        host=endpoint.api, username=endpoint.access_key_id, password=endpoint.secret_access_key
    )
    with lakefs_sdk.ApiClient(configuration) as client:
        if endpoint.session_token:
            client.set_default_header("X-Session-Token", endpoint.session_token)
        try:
            run = lakefs_sdk.InternalApi(client).prepare_garbage_collection_commits(repository)
        except lakefs_sdk.exceptions.ApiException as error:
            return _refused(int(error.status or 0), str(error.body or "").encode())
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(
                f"No server answers at {endpoint.url} ({type(error).__name__}).", kind="unreachable"
            ) from error
    return _listed(endpoint, run)


def _refused(status: int, body: bytes) -> Retained:
    said = server_message(body)
    if status == 404 and "gc rules" in said:  # noqa: PLR2004
        return Retained(None, "the repository has no garbage collection rules, so lakeFS collects nothing of it")
    if status == 400:  # noqa: PLR2004 - what lakeFS answers on a local block store, although it wrote the list
        return Retained(None, "this server's oracle fails, as lakeFS' does on a local block store")
    raise error_for(status, body, "ask what garbage collection would keep")


def _listed(endpoint: Endpoint, run: Any) -> Retained:
    url = run.gc_commits_presigned_url
    if not url:
        return Retained(None, "the server gives no address to read its list from")
    answer = Wire(endpoint).fetch_url(url)
    if answer.status != 200:  # noqa: PLR2004
        raise UnavailableError(
            f"The object store answered {answer.status} for the list of what garbage collection would keep.",
            kind="store-unreachable",
        )
    rows = csv.DictReader(io.StringIO(answer.body.decode()))
    return Retained(frozenset(row["commit_id"] for row in rows if row.get("expired") != "true"))
