"""The pytest plugin: fixtures that give each test a lakeFS of its own.

``lakefs_server``      a fresh, empty server (``RunningLakefs``), gone after the test
``lakefs_repository``  a fresh, empty repository on it (``LakefsRepository``)
``lakefs_env``         the same server, with the environment set so that lakeFS' clients find it by themselves

The ini option ``lakefs_server_scope`` (``function``, ``class``, ``module``, ``package`` or ``session``) says how long a
server is shared. The marker ``lakefs`` takes the arguments of ``running_lakefs`` for one test's server.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

# What starts a server is imported with the first one: a project that has this installed pays nothing for it.
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lakefs_repro.testing.running import LakefsRepository, RunningLakefs

_SCOPE = "lakefs_server_scope"
_SCOPES = ("function", "class", "module", "package", "session")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(_SCOPE, f"how long tests share a lakeFS server: {', '.join(_SCOPES)}", default="function")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "lakefs(**options): options of this test's lakefs_server: those of lakefs_repro.testing.running_lakefs",
    )
    if config.getini(_SCOPE) not in _SCOPES:
        raise pytest.UsageError(f"{_SCOPE} is {config.getini(_SCOPE)!r}, and must be one of {', '.join(_SCOPES)}")


def _scope(fixture_name: str, config: pytest.Config) -> Any:  # noqa: ARG001  pytest's own names
    return config.getini(_SCOPE)


@pytest.fixture(scope=_scope)
def lakefs_server(request: pytest.FixtureRequest) -> Iterator[RunningLakefs]:
    """A fresh, empty lakeFS server, on a port and in a folder of its own."""
    from lakefs_repro.testing.server import running_lakefs  # noqa: PLC0415

    with running_lakefs(**_options(request)) as server:
        yield server


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.scope != "function":
        return {}
    marker = request.node.get_closest_marker("lakefs")
    if marker is None:
        return {}
    if marker.args:
        raise pytest.UsageError("the marker lakefs takes named arguments alone, those of running_lakefs")
    return dict(marker.kwargs)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A server that several tests share can't have the options of one of them."""
    scope = config.getini(_SCOPE)
    for item in items if scope != "function" else ():
        if item.get_closest_marker("lakefs") is not None:
            raise pytest.UsageError(f"{item.nodeid}: the marker lakefs needs {_SCOPE} = function, and it is {scope}")


@pytest.fixture
def lakefs_repository(lakefs_server: RunningLakefs) -> LakefsRepository:
    """A fresh, empty repository on ``lakefs_server``."""
    return lakefs_server.new_repository()


@pytest.fixture
def lakefs_env(lakefs_server: RunningLakefs, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningLakefs]:
    """``lakefs_server``, with the environment set for this test so that clients find it, and nothing else."""
    from lakefs_repro.testing.remembered import forgotten  # noqa: PLC0415

    for name in list(os.environ):
        if name.startswith("LAKECTL_"):
            monkeypatch.delenv(name)
    for name, value in lakefs_server.env.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy"):
        others = os.environ.get(name)
        monkeypatch.setenv(name, f"{others},127.0.0.1" if others else "127.0.0.1")
    with forgotten():
        yield lakefs_server
