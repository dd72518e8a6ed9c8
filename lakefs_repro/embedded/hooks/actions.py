"""Action files: what they may say, and what is said of those that say something else (lakeFS' own sentences)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lakefs_repro.embedded.hooks.events import BRANCH_EVENTS, TAG_EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lakefs_repro.embedded.hooks.events import Event

PREFIX = "_lakefs_actions/"
MAX_FILE = 1024 * 1024
_MAX_VALUES = 50_000
_NAME = re.compile(r"\w[\w\-. ]+")
_ID = re.compile(r"[_a-zA-Z][\-_a-zA-Z0-9]+")
_TYPES = {"webhook": ("url",), "airflow": ("url", "dag_id", "username", "password"), "lua": ()}


class ActionError(Exception):
    """An action file that is no action; the message is lakeFS'."""


class GlobError(Exception):
    """A branch pattern that is none."""


@dataclass(frozen=True)
class HookSpec:
    """One hook of an action, as its file describes it."""

    id: str
    type: str
    condition: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """One action file: the events it waits for, each with the branches it minds (none means all), and its hooks."""

    name: str
    on: Mapping[str, tuple[str, ...]]
    hooks: tuple[HookSpec, ...]

    def minds(self, event: Event) -> bool:
        """Whether this action runs at ``event``.

        Raises:
            GlobError: a pattern can't be read.
        """
        patterns = self.on.get(event.kind)
        if patterns is None:
            return False
        return not patterns or any(matches(pattern, event.branch) for pattern in patterns)


def parse(text: bytes) -> Action:
    """The action that a file holds.

    Raises:
        ActionError: it holds none.
    """
    data = _loaded(text)
    if data is None:
        data = {}
    if not isinstance(data, dict):
        kind = "seq" if isinstance(data, list) else "str"
        raise ActionError(f"yaml: unmarshal errors:\n  line 1: cannot unmarshal !!{kind} into actions.Action")
    name = data.get("name") or ""
    if not name:
        raise ActionError("'name' is required: invalid action")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ActionError("'name' is invalid: invalid action")
    return Action(name, _on(data.get("on")), _hooks(data.get("hooks")))


def _loaded(text: bytes) -> Any:
    import yaml  # noqa: PLC0415  only where there are actions

    class Loader(yaml.SafeLoader):
        """YAML 1.2's booleans: ``on`` is a key here, not a truth."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool"]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:bool", re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")
    )
    try:
        data = yaml.load(text, Loader)  # noqa: S506  a SafeLoader
        _require_small(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise ActionError(f"yaml: {where}{getattr(error, 'problem', None) or error}") from None

    return data


def _require_small(data: Any) -> None:
    """Refuse what aliases make of a small file: the document is counted as if it were written out."""
    waiting, counted = [data], 0
    while waiting:
        each = waiting.pop()
        counted += 1
        if counted > _MAX_VALUES:
            raise ActionError("yaml: document contains excessive aliasing")
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _on(data: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(data, dict) or not data:
        raise ActionError("'on' is required: invalid action")
    found: dict[str, tuple[str, ...]] = {}
    for event, settings in data.items():
        branches = settings.get("branches") if isinstance(settings, dict) else None
        if event not in BRANCH_EVENTS | TAG_EVENTS:
            raise ActionError(f"event '{event}' is not supported: invalid action")
        if branches is not None and (not isinstance(branches, list) or not all(isinstance(b, str) for b in branches)):
            raise ActionError(f"yaml: unmarshal errors:\n  cannot unmarshal `{branches}` into []string")
        if branches and event in TAG_EVENTS:
            raise ActionError("'branches' is not supported in tag event types. invalid event parameter")
        found[event] = tuple(branches or ())
    return found


def _hooks(data: Any) -> tuple[HookSpec, ...]:
    if data is not None and not isinstance(data, list):
        raise ActionError("yaml: unmarshal errors:\n  cannot unmarshal into []actions.ActionHook")
    seen: set[str] = set()
    found = []
    for number, raw in enumerate(data or ()):
        hook = raw if isinstance(raw, dict) else {}
        identifier = hook.get("id")
        if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
            raise ActionError(f"hook[{number}] missing ID: invalid action")
        if identifier in seen:
            raise ActionError(f"hook[{number}] duplicate ID '{identifier}': invalid action")
        seen.add(identifier)
        found.append(_hook(number, identifier, hook))
    return tuple(found)


def _hook(number: int, identifier: str, hook: dict[str, Any]) -> HookSpec:
    kind, properties = hook.get("type"), hook.get("properties")
    if kind not in _TYPES:
        raise ActionError(f"hook[{number}] type '{identifier}' unknown: invalid action")
    if not isinstance(properties, dict) or not properties:
        raise ActionError(f"hook[{number}] type '{kind}': missing hook properties: invalid action")
    for wanted in _TYPES[kind]:
        if wanted not in properties:
            raise ActionError(
                f"hook[{number}] type '{kind}': '{wanted}' must be supplied in properties: invalid action"
            )
    if kind == "lua" and not {"script", "script_path"} & set(properties):
        raise ActionError(
            f"hook[{number}] type 'lua': 'script' or 'script_path' must be supplied in properties: invalid action"
        )
    condition = hook.get("if")
    said = str(condition).lower() if isinstance(condition, bool) else str(condition or "")
    return HookSpec(identifier, kind, said, properties)


def matches(pattern: str, name: str) -> bool:
    r"""Whether a branch's name fits a pattern of Go's ``path.Match``: ``*``, ``?``, ``[a-z]``, ``[^a]``, ``\x``."""
    return re.fullmatch(_as_regex(pattern), name, re.DOTALL) is not None


def _as_regex(pattern: str) -> str:
    parts, rest = [], pattern
    while rest:
        character, rest = rest[0], rest[1:]
        if character == "*":
            parts.append("[^/]*")
        elif character == "?":
            parts.append("[^/]")
        elif character == "[":
            inside, rest = _character_class(rest)
            parts.append(inside)
        elif character == "\\":
            if not rest:
                raise GlobError("syntax error in pattern")
            parts.append(re.escape(rest[0]))
            rest = rest[1:]
        else:
            parts.append(re.escape(character))
    return "".join(parts)


def _character_class(rest: str) -> tuple[str, str]:
    negated = "^" if rest.startswith("^") else ""
    found = re.match(r"((?:\\.|[^\\\]])+)\]", rest[len(negated) :], re.DOTALL)
    if found is None:
        raise GlobError("syntax error in pattern")
    ranges = []
    for each in re.finditer(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", found[1], re.DOTALL):
        low, high = (part[-1] if part else "" for part in each.groups())
        if low == "-" or (high and high < low):
            raise GlobError("syntax error in pattern")
        ranges.append(re.escape(low) + (f"-{re.escape(high)}" if high else ""))
    return f"[{negated}{''.join(ranges)}]", rest[len(negated) + found.end() :]
