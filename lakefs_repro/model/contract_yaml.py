"""YAML text of a contract, read as data that nobody has vouched for.

Only plain mappings, lists, text, numbers, booleans and null come out. Words are typed as in YAML 1.2:
``no``, ``on``, ``12:30`` and ``2013-01-01`` stay the text that was written, so that the country code of
Norway and a time of day survive. What is recognised is a subset of what YAML 1.1 recognises, which is why
text written by PyYAML's safe dumper always reads back as it was.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BYTES = 2 << 20
MAX_VALUES = 200_000
"""Values in a document once its aliases are expanded: an alias bomb ends here."""
MAX_DEPTH = 32
MAX_NUMBER_LENGTH = 40

Path = tuple["str | int", ...]

_TAG = "tag:yaml.org,2002:"
_RESOLVERS: tuple[tuple[str, str, str], ...] = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?", "-+0123456789."),
)


class _Loader(yaml.SafeLoader):
    """The safe loader, composing nodes only, with fewer implicit types."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (the base's own attribute)


for _name, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(
        _TAG + _name,
        re.compile(rf"^(?:{_pattern})$"),
        ["" if letter == "\0" else letter for letter in _first],
    )


class _Dumper(yaml.SafeDumper):
    """The safe dumper, minus its way with Unicode's own line ends, which it writes so that they are lost."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if any(letter in text for letter in "\x85\u2028\u2029") else None
    return dumper.represent_scalar(_TAG + "str", text, style=style)


_Dumper.add_representer(str, _represent_text)


@dataclass(frozen=True)
class Document:
    """The values of a YAML file and the line (from 1) on which each was written."""

    source: str
    data: dict[str, Any]
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of ``path``, or of the nearest enclosing value that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str | bytes, *, source: str) -> Document:
    """The one document in ``text``, which must be a mapping.

    Raises:
        InvalidError: not UTF-8 or YAML, too large, keys written twice, tags, or nesting and aliases
            beyond the bounds of this module.
    """
    reader = _Reader(source)
    node = reader.compose(reader.decode(text))
    data = reader.value(node, ())
    if not isinstance(data, dict):
        raise reader.refuse(1, "a contract is a mapping of keys to values", hint="begin with: kind: DataContract")
    return Document(source, data, reader.lines)


def write_yaml(data: dict[str, Any]) -> str:
    """``data`` as block-style YAML, its keys in their given order."""
    return str(
        yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=110)
    )


@dataclass
class _Reader:
    source: str
    lines: dict[Path, int] = field(default_factory=dict)
    _budget: int = MAX_VALUES

    def refuse(self, line: int, what: str, *, hint: str = "") -> InvalidError:
        return InvalidError(f"{self.source}, line {line}: {what}", hint=hint, kind="bad-contract")

    def decode(self, text: str | bytes) -> str:
        raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        if len(raw) > MAX_BYTES:
            limit = f"{MAX_BYTES // 1024} KiB"
            raise self.refuse(1, f"a contract of {len(raw)} bytes is too large; the limit is {limit}")
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise self.refuse(line, "not UTF-8 text", hint="save the file as UTF-8") from error

    def compose(self, text: str) -> yaml.Node | None:
        try:
            return yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = " ".join(part for part in (error.context, error.problem) if part)
            raise self.refuse(mark.line + 1 if mark else 1, f"not valid YAML: {problem}") from error
        except yaml.YAMLError as error:
            raise self.refuse(1, "not valid YAML: it holds control characters") from error
        except RecursionError as error:
            raise self.refuse(1, f"nested deeper than {MAX_DEPTH} levels") from error

    def value(self, node: yaml.Node | None, path: Path) -> Any:
        if node is None:
            return None
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self._budget -= 1
        if self._budget < 0:
            raise self.refuse(line, f"more than {MAX_VALUES} values (aliases counted where they are used)")
        if len(path) > MAX_DEPTH:
            raise self.refuse(line, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, line)
        raise self.refuse(line, f"the tag {node.tag} is not allowed", hint="write plain YAML without tags")

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _TAG + "str":
                raise self.refuse(line, "a key must be text", hint="put the key in quotes")
            key = self._scalar(key_node, line)
            inner = (*path, key)
            if key in result:
                first = self.lines[inner]
                raise self.refuse(line, f"the key {key!r} is written twice (first on line {first})")
            self.lines[inner] = line
            result[key] = self.value(value_node, inner)
        return result

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:
        text = node.value
        if node.tag == _TAG + "str":
            return self._text(text, line)
        if node.tag == _TAG + "null":
            return None
        if node.tag == _TAG + "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if node.tag in (_TAG + "int", _TAG + "float"):
            return self._number(node, line)
        raise self.refuse(line, f"the tag {node.tag} is not allowed", hint="write plain YAML without tags")

    def _text(self, text: str, line: int) -> str:
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            raise self.refuse(line, "text holds half a surrogate pair, which is no character")
        return text

    def _number(self, node: yaml.ScalarNode, line: int) -> int | float:
        if len(node.value) > MAX_NUMBER_LENGTH:
            raise self.refuse(line, f"a number longer than {MAX_NUMBER_LENGTH} characters")
        try:
            number = int(node.value) if node.tag == _TAG + "int" else float(node.value)
        except ValueError as error:
            raise self.refuse(line, f"{node.value!r} is not a number") from error
        if not math.isfinite(number):
            raise self.refuse(line, f"{node.value!r} is not a finite number")
        return number
