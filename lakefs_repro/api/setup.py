"""Preparing a repository: made when it is not there, with its ledger, and protected against writes past the gate."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import Final

from lakefs_repro.errors import AlreadyExistsError, DeniedError, InvalidError, NotFoundError, UnknownOutcomeError
from lakefs_repro.lake.repository import Repository, Server
from lakefs_repro.lake.values import RepositoryInfo, ServerInfo
from lakefs_repro.ledger.append import ensure_ledger
from lakefs_repro.model.names import LEDGER_BRANCH

OWN_BRANCHES: Final = ("pin-*", LEDGER_BRANCH)
"""Branches that only this toolkit moves, and only by creating and merging."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
_SHORTEST: Final = 3
_LONGEST: Final = 63


@dataclass(frozen=True, slots=True)
class Prepared:
    """A repository that is ready for ingests.

    Attributes:
        main: its default branch, which versions are merged into.
        created: whether it was made just now.
        protected: the branch globs that are protected against direct writes.
        note: what could not be done and does no harm by itself; empty when there is nothing to say.
    """

    repository: str
    namespace: str
    main: str
    created: bool
    protected: tuple[str, ...]
    note: str = ""


def prepare_repository(server: Server, name: str, *, namespace: str = "", create: bool = True) -> Prepared:
    """Make a repository ready for ingests; idempotent.

    One that is there keeps its settings: only this toolkit's own branches are added and protected. In one that is made
    here, ``main`` is protected as well: versions reach it by merges alone.

    Args:
        server: where.
        name: the repository.
        namespace: the storage namespace of a new one; derived from what the server says when empty.
        create: whether to make it.

    Raises:
        NotFoundError: it is not there, and ``create`` is false.
        InvalidError: a namespace must be named.
        AlreadyExistsError: the namespace belongs to another repository.
    """
    repository = server.repository(name)
    info, created = _found_or_made(server, repository, namespace, create=create)
    ensure_ledger(repository, lambda: _first_commit(repository, info.default_branch))
    wanted = (info.default_branch, *OWN_BRANCHES) if created else OWN_BRANCHES
    note = ""
    try:
        repository.settings.protect(wanted)
        protected = repository.settings.protected()
    except DeniedError:
        protected = ()
        note = f"these credentials may not protect branches: ask an administrator to protect {', '.join(wanted)}"
    return Prepared(info.name, info.storage_namespace, info.default_branch, created, protected, note)


def default_namespace(info: ServerInfo, name: str) -> str:
    """The storage namespace of a new repository where nobody names one.

    Raises:
        InvalidError: the server has no place that it prefers.
    """
    prefix = info.namespace_prefix
    if prefix:
        return prefix + name if prefix.endswith("/") else f"{prefix}/{name}"
    if info.blockstore == "local":
        return f"local://{name}"
    raise InvalidError(
        f"The repository {name} is not there, and the server does not say where the data of a new one should lie.",
        hint=f"name a place in its object store: --namespace {_scheme(info.blockstore)}://BUCKET/{name}",
        kind="namespace-needed",
    )


def repository_name(folder_name: str) -> str:
    """A name that lakeFS takes for a repository, made from that of a folder."""
    name = re.sub(r"[^a-z0-9]+", "-", folder_name.lower()).strip("-")[:_LONGEST].rstrip("-")
    return name if len(name) >= _SHORTEST else f"{name}-data".lstrip("-")


def check_repository_name(name: str) -> str:
    """Return the name, or raise InvalidError saying what lakeFS takes."""
    if _NAME.fullmatch(name):
        return name
    raise InvalidError(
        f"{name!r} is not a name for a repository.",
        hint="use 3 to 63 lower-case letters, digits and '-', not beginning with '-'",
        kind="invalid-repository-name",
    )


def _found_or_made(
    server: Server, repository: Repository, namespace: str, *, create: bool
) -> tuple[RepositoryInfo, bool]:
    name = repository.name
    try:
        return repository.info(), False
    except NotFoundError as error:
        if not create:
            raise NotFoundError(
                f"There is no repository {name} on {server.wire.endpoint.url}.",
                hint="correct the name, or leave --no-create out",
                kind="repository-not-found",
            ) from error
    place = namespace or default_namespace(server.info(), name)
    try:
        return server.create_repository(name, place), True
    except UnknownOutcomeError:
        return repository.info(), True
    except AlreadyExistsError as error:
        if error.kind == "namespace-in-use":
            raise
        return repository.info(), False  # made by somebody else in this moment


def _first_commit(repository: Repository, branch: str) -> str:
    (last,) = deque(repository.commits.log(branch, first_parent=True), maxlen=1)
    return last.id


def _scheme(blockstore: str) -> str:
    return {"s3": "s3", "gs": "gs", "azure": "https"}.get(blockstore, "s3")
