"""Paths of objects: what may come in, what may go out, and what a path says about partitions."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_PATH_BYTES = 1024

# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_WINDOWS_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])[ ]*(?:\.|$)", re.IGNORECASE)
_WINDOWS_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')


def check_repository_path(path: str, *, prefix: str = "") -> None:
    """Refuse with InvalidError a path that can't be ingested under the prefix.

    It must be UTF-8 text, of at most 1,024 bytes with its prefix (lakeFS' limit), without NUL, and made
    of segments that are neither empty nor ``.`` nor ``..``. Everything else, newlines too, may stand in it.
    """
    try:
        length = len(prefix.encode()) + len(path.encode())
    except UnicodeEncodeError as error:
        raise InvalidError(
            f"The name {path!r} is not valid UTF-8.",
            hint="Rename the file: a snapshot's paths are UTF-8 text.",
            kind="path-not-utf8",
        ) from error
    if length > MAX_PATH_BYTES:
        raise InvalidError(
            f"The path {path!r} is {length} bytes long with its prefix {prefix!r}; lakeFS takes {MAX_PATH_BYTES}.",
            hint="Shorten the names of its folders, or leave it out with --exclude.",
            kind="unsafe-path",
        )
    why = _unsafe(path)
    if why:
        raise InvalidError(
            f"The path {path!r} can't be ingested: it {why}.",
            hint="Rename the file, or leave it out with --exclude.",
            kind="unsafe-path",
        )


def safe_relative(path: str, *, windows: bool = False) -> PurePosixPath:
    r"""The path as one below a destination folder, for restoring.

    Args:
        path: as it stands in the repository, where any client may have put anything.
        windows: refuse too what Windows reads otherwise: ``\``, drive letters and streams (``:``), reserved
            device names, trailing dots and spaces.

    Raises:
        InvalidError: it is absolute, holds ``..``, ``.``, an empty segment, a NUL, or is not UTF-8. Nothing
            is repaired: a path that had to be changed would be another file's.
    """
    why = _unsafe(path) or (_unsafe_on_windows(path) if windows else "")
    if not why and not _is_utf8(path):
        why = "is not valid UTF-8"
    if why:
        raise InvalidError(
            f"The path {path!r} is not safe to write: it {why}.",
            hint="Leave it out with --exclude, or have whoever wrote it rename it.",
            kind="unsafe-path",
        )
    return PurePosixPath(path)


def collisions(
    paths: Iterable[str], *, case_insensitive: bool = False, normalising: bool = False
) -> list[tuple[str, ...]]:
    """Groups of names that a file system can't hold side by side, sorted; folders end with ``/``.

    Always found: a file that must be a folder too (``a`` and ``a/b`` give ``("a", "a/")``). With
    ``case_insensitive`` names that differ in case alone, with ``normalising`` those that differ in Unicode
    normalisation alone, as files or anywhere among their folders.
    """
    folders: set[str] = set()
    names: set[str] = set()
    for path in paths:
        names.add(path)
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    groups: dict[str, list[str]] = {}
    if not (case_insensitive or normalising):
        return sorted((name, f"{name}/") for name in names & folders)
    for each in sorted(names):
        groups.setdefault(_fold(each, case_insensitive, normalising), []).append(each)
    for each in sorted(folders):
        groups.setdefault(_fold(each, case_insensitive, normalising), []).append(f"{each}/")
    return sorted(tuple(group) for group in groups.values() if len(group) > 1)


def match_glob(path: str, pattern: str) -> bool:
    """Whether a path matches a pattern of ``--include`` or ``--exclude``, as ``.gitignore`` would have it.

    Without a slash the pattern is tried on every segment, so ``*.csv`` matches ``a/b.csv`` and ``tmp``
    all of ``tmp/``. With one, it is anchored at the top: ``a/*.csv``, ``/b.csv``. ``**`` spans segments,
    ``*`` and ``?`` don't; ``[a-z]`` and ``[!a-z]`` are sets; a backslash takes the next character
    literally; a final slash matches folders only. A folder that matches takes all that is in it.

    Raises:
        InvalidError: the pattern is empty or ends inside a set or an escape.
    """
    return _compile(pattern).match(path) is not None


def partition_of(path: str) -> tuple[tuple[str, str], ...]:
    """The Hive-style ``key=value`` folders of a path in order, percent-decoded.

    ``year=2024/month=03/x.parquet`` is ``(("year", "2024"), ("month", "03"))``.
    """
    folders = path.split("/")[:-1]
    return tuple(pair for pair in map(_pair, folders) if pair is not None)


def table_root(path: str) -> str:
    """The folder of the table that a file belongs to: what comes before its partitions ("" at the top)."""
    folders = path.split("/")[:-1]
    for index, folder in enumerate(folders):
        if _pair(folder) is not None:
            return "/".join(folders[:index])
    return "/".join(folders)


def partition_folder(path: str) -> str:
    """The folder of the innermost partition that a file lies in, as its path has it; "" outside of partitions."""
    folders = path.split("/")[:-1]
    while folders and _pair(folders[-1]) is None:
        folders.pop()
    return "/".join(folders)


def in_partition(path: str, selector: tuple[tuple[str, str], ...]) -> bool:
    """Whether these partitions stand among the path's folders in this order, others between them or not."""
    pairs = iter(partition_of(path))
    return all(wanted in pairs for wanted in selector)


def _unsafe(path: str) -> str:
    if not path:
        return "is empty"
    if "\0" in path:
        return "holds a NUL"
    if path.startswith("/"):
        return "is absolute"
    for segment in path.split("/"):
        if segment in ("", ".", ".."):
            return f"has the segment {segment!r}"
    return ""


def _unsafe_on_windows(path: str) -> str:
    for segment in path.split("/"):
        if _WINDOWS_FORBIDDEN.search(segment):
            return f"has the segment {segment!r} with a character that Windows forbids"
        if _WINDOWS_RESERVED.match(segment):
            return f"has the segment {segment!r}, a device on Windows"
        if segment[-1] in ". ":
            return f"has the segment {segment!r}, whose end Windows drops"
    return ""


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fold(path: str, case_insensitive: bool, normalising: bool) -> str:  # noqa: FBT001 - private, two calls
    if normalising and not path.isascii():
        path = unicodedata.normalize("NFC", path)
    if case_insensitive:
        path = path.casefold()
        if normalising and not path.isascii():
            # Folding may take a normalised text apart again.
            path = unicodedata.normalize("NFC", path)
    return path


def _pair(segment: str) -> tuple[str, str] | None:
    key, equals, value = segment.partition("=")
    return (unquote(key), unquote(value)) if key and equals else None


@lru_cache(maxsize=512)
def _compile(pattern: str) -> re.Pattern[str]:
    folders_only = pattern.endswith("/")
    body = pattern[:-1] if folders_only else pattern
    anchored = "/" in body
    segments = body.removeprefix("/").split("/")
    if not all(segments):
        raise _bad_pattern(pattern, "it has an empty segment" if body else "it is empty")
    expression = "" if anchored else "(?:.*/)?"
    for index, segment in enumerate(segments):
        final = index == len(segments) - 1
        if segment == "**" and anchored:
            expression += ".+" if final else "(?:.*/)?"
        else:
            expression += _segment(segment, pattern) + ("" if final else "/")
    return re.compile(expression + ("/.*" if folders_only else "(?:/.*)?") + r"\Z", re.DOTALL)


