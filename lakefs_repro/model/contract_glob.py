"""Which paths a glob of a contract means.

``*`` and ``?`` stay inside one folder, ``**`` as a whole segment spans any number of folders (none
included), ``[abc]``, ``[a-z]`` and ``[!a]`` are one character. Matching takes time in proportion to the
product of both lengths, whatever the glob: it may come from a file that nobody has vouched for.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

MAX_GLOB_LENGTH = 1024
_MAGIC = "*?["


class _Token(NamedTuple):
    """One step of a segment: a star, any character, a literal, or a class of characters."""

    star: bool = False
    negated: bool = False
    ranges: tuple[tuple[str, str], ...] = ()

    def accepts(self, letter: str) -> bool:
        return any(low <= letter <= high for low, high in self.ranges) != self.negated


_STAR = _Token(star=True)
_ANY = _Token(negated=True)


def escape(path: str) -> str:
    """A glob that means exactly ``path``."""
    return "".join(f"[{letter}]" if letter in _MAGIC else letter for letter in path)


def is_literal(glob: str) -> bool:
    return not any(letter in _MAGIC for letter in glob)


def matches(glob: str, path: str) -> bool:
    """Whether the dataset-relative ``path`` is one that ``glob`` means."""
    segments = _parse(glob)
    names = path.split("/")
    # reached: the numbers of leading names that the segments so far can account for.
    reached = {0}
    for segment in segments:
        if segment is None:
            reached = set(range(min(reached), len(names) + 1)) if reached else set()
        else:
            reached = {n + 1 for n in reached if n < len(names) and _segment_matches(segment, names[n])}
    return len(names) in reached


@lru_cache(maxsize=256)
def _parse(glob: str) -> tuple[tuple[_Token, ...] | None, ...]:
    return tuple(None if segment == "**" else _tokens(segment) for segment in glob.split("/"))


def _tokens(segment: str) -> tuple[_Token, ...]:
    tokens: list[_Token] = []
    position = 0
    while position < len(segment):
        letter = segment[position]
        position += 1
        if letter == "*":
            if tokens[-1:] != [_STAR]:
                tokens.append(_STAR)
        elif letter == "?":
            tokens.append(_ANY)
        elif letter == "[" and (end := segment.find("]", position + 1 + (segment[position : position + 1] == "!"))) > 0:
            tokens.append(_class(segment[position:end]))
            position = end + 1
        else:
            tokens.append(_Token(ranges=((letter, letter),)))
    return tuple(tokens)


def _class(body: str) -> _Token:
    negated = body.startswith("!")
    letters = body[1:] if negated else body
    ranges: list[tuple[str, str]] = []
    position = 0
    while position < len(letters):
        if letters[position + 1 : position + 2] == "-" and position + 2 < len(letters):
            ranges.append((letters[position], letters[position + 2]))
            position += 3
        else:
            ranges.append((letters[position], letters[position]))
            position += 1
    return _Token(negated=negated, ranges=tuple(ranges))


def _segment_matches(tokens: tuple[_Token, ...], name: str) -> bool:
    at = token = 0
    star = restart = -1
    while at < len(name):
        if token < len(tokens) and tokens[token].star:
            star, restart = token, at
            token += 1
        elif token < len(tokens) and tokens[token].accepts(name[at]):
            at += 1
            token += 1
        elif star >= 0:
            restart += 1
            at, token = restart, star + 1
        else:
            return False
    return all(rest.star for rest in tokens[token:])
