"""From a method and a path to a handler, by a tree of path segments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from lakefs_repro.embedded.errors import bad_request
from lakefs_repro.embedded.operations import EXTENSIONS, OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lakefs_repro.embedded.call import Call
    from lakefs_repro.embedded.reply import Reply

    Handler = Callable[[Call], Awaitable[Reply]]


@dataclass
class _Node:
    literal: dict[str, _Node] = field(default_factory=dict)
    parameter: _Node | None = None
    routes: dict[str, Route] = field(default_factory=dict)


@dataclass(frozen=True)
class Route:
    """An operation of the API; ``handler`` is None where the engine does not offer it."""

    operation: str
    names: tuple[str, ...]
    handler: Handler | None


class Router:
    """Knows the whole API document; literal segments win over parameters."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._root = _Node()
        unknown = set(handlers)
        for template, methods in {**OPERATIONS, **EXTENSIONS}.items():
            node, names = self._node(template)
            for method, operation in methods.items():
                node.routes[method] = Route(operation, names, handlers.get(operation))
                unknown.discard(operation)
        if unknown:
            raise ValueError(f"handlers without an operation: {sorted(unknown)}")

    def _node(self, template: str) -> tuple[_Node, tuple[str, ...]]:
        node, names = self._root, []
        for segment in template.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                if node.parameter is None:
                    node.parameter = _Node()
                node = node.parameter
            else:
                node = node.literal.setdefault(segment, _Node())
        return node, tuple(names)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route for a still percent-encoded ``path`` below the API's root, and its parameters.

        Raises 400 for a parameter that is empty; at the end of a path there is none then.
        """
        node, values = self._root, []
        for segment in path.split("/"):
            following = node.literal.get(segment)
            if following is None:
                following = node.parameter
                if following is None:
                    return None
                # As measured: a plus is a space in the path, too.
                values.append(unquote_plus(segment) if "%" in segment or "+" in segment else segment)
            node = following
        route = node.routes.get(method)
        if route is None or path.endswith("/"):
            return None
        if "" in values:
            name = route.names[values.index("")]
            raise bad_request(f'parameter "{name}" in path has an error: value is required but missing')
        return route, dict(zip(route.names, values, strict=True))
