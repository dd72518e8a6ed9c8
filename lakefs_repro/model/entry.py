"""One file of a snapshot, and its line in a manifest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakefs_repro.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_SIZE = 2**63 - 1

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ESCAPES = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}
_ESCAPED = re.compile(r"\\[\\nr]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: its path inside the dataset, its size in bytes and the SHA-256 of its content.

    The path is text without surrogates, relative to the dataset's prefix, and is never Unicode
    normalised. Values are not checked here, since millions are made: ``check_entry`` does it.
    """

    path: str
    size: int
    sha256: str


def check_entry(entry: Entry) -> None:
    """Refuse with InvalidError an entry that a manifest can't hold."""
    path = entry.path
    if not path:
        raise InvalidError("A manifest entry has an empty path.", hint="Give each file a path.")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidError(
            f"The name {path!r} is not valid UTF-8.",
            hint="Rename the file: a snapshot's paths are UTF-8 text.",
            kind="path-not-utf8",
        ) from error
    if type(entry.size) is not int or not 0 <= entry.size <= MAX_SIZE:
        raise InvalidError(
            f"The size of {path!r} is {entry.size!r}, not a whole number of bytes below 2^63.",
            hint="Give the file's size in bytes.",
        )
    if not _SHA256.fullmatch(entry.sha256):
        raise InvalidError(
            f"The SHA-256 of {path!r} is {entry.sha256!r}, not 64 lower-case hexadecimal digits.",
            hint="Give hashlib.sha256(content).hexdigest().",
        )


def escape_path(path: str) -> str:
    """The path as it stands in one line: backslash, LF and CR as GNU ``sha256sum`` writes them."""
    if "\\" in path:
        path = path.replace("\\", "\\\\")
    if "\n" in path:
        path = path.replace("\n", "\\n")
    if "\r" in path:
        path = path.replace("\r", "\\r")
    return path


def unescape_path(text: str) -> str:
    """The inverse of ``escape_path``, for text that is well-formed."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0]], text)


def sha256sum_lines(entries: Iterable[Entry]) -> Iterator[str]:
    r"""Lines, each with its newline, that ``sha256sum -c`` accepts inside a restored folder.

    A line whose name had to be escaped begins with a backslash, as GNU coreutils writes it.
    A name with a NUL raises InvalidError, since no file can have it.
    """
    for entry in entries:
        if "\0" in entry.path:
            raise InvalidError(
                f"The path {entry.path!r} holds a NUL, which no file name can.",
                hint="Leave the file out with --exclude, or rename the object.",
                kind="unsafe-path",
            )
        name = escape_path(entry.path)
        yield f"{'' if name == entry.path else chr(92)}{entry.sha256}  {name}\n"
