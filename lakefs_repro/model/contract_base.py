"""The ground that the parts of a contract share."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

Scope = Literal["new", "partition", "all"]
"""Which rows a check looks at: those of new files, of the partitions that new files touch, or all."""

Json = JsonValue
"""A section that is kept as it was written."""


class Misfit(ValueError):  # noqa: N818 (pydantic collects it; nobody else sees it)
    """A fault inside a mapping, and the path to it from there."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path


class Node(BaseModel):
    """A mapping of the contract file; keys are spelled as in the Open Data Contract Standard."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    def to_data(self) -> dict[str, Any]:
        """Plain data without what equals its default: equal contracts give equal data."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True)


def own_property(section: Json, name: str) -> Any:
    """The value of the custom property ``name`` in an ODCS ``customProperties`` section."""
    if not isinstance(section, list):
        return None
    for entry in section:
        if isinstance(entry, dict) and entry.get("property") == name:
            return entry.get("value")
    return None


def scopes() -> tuple[str, ...]:
    return get_args(Scope)
