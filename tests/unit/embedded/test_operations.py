"""The whole API document is routed: offered, or said not to be."""

from __future__ import annotations

import re

import lakefs_sdk.api
import pytest

from lakefs_repro.embedded.errors import ApiError
from lakefs_repro.embedded.operations import EXTENSIONS, OPERATIONS
from lakefs_repro.embedded.router import Router
from lakefs_repro.embedded.routes import HANDLERS

EVERY = [
    (method, path, name) for path, methods in {**OPERATIONS, **EXTENSIONS}.items() for method, name in methods.items()
]


def _sdk_operations() -> set[str]:
    """The operations that the SDK knows, in the document's spelling but for its case."""
    names = set()
    for group in vars(lakefs_sdk.api).values():
        if isinstance(group, type) and group.__name__.endswith("Api"):
            found = [name for name in vars(group) if name.endswith("_with_http_info")]
            names |= {name.removesuffix("_with_http_info").replace("_", "").lower() for name in found}
    return names


def test_document_is_complete():
    assert _sdk_operations() <= {name.lower() for _, _, name in EVERY}


def test_handlers_have_operations():
    assert set(HANDLERS) <= {name for _, _, name in EVERY}


@pytest.mark.parametrize(("method", "path", "name"), EVERY)
def test_path_leads_to_its_operation(method, path, name):
    concrete = re.sub(r"\{(\w+)\}", r"v-\1%2Fx", path).lstrip("/")
    found = Router(HANDLERS).find(method, concrete)
    assert found is not None
    route, parameters = found
    assert route.operation == name
    assert parameters == {key: f"v-{key}/x" for key in re.findall(r"\{(\w+)\}", path)}


@pytest.mark.parametrize("path", ["", "nope", "repositories/", "repositories//", "repositories/a/b/c/d/e/f/g/h"])
def test_other_paths_lead_nowhere(path):
    assert Router(HANDLERS).find("GET", path) is None


def test_an_empty_parameter_is_refused():
    with pytest.raises(ApiError, match='parameter "repository" in path has an error'):
        Router(HANDLERS).find("GET", "repositories//branches")


def test_what_is_not_offered_answers_501_by_its_name(embedded_engine):
    for method, path, name in EVERY:
        if name in HANDLERS:
            continue
        answer = embedded_engine.call(method, re.sub(r"\{\w+\}", "x", path))
        assert answer.status == 501, (method, path)
        assert answer.message.startswith(name)
