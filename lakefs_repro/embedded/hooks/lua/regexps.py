"""Regular expressions as Go reads them, put into Python's words. What Go has not is refused, as there."""

from __future__ import annotations

import functools
import re
from typing import Any

from lakefs_repro.embedded.hooks.lua.values import LuaError

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_GROUP = re.compile(r"\(\?(?:P?<(\w+)>|([ims]*)(?:-([ims]+))?([:)]))")
_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_HEXADECIMAL = re.compile(r"x\{([0-9A-Fa-f]{1,6})\}")
_ESCAPES = frozenset("aftnrvdDsSwWbBAx")
_MAX_REPEAT = 1000


def _problem(what: str, where: str) -> LuaError:
    return LuaError(f"error parsing regexp: {what}: `{where}`")


class _Translator:
    """One pass over an expression, from left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.out: list[str] = []
        # Python has flags for a group only: our own groups go on to the end of the one around them.
        self.own: list[str] = []
        self.open: list[list[str]] = []  # our own that wait outside each open group
        self.multi_line = [False]
        self.repeatable = False
        self.last_repeat = ""

    def translated(self) -> str:
        while self.at < len(self.pattern):
            character = self.pattern[self.at]
            if character in "*+?" or (character == "{" and _REPEAT.match(self.pattern, self.at)):
                self.repeat()
                continue
            self.last_repeat = ""
            self.repeatable = character not in "|("
            self.one(character)
        if self.open:
            raise _problem("missing closing )", self.pattern)
        return "".join(self.out) + ")" * len(self.own)

    def one(self, character: str) -> None:
        if character == "\\":
            self.out.append(self.escape(in_class=False))
        elif character == "[":
            self.out.append(self.character_class())
        elif character == "(":
            self.group()
        elif character == ")":
            if not self.open:
                raise _problem("unexpected )", self.pattern)
            self.out.append(")" * (len(self.own) + 1))
            self.own = self.open.pop()
            self.multi_line.pop()
            self.at += 1
        elif character == "|":
            self.out.append(")" * len(self.own) + "|" + "".join(self.own))
            self.at += 1
        else:
            end = "$" if self.multi_line[-1] else r"\Z"
            self.out.append({"$": end, "^": "^", ".": "."}.get(character) or re.escape(character))
            self.at += 1

    def repeat(self) -> None:
        bounds = _REPEAT.match(self.pattern, self.at)
        said = bounds[0] if bounds else self.pattern[self.at]
        if self.last_repeat:
            raise _problem("invalid nested repetition operator", self.last_repeat + said)
        if not self.repeatable:
            raise _problem("missing argument to repetition operator", said)
        if bounds:
            low, high = int(bounds[1][:6]), int((bounds[3] or bounds[1])[:6])
            if low > _MAX_REPEAT or high > _MAX_REPEAT or high < low:
                raise _problem("invalid repeat count", said)
        self.at += len(said)
        if self.pattern.startswith("?", self.at):
            said += "?"
            self.at += 1
        self.out.append(said)
        self.last_repeat = said

    def group(self) -> None:
        if not self.pattern.startswith("(?", self.at):
            self.push("(")
            self.at += 1
            return
        found = _GROUP.match(self.pattern, self.at)
        if found is None:
            raise _problem("invalid or unsupported Perl syntax", self.pattern[self.at : self.at + 3])
        self.at = found.end()
        name, on, off, end = found.groups()
        if name:
            self.push(f"(?P<{name}>")
            return
        if end == ":":
            self.push(f"(?{on}{f'-{off}' if off else ''}:")
        elif on or off:
            self.own.append(f"(?{on}{f'-{off}' if off else ''}:")
            self.out.append(self.own[-1])
        self.multi_line[-1] = ("m" in on or self.multi_line[-1]) and "m" not in (off or "")
        self.repeatable = False

    def push(self, opening: str) -> None:
        self.out.append(opening)
        self.open.append(self.own)
        self.own = []
        self.multi_line.append(self.multi_line[-1])

    def escape(self, *, in_class: bool) -> str:
        rest = self.pattern[self.at + 1 :]
        if not rest:
            raise LuaError("error parsing regexp: trailing backslash at end of expression: ``")
        if rest[0] == "Q" and not in_class:
            quoted, _, _ = rest[1:].partition("\\E")
            self.at += len(quoted) + 2 + (2 if "\\E" in rest else 0)
            return re.escape(quoted)
        wide = _HEXADECIMAL.match(rest)
        if wide and int(wide[1], 16) <= 0x10FFFF:  # noqa: PLR2004  the last character there is
            self.at += 1 + wide.end()
            return re.escape(chr(int(wide[1], 16)))
        self.at += 2
        if rest[0] == "z" and not in_class:
            return r"\Z"
        if rest[0].isalnum() and rest[0] not in _ESCAPES:
            raise _problem("invalid escape sequence", f"\\{rest[0]}")
        return f"\\{rest[0]}" if rest[0].isalnum() else re.escape(rest[0])

    def character_class(self) -> str:
        begun = self.at
        self.at += 1
        parts = ["["]
        if self.pattern.startswith("^", self.at):
            parts.append("^")
            self.at += 1
        first = True
        while first or not self.pattern.startswith("]", self.at):
            if self.at >= len(self.pattern):
                raise _problem("missing closing ]", self.pattern[begun:])
            parts.append(self.class_part())
            first = False
        self.at += 1
        return "".join(parts) + "]"

    def class_part(self) -> str:
        named = re.compile(r"\[:(\^?)(\w+):\]").match(self.pattern, self.at)
        if named:
            if named[2] not in _CLASSES or named[1]:
                raise _problem("invalid character class range", named[0])
            self.at = named.end()
            return _CLASSES[named[2]]
        low = self.class_character()
        following = self.pattern[self.at : self.at + 2]
        if following[:1] != "-" or following in {"-", "-]"}:
            return low
        begun, self.at = self.at, self.at + 1
        high = self.class_character()
        if len(low.lstrip("\\")) == 1 == len(high.lstrip("\\")) and low.lstrip("\\") > high.lstrip("\\"):
            raise _problem("invalid character class range", f"{low}{self.pattern[begun : self.at]}")
        return f"{low}-{high}"

    def class_character(self) -> str:
        character = self.pattern[self.at]
        if character == "\\":
            return self.escape(in_class=True)
        self.at += 1
        return re.escape(character) if character in "[]&~|^-" else character


@functools.lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of Go's, for Python.

    Raises:
        LuaError: it is none, or says what can't be put in Python's words.
    """
    said = _Translator(pattern).translated()
    try:
        return re.compile(said, re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise _problem(str(error), pattern) from None


def match(pattern: str, subject: str) -> bool:
    return compiled(pattern).search(subject) is not None


def quote_meta(plain: str) -> str:
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", plain)


def check(pattern: str) -> None:
    compiled(pattern)


def find(pattern: str, subject: str) -> str:
    found = compiled(pattern).search(subject)
    return found[0] if found else ""


def find_submatch(pattern: str, subject: str) -> list[str]:
    found = compiled(pattern).search(subject)
    return _groups(found) if found else []


def find_all(pattern: str, subject: str, limit: float) -> list[str]:
    return [each[0] for each in _first(pattern, subject, limit)]


def find_all_submatch(pattern: str, subject: str, limit: float) -> list[list[str]]:
    return [_groups(each) for each in _first(pattern, subject, limit)]


def _groups(found: re.Match[str]) -> list[str]:
    return [found[0], *(each or "" for each in found.groups())]


def _first(pattern: str, subject: str, limit: float) -> list[re.Match[str]]:
    wanted = len(subject) + 1 if limit < 0 else int(limit)
    found: list[re.Match[str]] = []
    for each in compiled(pattern).finditer(subject):
        if len(found) == wanted:
            break
        if each[0] or not found or found[-1].end() != each.end():  # Go passes over an empty one right after another
            found.append(each)
    return found


PUBLIC = ("match", "quote_meta", "compile")  # the others belong to what compile gives
FUNCTIONS: dict[str, tuple[str, Any]] = {
    "match": ("ss", match),
    "quote_meta": ("s", quote_meta),
    "compile": ("s", check),
    "check": ("s", check),
    "find": ("ss", find),
    "find_submatch": ("ss", find_submatch),
    "find_all": ("ssn", find_all),
    "find_all_submatch": ("ssn", find_all_submatch),
}
