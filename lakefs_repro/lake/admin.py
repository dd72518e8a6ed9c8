"""Administration through ``lakefs-sdk``: rare calls, where its typed models earn the second that it takes to import.

The calls that every command makes go over :mod:`lakefs_repro.lake.wire` instead, which starts in a tenth of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakefs_repro.errors import AlreadyExistsError, ConflictError, NotFoundError, UnavailableError
from lakefs_repro.lake.endpoint import Endpoint
from lakefs_repro.lake.values import RepositoryInfo
from lakefs_repro.lake.wire_errors import error_for

if TYPE_CHECKING:
    from collections.abc import Callable


class Admin:
    """Creating repositories and setting them up.

    Args:
        endpoint: the server.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        import lakefs_sdk  # noqa: PLC0415 - takes about a second, so only here and only when needed

        self._sdk = lakefs_sdk
        configuration = lakefs_sdk.Configuration(
            host=endpoint.api, username=endpoint.access_key_id, password=endpoint.secret_access_key
        )
        self._client = lakefs_sdk.ApiClient(configuration)
        if endpoint.session_token:
            self._client.set_default_header("X-Session-Token", endpoint.session_token)

    def create_repository(self, name: str, namespace: str, *, default_branch: str = "main") -> RepositoryInfo:
        """Create a repository on a storage namespace of its own.

        Raises:
            AlreadyExistsError: there is one of this name, or the namespace is in use.
        """
        creation = self._sdk.RepositoryCreation(name=name, storage_namespace=namespace, default_branch=default_branch)
        api = self._sdk.RepositoriesApi(self._client)
        try:
            made = self._ask(lambda: api.create_repository(creation), f"create the repository {name}")
        except ConflictError as error:
            raise AlreadyExistsError(f"The repository {name} is there already.") from error
        return RepositoryInfo(made.id, made.default_branch, made.storage_namespace, bool(made.read_only))

    def protected_branches(self, repository: str) -> tuple[str, ...]:
        """The glob patterns of protected branches."""
        api = self._sdk.RepositoriesApi(self._client)
        try:
            rules = self._ask(lambda: api.get_branch_protection_rules(repository), "read the branch protection")
        except NotFoundError:
            return ()
        return tuple(rule.pattern for rule in rules)

    def protect_branches(self, repository: str, patterns: tuple[str, ...]) -> None:
        """Add patterns to those that are protected against writes and commits; others' stay.

        A write between reading and setting is found by the server (ETag) and tried again once more.
        """
        api = self._sdk.RepositoriesApi(self._client)
        answer = self._ask(lambda: api.get_branch_protection_rules_with_http_info(repository),
                           "read the branch protection")  # fmt: skip
        present = [rule.pattern for rule in answer.data or ()]
        missing = [p for p in patterns if p not in present]
        if not missing:
            return
        rules = [self._sdk.BranchProtectionRule(pattern=p) for p in (*present, *missing)]
        etag = next((v for k, v in answer.headers.items() if k.lower() == "etag"), None)
        self._ask(
            lambda: api.set_branch_protection_rules(repository, rules, if_match=etag),
            "set the branch protection",
        )

    def _ask(self, call: Callable[[], Any], doing: str) -> Any:
        import urllib3  # noqa: PLC0415 - beside the SDK that raises its errors

        try:
            return call()
        except self._sdk.exceptions.ApiException as error:
            raise error_for(int(error.status or 0), _bytes(error.body), doing) from error
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(
                f"No server answers ({type(error).__name__}): {doing}.", kind="unreachable"
            ) from error


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()