def _segment(segment: str, pattern: str) -> str:
    expression = ""
    index = 0
    while index < len(segment):
        character = segment[index]
        index += 1
        if character == "*":
            expression += "[^/]*"
        elif character == "?":
            expression += "[^/]"
        elif character == "[":
            # A ] that comes first is a member, as in fnmatch.
            negated = segment[index : index + 1] in ("!", "^")
            start = index + negated
            end = segment.find("]", start + 1)
            if end < 0:
                raise _bad_pattern(pattern, "a '[' is not closed")
            expression += _set(segment[start:end], pattern, negated=negated)
            index = end + 1
        elif character == "\\":
            if index == len(segment):
                raise _bad_pattern(pattern, "it ends with a backslash")
            expression += re.escape(segment[index])
            index += 1
        else:
            expression += re.escape(character)
    return expression


def _set(members: str, pattern: str, *, negated: bool) -> str:
    expression = ""
    index = 0
    while index < len(members):
        low, dash, high = members[index], members[index + 1 : index + 2], members[index + 2 : index + 3]
        if dash == "-" and high:
            if low > high:
                raise _bad_pattern(pattern, f"the range {low}-{high} runs backwards")
            expression += f"{re.escape(low)}-{re.escape(high)}"
            index += 3
        else:
            expression += re.escape(low)
            index += 1
    return f"(?!/)[{'^' if negated else ''}{expression}]"


def _bad_pattern(pattern: str, why: str) -> InvalidError:
    return InvalidError(
        f"The pattern {pattern!r} can't be used: {why}.",
        hint="Write for example '*.csv', 'raw/**' or 'year=2024/**/*.parquet'.",
        kind="invalid-pattern",
    )
