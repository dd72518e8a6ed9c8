"""Appending to the ledger.

A record is committed on a private branch and merged into the ledger: records are different objects, so any number of
writers can append at once. Each names the ledger's head that it saw, and so the records form a DAG.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from lakefs_repro.errors import (
    AlreadyExistsError,
    ConflictError,
    InvalidError,
    LakefsReproError,
    NotFoundError,
    UnavailableError,
    UnknownOutcomeError,
)
from lakefs_repro.lake.repository import Repository
from lakefs_repro.model.names import LEDGER_BRANCH
from lakefs_repro.transfer.parallel import run_all

RECORDS: Final = "records/"
MANIFESTS: Final = "manifests/"
_TRIES: Final = 20


def record_path(ulid: str) -> str:
    """Where the record of this ULID lies."""
    return f"{RECORDS}{ulid}.json"


def ledger_head(repository: Repository) -> str:
    """The ledger's head now, or an empty text when there is no ledger yet."""
    try:
        return repository.branches.get(LEDGER_BRANCH).commit
    except NotFoundError:
        return ""


def ensure_ledger(repository: Repository, first_commit: Callable[[], str]) -> str:
    """Make the hidden ledger branch if it is not there, at the repository's first commit, and return its head."""
    head = ledger_head(repository)
    if head:
        return head
    try:
        return repository.branches.create(LEDGER_BRANCH, first_commit(), hidden=True)
    except (AlreadyExistsError, UnknownOutcomeError):
        return repository.branches.get(LEDGER_BRANCH).commit


def has_record(repository: Repository, ulid: str) -> bool:
    """Whether the ledger holds the record of this ULID."""
    try:
        repository.objects.stat(LEDGER_BRANCH, record_path(ulid))
    except NotFoundError:
        return False
    return True


def append(
    repository: Repository,
    ulid: str,
    record: Mapping[str, Any],
    *,
    chunks: Mapping[str, Callable[[], bytes]],
    first_commit: Callable[[], str],
    writer: str = "",
) -> None:
    """Add a record and the manifest chunks that it speaks of; doing it again changes nothing.

    Args:
        repository: the repository.
        ulid: the record's name.
        record: JSON values; ``heads`` is added: the ledger's head that it saw.
        chunks: manifest chunks by name; those that the ledger holds already are not read.
        first_commit: finds the repository's first commit, asked only when the ledger must be made.
        writer: the ULID of who writes it, where several may write the same record at once; else the record's own.
    """
    head = ensure_ledger(repository, first_commit)
    if has_record(repository, ulid):
        return
    branch = f"ledger-{(writer or ulid).lower()}"
    _fresh_branch(repository, branch, head)
    missing = [
        name for name, here in run_all(lambda n: (n, _holds(repository, head, n)), chunks, threads=8) if not here
    ]
    for _ in run_all(lambda n: repository.objects.put(branch, MANIFESTS + n, chunks[n]()), missing, threads=8):
        pass
    body = json.dumps({**record, "ulid": ulid, "heads": [head]}, sort_keys=True, ensure_ascii=False, indent=1)
    repository.objects.put(branch, record_path(ulid), body.encode() + b"\n")
    _commit(repository, branch, f"record {ulid}")
    _merge(repository, branch, ulid)
    with contextlib.suppress(NotFoundError):
        repository.branches.delete(branch)


def _holds(repository: Repository, head: str, name: str) -> bool:
    try:
        repository.objects.stat(head, MANIFESTS + name)
    except NotFoundError:
        return False
    return True


def _fresh_branch(repository: Repository, branch: str, head: str) -> None:
    for _ in range(_TRIES):
        try:
            repository.branches.create(branch, head, hidden=True)
        except UnknownOutcomeError:
            return
        except AlreadyExistsError:  # left by a process that died: nothing of value is on it
            try:
                repository.branches.delete(branch)
            except NotFoundError:
                continue
        else:
            return


def _commit(repository: Repository, branch: str, message: str) -> None:
    before = repository.branches.get(branch).commit
    try:
        repository.commits.create(branch, message)
    except (UnknownOutcomeError, InvalidError):
        if repository.branches.get(branch).commit == before:
            repository.commits.create(branch, message)


def _merge(repository: Repository, branch: str, ulid: str) -> None:
    last: LakefsReproError | None = None
    for _ in range(_TRIES):
        try:
            repository.commits.merge(branch, LEDGER_BRANCH, f"record {ulid}", strategy="source-wins")
        except (UnknownOutcomeError, InvalidError, ConflictError) as error:
            if has_record(repository, ulid):
                return
            last = error
        else:
            return
    raise UnavailableError(f"The ledger did not take the record {ulid}: {last}", kind="ledger-refused") from last
